package contracttest

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// spy records what Validate does to a test. Fatalf and Skipf end the goroutine of a
// test, so they panic here with the spy itself.
type spy struct {
	testing.TB
	outcome string
}

func (s *spy) Helper()               {}
func (s *spy) Errorf(string, ...any) { s.outcome = "error" }
func (s *spy) Fatalf(string, ...any) { s.outcome = "fatal"; panic(s) }
func (s *spy) Skipf(string, ...any)  { s.outcome = "skip"; panic(s) }

func outcome(t *testing.T, schema, document string) string {
	s := &spy{TB: t}
	func() {
		defer func() {
			if r := recover(); r != nil && r != any(s) {
				panic(r)
			}
		}()
		Validate(s, schema, []byte(document))
	}()
	return s.outcome
}

func TestValidate(t *testing.T) {
	const schema = `{"type": "object", "required": ["status"], "additionalProperties": false, "properties": {"status": {"const": "ready"}}}`
	folder := t.TempDir()
	if err := os.Mkdir(filepath.Join(folder, "schemas"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, "schemas", "small-v1.schema.json"), []byte(schema), 0o644); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name, folder, require, schema, document, want string
	}{
		{"satisfied", folder, "", "small-v1", `{"status":"ready"}`, ""},
		{"named with its suffix", folder, "1", "small-v1.schema.json", `{"status":"ready"}`, ""},
		{"not satisfied", folder, "", "small-v1", `{"status":"ready","$schema":"x"}`, "error"},
		{"not JSON", folder, "", "small-v1", `{"status":"ready"`, "error"},
		{"two documents", folder, "", "small-v1", `{"status":"ready"}{}`, "error"},
		{"no such schema", folder, "", "large-v1", `{"status":"ready"}`, "error"},
		{"no contracts", t.TempDir(), "", "small-v1", `{"status":"ready"}`, "skip"},
		{"contracts required", t.TempDir(), "1", "small-v1", `{"status":"ready"}`, "fatal"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Setenv("FRAMEHOUSE_CONTRACTS", test.folder)
			t.Setenv("FRAMEHOUSE_REQUIRE_CONTRACTS", test.require)
			if got := outcome(t, test.schema, test.document); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

// The published schemas compile, and the fixtures that come with them satisfy them.
func TestPublishedFixtures(t *testing.T) {
	folder, err := find()
	if err != nil {
		t.Skip(err)
	}
	fixtures, err := filepath.Glob(filepath.Join(folder, "fixtures", "valid", "*.json"))
	if err != nil || len(fixtures) == 0 {
		t.Fatalf("no fixtures in %s: %v", folder, err)
	}
	for _, fixture := range fixtures {
		document, err := os.ReadFile(fixture)
		if err != nil {
			t.Fatal(err)
		}
		schema, _, _ := strings.Cut(filepath.Base(fixture), ".")
		Validate(t, schema, document)
	}
}

func TestDocument(t *testing.T) {
	t.Parallel()
	d, err := OpenDocument([]byte(`{
		"paths": {"/a/{b}~": {"get": {"text/csv; header=present": {"$ref": "#/components/schemas/Row"}}}},
		"components": {"schemas": {"Row": {"type": "object", "properties": {
			"day": {"type": "string", "format": "date"}, "n": {"anyOf": [{"type": "integer"}, {"type": "null"}]}}}}}
	}`))
	if err != nil {
		t.Fatal(err)
	}
	row := []string{"paths", "/a/{b}~", "get", "text/csv; header=present"}
	for text, good := range map[string]bool{
		`{}`: true, `{"day": "2026-02-28", "n": null}`: true,
		`[]`: false, `{"day": "2026-02-30"}`: false, `{"n": 1.5}`: false, `{`: false,
	} {
		if err := d.Validate([]byte(text), row...); (err == nil) != good {
			t.Errorf("%s: %v", text, err)
		}
	}
	if err := d.Validate([]byte(`{}`), "components", "schemas", "Column"); err == nil {
		t.Error("a schema that there is not allows everything")
	}
	if err := d.ValidateValue("text", "components", "schemas", "Row"); err == nil {
		t.Error("a text passes for a row")
	}
}

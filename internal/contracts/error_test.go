package contracts

import (
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// declaredCodes reads the constants from the source, so that a new code can't be left
// out of the table and of this test at once.
func declaredCodes(t *testing.T) []Code {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "error.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var codes []Code
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok {
			return true
		}
		if name, ok := spec.Type.(*ast.Ident); ok && name.Name == "Code" {
			for _, value := range spec.Values {
				text, err := strconv.Unquote(value.(*ast.BasicLit).Value)
				if err != nil {
					t.Fatal(err)
				}
				codes = append(codes, Code(text))
			}
		}
		return true
	})
	return codes
}

func TestEveryCodeHasStatusAndTitle(t *testing.T) {
	t.Parallel()
	codes := declaredCodes(t)
	if len(codes) < 10 || len(codes) != len(statuses) {
		t.Errorf("%d codes are declared, %d are in the table", len(codes), len(statuses))
	}
	for _, code := range codes {
		s, ok := statuses[code]
		if !ok || s.title == "" || s.status < 400 || s.status > 599 {
			t.Errorf("%s has status %d and title %q", code, s.status, s.title)
		}
		e := &Error{Code: code}
		if e.Status() != s.status || e.Problem("").Title != s.title || e.Problem("").Type != "urn:framehouse:problem:"+string(code) {
			t.Errorf("%s: %+v", code, e.Problem(""))
		}
		if strings.ToLower(string(code)) != string(code) || strings.Contains(string(code), " ") {
			t.Errorf("%q is no good thing to branch on", code)
		}
	}
}

func TestUnknownCodeIsInternal(t *testing.T) {
	t.Parallel()
	if got := (&Error{Code: "no_such"}).Status(); got != http.StatusInternalServerError {
		t.Errorf("got %d", got)
	}
}

func TestCodeOf(t *testing.T) {
	t.Parallel()
	for status, want := range map[int]Code{
		400: CodeInvalidRequest, 404: CodeUnknownRoute, 405: CodeMethodNotAllowed, 406: CodeNotAcceptable, 409: CodeConflict,
		413: CodeBodyTooLarge, 415: CodeUnsupportedMediaType, 422: CodeInvalidRequest, 418: CodeInternal, 500: CodeInternal,
	} {
		if got := CodeOf(status); got != want {
			t.Errorf("%d: got %s, want %s", status, got, want)
		}
	}
}

// The client never learns what is in Cause: it may hold SQL and addresses.
func TestCauseStaysInside(t *testing.T) {
	t.Parallel()
	secret := errors.New("SELECT * FROM secrets at 10.0.0.1")
	for name, err := range map[string]error{
		"an error of ours":       &Error{Code: CodeUnavailable, Detail: "Away.", Cause: secret},
		"one that is wrapped":    fmt.Errorf("reading: %w", &Error{Code: CodeUnavailable, Detail: "Away.", Cause: secret}),
		"an error of any origin": secret,
	} {
		e := AsError(err)
		if !errors.Is(e, secret) || !strings.Contains(e.Error(), "10.0.0.1") {
			t.Errorf("%s: the log does not learn the cause: %v", name, e)
		}
		document, err := json.Marshal(e.Problem("r1"))
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(document), "10.0.0.1") || strings.Contains(string(document), "secrets") {
			t.Errorf("%s: %s", name, document)
		}
	}
}

func TestUnknown(t *testing.T) {
	t.Parallel()
	e := Unknown(CodeUnknownTable, "path.table", "aiports", []string{"airports", "prices"})
	want := []Issue{{
		Location: "path.table", Message: `There is no table "aiports".`, Value: "aiports",
		Hint: `Did you mean "airports"? GET /v1/tables lists what is published.`,
	}}
	if e.Status() != http.StatusNotFound || !slices.Equal(e.Issues, want) {
		t.Errorf("got %+v", e)
	}
	e = Unknown(CodeUnknownNode, "path.node", "xyz", []string{"prices"})
	if e.Issues[0].Hint != "GET /v1/nodes lists what is published." {
		t.Errorf("got %+v", e)
	}
}

func TestInvalid(t *testing.T) {
	t.Parallel()
	e := Invalid("query.limit", 0, "Ask for less.", "limit must lie between %d and %d.", 1, 10)
	got, err := json.Marshal(e.Problem("r1"))
	if err != nil {
		t.Fatal(err)
	}
	want := `{"type":"urn:framehouse:problem:invalid_request","title":"Invalid request","status":422,"detail":"limit must lie between 1 and 10.",` +
		`"code":"invalid_request","errors":[{"location":"query.limit","message":"limit must lie between 1 and 10.","value":0,"hint":"Ask for less."}],"requestId":"r1"}`
	if string(got) != want {
		t.Errorf("\n got %s\nwant %s", got, want)
	}
}

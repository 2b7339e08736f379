package routes

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/danielgtaylor/huma/v2"

	"framehouse/internal/catalog"
	"framehouse/internal/store"
)

// published makes a table of columns, each written as name and type.
func published(t testing.TB, name string, columns ...string) *catalog.Table {
	t.Helper()
	table := &catalog.Table{Name: name, Label: name, MaxRows: 100}
	for _, column := range columns {
		name, text, _ := strings.Cut(column, " ")
		typ, err := store.ParseType(text)
		if err != nil {
			t.Fatal(err)
		}
		table.Columns = append(table.Columns, &catalog.Column{Name: name, Label: name, Type: typ})
	}
	return table
}

func nodeOf(t testing.TB, name string, columns ...string) *catalog.Node {
	table := published(t, name, columns...)
	return &catalog.Node{Table: *table, Time: table.Columns[0]}
}

func ids(document *huma.OpenAPI) []string {
	var ids []string
	for _, item := range document.Paths {
		for _, op := range operations(item) {
			ids = append(ids, op.OperationID)
		}
	}
	slices.Sort(ids)
	return ids
}

// Operations and schemas of datasets have names of their own, which do not change when
// another dataset comes or the order changes, unless both would have the same.
func TestNamesOfDatasets(t *testing.T) {
	t.Parallel()
	a := newAPI()
	one, two := published(t, "prices", "i UInt32"), published(t, "order_lines", "i UInt32")
	document := a.describe(&catalog.Catalog{Tables: []*catalog.Table{one, two}, Nodes: []*catalog.Node{nodeOf(t, "sp500", "day Date", "v Float64")}})
	for _, id := range []string{"readPrices", "readOrderLines", "readSp500", "latestSp500", "readTableRows"} {
		if !slices.Contains(ids(document), id) {
			t.Errorf("no operation %s among %v", id, ids(document))
		}
	}

	// Names that are the same, or those of what is there already.
	names := []string{"a_b", "a.b", "a-b", "_", "__", "table_rows", "Tabular", "2024", "order_lines"}
	c := &catalog.Catalog{Nodes: []*catalog.Node{nodeOf(t, "order_lines", "day Date", "v Float64")}}
	for _, name := range names {
		c.Tables = append(c.Tables, published(t, name, "i UInt32"))
	}
	document = a.describe(c)
	all := ids(document)
	if unique := slices.Compact(slices.Clone(all)); len(unique) != len(all) {
		t.Errorf("an id is there twice: %v", all)
	}
	for _, id := range []string{"readOrderLinesTable", "readOrderLinesNode", "latestOrderLinesNode", "read2024"} {
		if !slices.Contains(all, id) {
			t.Errorf("no operation %s among %v", id, all)
		}
	}
	slices.Reverse(c.Tables)
	if again := ids(a.describe(c)); !slices.Equal(all, again) {
		t.Errorf("in another order, ids are\n%v instead of\n%v", again, all)
	}

	// What is made of one name is the name of another: the other's is its own.
	written := published(t, "prices", "i UInt32")
	written.Write = &catalog.Write{Mode: catalog.Append}
	c = &catalog.Catalog{
		Tables: []*catalog.Table{written, published(t, "prices_table", "j UInt32"), published(t, "prices_new", "k UInt32"), published(t, "prices_input", "l UInt32")},
		Nodes:  []*catalog.Node{nodeOf(t, "prices", "day Date", "v Float64")},
	}
	document = a.describe(c)
	all = ids(document)
	if unique := slices.Compact(slices.Clone(all)); len(unique) != len(all) {
		t.Errorf("an id is there twice: %v", all)
	}
	schemas := document.Components.Schemas.Map()
	for schema, column := range map[string]string{"PricesTableRow": "j", "PricesNewRow": "k", "PricesInputRow": "l", "PricesNodeRow": "v"} {
		if schemas[schema] == nil || schemas[schema].Properties[column] == nil {
			t.Errorf("the schema %s has no property %s: %+v", schema, column, schemas[schema])
		}
	}
	for _, c := range c.Tables {
		for _, reference := range regexp.MustCompile(`"#/components/schemas/([^"]+Row)"`).FindAllStringSubmatch(marshalled(t, document.Paths["/v1/tables/"+c.Name+"/rows"]), -1) {
			t.Errorf("%s takes rows of %s", c.Name, reference[1])
		}
	}
}

// What was written by hand for a table is described where that is published, as it has to be.
func TestTutorialInDocument(t *testing.T) {
	t.Parallel()
	a := newAPI()
	for name, test := range map[string]struct {
		columns []string
		want    []string
	}{
		"as it has to be": {[]string{"id UInt32", "customer_code String", "name String", "region String", "more UInt8"}, []string{"listCustomers", "readCustomersSource"}},
		"other columns":   {[]string{"id UInt32", "name String"}, []string{"readCustomersSource"}},
	} {
		var got []string
		for _, id := range ids(a.describe(&catalog.Catalog{Tables: []*catalog.Table{published(t, "customers", test.columns...)}})) {
			if id == "listCustomers" || id == "readCustomersSource" || id == "listRandomNumbers" {
				got = append(got, id)
			}
		}
		if !slices.Equal(got, test.want) {
			t.Errorf("%s: described are %v, want %v", name, got, test.want)
		}
	}
	if all := ids(a.describe(nil)); !slices.Contains(all, "listCustomers") || !slices.Contains(all, "listRandomNumbers") {
		t.Errorf("without a catalog, described are %v", all)
	}
}

func marshalled(t *testing.T, value any) string {
	t.Helper()
	text, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// Whatever columns are called, the document is sound: each reference leads somewhere, each
// parameter of an operation is there once, and nothing makes a generator give one name twice.
func TestOddColumns(t *testing.T) {
	t.Parallel()
	odd := []string{
		"limit UInt32", "limit.gte UInt32", "where String", "having.x String", "where.y String", "a_b UInt8", "a.b UInt8", "a-b UInt8", "region String", "Region String",
		"REGION Nullable(String)", "2nd Float64", "type String", "価格 Float64", "日 Date", "additional_properties String", "100% Decimal(18,2)",
		"enum Enum8('a'=1,'it''s'=2,''=3)", "list Array(UInt8)", "big UInt256", "when DateTime64(6)", "id UUID", "ip IPv6", "fixed FixedString(3)", "flag Bool",
		"x\"y String", "`x` UInt8", "two\nlines String", "quoted Enum8('a'=1,'\"'=2)",
	}
	c := &catalog.Catalog{Tables: []*catalog.Table{published(t, "odd", odd...)}, Nodes: []*catalog.Node{nodeOf(t, "odd_node", append([]string{"at DateTime"}, odd...)...)}}
	document := newAPI().describe(c)
	text, err := json.Marshal(document)
	if err != nil {
		t.Fatal(err)
	}
	var whole map[string]any
	if err := json.Unmarshal(text, &whole); err != nil {
		t.Fatal(err)
	}
	for _, reference := range regexp.MustCompile(`"\$ref":"#/([^"]+)"`).FindAllStringSubmatch(string(text), -1) {
		at := any(whole)
		for step := range strings.SplitSeq(reference[1], "/") {
			inside, _ := at.(map[string]any)
			at = inside[step]
		}
		if at == nil {
			t.Errorf("the reference %s leads nowhere", reference[1])
		}
	}
	// Nothing is called, or is a choice, what would end a literal or a line of a generator's code.
	unsayable := func(text string) bool { return strings.ContainsAny(text, "\"`\n") }
	var look func(at any)
	look = func(at any) {
		switch at := at.(type) {
		case []any:
			for _, item := range at {
				look(item)
			}
		case map[string]any:
			for key, member := range at {
				if choices, ok := member.([]any); ok && key == "enum" && slices.ContainsFunc(choices, func(choice any) bool { return unsayable(fmt.Sprint(choice)) }) {
					t.Errorf("choices are %q", choices)
				}
				if name, ok := member.(string); ok && key == "name" && unsayable(name) || unsayable(key) {
					t.Errorf("%q is called %q", key, member)
				}
				look(member)
			}
		}
	}
	look(whole)
	for path, item := range document.Paths {
		for _, op := range operations(item) {
			seen, names := map[string]bool{}, []string{}
			for _, p := range op.Parameters {
				if key, shared := strings.CutPrefix(p.Ref, parameterPlace); shared {
					p = document.Components.Parameters[key]
				}
				if seen[p.Name] {
					t.Errorf("%s has the parameter %s twice", path, p.Name)
				}
				seen[p.Name] = true
				if p.Description == "" || p.Schema == nil {
					t.Errorf("%s: the parameter %s has no description or schema", path, p.Name)
				}
				names = append(names, generated(p.Name, p.Extensions))
			}
			checkGenerated(t, op.OperationID, names)
		}
	}
	for name, schema := range document.Components.Schemas.Map() {
		var names []string
		for property, p := range schema.Properties {
			names = append(names, generated(property, p.Extensions))
		}
		checkGenerated(t, name, names)
	}
	// The parameter limit is not the column of that name.
	read := document.Paths["/v1/tables/odd/rows"].Get
	var filters []string
	for _, p := range read.Parameters {
		if key, shared := strings.CutPrefix(p.Ref, parameterPlace); shared {
			p = document.Components.Parameters[key]
		}
		filters = append(filters, p.Name)
	}
	for _, name := range []string{"where.limit", "where.where", "where.having.x", "where.where.y", "limit.lt", "enum.in", "flag"} {
		if !slices.Contains(filters, name) {
			t.Errorf("no parameter %s among %v", name, filters)
		}
	}
	// limit.gte is a column of its own, so that no parameter of that name asks of limit.
	if i := slices.Index(filters, "limit.gte"); i < 0 || slices.Contains(filters[i+1:], "limit.gte") {
		t.Errorf("limit.gte is not there once: %v", filters)
	}
}

// generated is the name that a generator gives.
func generated(name string, extensions map[string]any) string {
	if own, ok := extensions["x-go-name"].(string); ok {
		return own
	}
	return goIdentifier(name)
}

func checkGenerated(t *testing.T, where string, names []string) {
	t.Helper()
	slices.Sort(names)
	for i, name := range names {
		if name == "" || i > 0 && names[i-1] == name {
			t.Errorf("%s: a generator would give the name %q twice, or none", where, name)
		}
	}
}

// BenchmarkDocument describes two hundred tables.
func BenchmarkDocument(b *testing.B) {
	c := &catalog.Catalog{}
	for i := range 200 {
		c.Tables = append(c.Tables, published(b, fmt.Sprintf("table_%d", i), "id UInt64", "name String", "at DateTime64(3)", "price Float64", "volume UInt32"))
	}
	a := newAPI()
	for b.Loop() {
		if err := a.write(c); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(len(a.documents.json.plain)), "bytes/document")
}

// A document is the same each time it is written.
func TestDocumentIsStable(t *testing.T) {
	t.Parallel()
	c := &catalog.Catalog{Nodes: []*catalog.Node{nodeOf(t, "bars", "at DateTime", "open Float64", "note String")}}
	var first string
	for range 5 {
		text, err := newAPI().describe(c).YAML()
		if err != nil {
			t.Fatal(err)
		}
		if first == "" {
			first = string(text)
		}
		if string(text) != first {
			t.Fatal("the document differs from one time to the next")
		}
	}
}

// Whoever is told our public address asks there for what the discovery document names.
func TestDiscoveryAddress(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ public, base, openapi, api string }{
		{"", "", "/openapi.json", ""},
		{"", "/data", "/data/openapi.json", ""},
		{"https://data.example.com/data", "/data", "https://data.example.com/data/openapi.json", "https://data.example.com/data"},
	} {
		a := New(Services{Logger: slog.New(slog.DiscardHandler), PublicURL: test.public, BasePath: test.base})
		d := a.discovery(a.describe(nil), "sum")
		if d.OpenAPI.URL != test.openapi || d.APIBaseURL != test.api {
			t.Errorf("%q %q: %s, %s", test.public, test.base, d.OpenAPI.URL, d.APIBaseURL)
		}
	}
}

package catalog

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"framehouse/internal/contracts"
	"framehouse/internal/store"
	"framehouse/internal/store/sql"
)

// known is a ClickHouse that has what a test says. The real one is in the other tests;
// what an entry is held against does not depend on it.
type known struct {
	tables map[sql.Table]store.TableInfo
	err    error
}

func (k *known) Database() string { return "db" }

func (k *known) Describe(_ context.Context, tables []sql.Table) (map[sql.Table]store.TableInfo, error) {
	found := map[sql.Table]store.TableInfo{}
	for _, t := range tables {
		if info, ok := k.tables[t]; ok {
			found[t] = info
		}
	}
	return found, k.err
}

func (k *known) Tables(context.Context) ([]string, error) {
	var names []string
	for t := range k.tables {
		names = append(names, t.Name)
	}
	slices.Sort(names)
	return names, k.err
}

func shop() *known {
	columns := []store.ColumnInfo{
		{Name: "time", Type: "DateTime"}, {Name: "late", Type: "Nullable(DateTime)"}, {Name: "id", Type: "LowCardinality(String)"},
		{Name: "close", Type: "Float64", Comment: "Last price"}, {Name: "volume", Type: "UInt64"}, {Name: "tags", Type: "Array(String)"},
	}
	return &known{tables: map[sql.Table]store.TableInfo{
		{Database: "db", Name: "prices"}:    {Columns: columns, SortingKey: []string{"id", "time"}, Comment: "All prices"},
		{Database: "other", Name: "prices"}: {Columns: columns[:3]},
		{Database: "db", Name: "strange"}:   {Columns: []store.ColumnInfo{{Name: "x", Type: "Array(Int8"}, {Name: "y", Type: "Int8"}}},
		{Database: "db", Name: "bare"}:      {},
	}}
}

// Each fault has the line of what is wrong, and says what would be right.
func TestFaults(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, text string
		want       []string
	}{
		{"empty file", "", []string{"1: the catalog is empty; it needs tables or nodes"}},
		{"only a comment", "# soon\n", []string{"1: the catalog is empty; it needs tables or nodes"}},
		{"only a null", "~", []string{"1: the catalog is empty; it needs tables or nodes"}},
		{"no entries", "tables:\nnodes: {}", []string{"1: the catalog is empty; it needs tables or nodes"}},
		{"a list", "- prices", []string{"1: a list stands where keys with values are expected"}},
		{"a text", "prices", []string{`1: "prices" stands where keys with values are expected`}},
		{"two documents", "tables: {prices: {}}\n---\ntables: {strange: {}}", []string{"2: a second YAML document begins here; a catalog is one"}},
		{"an unknown section", "table: {prices: {}}", []string{`1: unknown key "table"; did you mean "tables"?`}},
		{"a stranger section", "tables: {prices: {}}\nversion: 2", []string{`2: unknown key "version"; known are nodes, tables`}},
		{"tables as a list", "tables:\n- prices", []string{"2: a list stands where keys with values are expected"}},
		{"an entry that is a text", "tables: {prices: yes}", []string{`1: tables.prices: "yes" stands where keys with values are expected`}},
		{"the same table twice", "tables:\n  prices: {}\n  prices: {}", []string{`3: "prices" is here twice, first in line 2`}},
		{"the same key twice", "tables:\n  prices:\n    label: a\n    label: b", []string{`4: tables.prices: "label" is here twice, first in line 3`}},
		{"the same column twice", "tables:\n  prices:\n    columns:\n      id: {}\n      id: {}", []string{`5: tables.prices: "id" is here twice, first in line 4`}},
		{"unknown keys", "tables:\n  prices:\n    colums: {}\n    time: time\n    columns:\n      id: {unti: m, format: x}", []string{
			`3: tables.prices: unknown key "colums"; did you mean "columns"?`,
			`4: tables.prices: unknown key "time"; known are cache, columns, created_at, created_by, description, export, final, key, label, limits, max_rows, order, references, table, updated_at, updated_by, version, write`,
			`6: tables.prices: unknown key "unti"; did you mean "unit"?`,
			`6: tables.prices: unknown key "format"; known are description, example, hidden, label, safe_integer, unit, values`,
		}},
		{"a merge key", "tables:\n  prices:\n    <<: {label: x}", []string{`3: tables.prices: unknown key "<<"; known are cache, columns, created_at, created_by, description, export, final, key, label, limits, max_rows, order, references, table, updated_at, updated_by, version, write`}},
		{"a name that is no text", "tables:\n  ? [a]\n  : {}", []string{"2: a list stands where a name is expected"}},
		{"names that no path holds", "tables:\n  a/b: {table: prices}\n  '..': {table: prices}\n  é: {table: prices}\n  'a b': {table: prices}\n  a?: {table: prices}", []string{
			`2: tables.a/b: the name "a/b" cannot stand in a path; use letters, digits, '_', '-' and '.'`,
			`3: tables...: the name ".." cannot stand in a path; use letters, digits, '_', '-' and '.'`,
			`4: tables.é: the name "é" cannot stand in a path; use letters, digits, '_', '-' and '.'`,
			`5: tables.a b: the name "a b" cannot stand in a path; use letters, digits, '_', '-' and '.'`,
			`6: tables.a?: the name "a?" cannot stand in a path; use letters, digits, '_', '-' and '.'`,
		}},
		{"values of the wrong kind", "tables:\n  prices:\n    label: [a]\n    description:\n    max_rows: many\n    columns:\n      id: {hidden: 1, safe_integer: 'true', unit: ' '}", []string{
			`3: tables.prices: a list stands where a text is expected`,
			`4: tables.prices: nothing stands where a text is expected`,
			`5: tables.prices: "many" stands where a whole number from 1 to 1000000000 is expected`,
			`7: tables.prices: "1" stands where true or false is expected`,
			`7: tables.prices: "true" stands where true or false is expected`,
			`7: tables.prices: " " stands where a text is expected`,
		}},
		{"max_rows out of reach", "tables:\n  a: {table: prices, max_rows: 0}\n  b: {table: prices, max_rows: -1}\n  c: {table: prices, max_rows: 9223372036854775807}\n  d: {table: prices, max_rows: 1e3}\n  e: {table: prices, max_rows: 99999999999999999999}", []string{
			`2: tables.a: "0" stands where a whole number from 1 to 1000000000 is expected`,
			`3: tables.b: "-1" stands where a whole number from 1 to 1000000000 is expected`,
			`4: tables.c: "9223372036854775807" stands where a whole number from 1 to 1000000000 is expected`,
			`5: tables.d: "1e3" stands where a whole number from 1 to 1000000000 is expected`,
			`6: tables.e: "99999999999999999999" stands where a whole number from 1 to 1000000000 is expected`,
		}},
		{"tables that are not there", "tables:\n  pirces: {}\n  x:\n    label: X\n    table: nowhere.nothing", []string{
			"2: tables.pirces: ClickHouse has no table db.pirces; did you mean prices?",
			"5: tables.x: ClickHouse has no table nowhere.nothing",
		}},
		{"columns that are not there", "tables:\n  prices:\n    key: [id, tiem]\n    order: [-clos, zzz]\n    columns:\n      volum: {}", []string{
			`3: tables.prices: key names the column "tiem", which there is not; did you mean "time"?`,
			`4: tables.prices: order names the column "clos", which there is not; did you mean "close"?`,
			`4: tables.prices: order names the column "zzz", which there is not; there are time, late, id, close, volume, tags`,
			`6: tables.prices: columns names the column "volum", which there is not; did you mean "volume"?`,
		}},
		{"columns that are named twice", "tables:\n  prices:\n    key: [id, id]\n    order: [time, -time]", []string{
			`3: tables.prices: key names the column "id" twice`,
			`4: tables.prices: order names the column "time" twice`,
		}},
		{"hidden columns in use", "nodes:\n  prices:\n    time: time\n    dimensions: id\n    value: close\n    columns:\n      time: {hidden: true}\n      id: {hidden: true}\n      close: {hidden: true}\ntables:\n  prices:\n    key: id\n    order: -time\n    columns: {id: {hidden: true}, time: {hidden: true}}", []string{
			`3: nodes.prices: time names the column "time", which is hidden`,
			`4: nodes.prices: dimensions names the column "id", which is hidden`,
			`5: nodes.prices: value names the column "close", which is hidden`,
			`12: tables.prices: key names the column "id", which is hidden`,
			`13: tables.prices: order names the column "time", which is hidden`,
		}},
		{"no column left", "tables:\n  strange: {columns: {y: {hidden: true}}}\n  bare: {}\nnodes:\n  bare: {time: time}", []string{
			`2: tables.strange: column "x": ClickHouse type "Array(Int8": a parenthesis is not closed`,
			`2: tables.strange: no column is left to publish`,
			`3: tables.bare: no column is left to publish`,
			`5: nodes.bare: no column is left to publish`,
		}},
		{"values and examples that the column cannot hold", "nodes:\n  prices:\n    time: time\n    dimensions: id\n    columns:\n      id: {values: [A, B, A], example: C}\n      volume: {values: [1, x], example: 1}\n      close: {example: much}\n      tags: {example: a}", []string{
			`6: nodes.prices: values of column "id": "A" is listed twice`,
			`6: nodes.prices: the example of column "id", "C", is none of its values`,
			`7: nodes.prices: values of column "volume": "x" must be a whole number from 0 to 18446744073709551615`,
			`8: nodes.prices: the example of column "close": "much" must be a number such as 12.5 or -3e8`,
			`9: nodes.prices: column "tags" is a Array(String), which nothing is filtered by; values and example are for filters`,
		}},
		{"safe_integer of what needs none", "tables:\n  prices:\n    columns:\n      close: {safe_integer: true}\n      volume: {safe_integer: true}", []string{
			`4: tables.prices: column "close" is a Float64; safe_integer is for Int64 and UInt64`,
		}},
		{"a node without time", "nodes:\n  prices: {value: close}", []string{"2: nodes.prices: a node needs time: the column that holds the time of an observation"}},
		{"times that are none", "nodes:\n  a: {table: prices, time: id}\n  b: {table: prices, time: late}", []string{
			`2: nodes.a: the time column "id" is a LowCardinality(String); it must be a Date, Date32, DateTime or DateTime64 that is not Nullable`,
			`3: nodes.b: the time column "late" is a Nullable(DateTime); it must be a Date, Date32, DateTime or DateTime64 that is not Nullable`,
		}},
		{"a frequency that is none", "nodes:\n  prices: {time: time, frequency: hourly}", []string{
			`2: nodes.prices: frequency "hourly" is not one such as 1m, 5m, 1h, 1d, 1w, 1mo, 1q or 1y; leave it out when observations are irregular`,
		}},
		{"dimensions twice", "nodes:\n  prices: {time: time, dimensions: [id, id, time]}", []string{
			`2: nodes.prices: dimension "id" is given twice`,
			`2: nodes.prices: dimension "time" is given twice`,
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			c, err := Load(t.Context(), "f", []byte(test.text), shop())
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, fault := range c.Faults {
				got = append(got, strings.TrimPrefix(fault.String(), "f:"))
			}
			if !slices.Equal(got, test.want) {
				t.Errorf("\n got %s\nwant %s", strings.Join(got, "\n     "), strings.Join(test.want, "\n     "))
			}
		})
	}
}

// A faulty entry is left out, is known to be, and keeps no other from being served.
func TestFaultyEntriesAreLeftOut(t *testing.T) {
	t.Parallel()
	c := load(t, shop(), `
		tables:
		  prices:
		    key: nothing
		  good: {table: prices}
		  gone: {}
		nodes:
		  prices: {time: time}
		  gone: {time: time}
		`)
	if got := strings.Join(c.TableNames(), " ") + "|" + strings.Join(c.NodeNames(), " "); got != "good|prices" {
		t.Errorf("served are %s", got)
	}
	if len(c.Faults) != 3 {
		t.Errorf("got %v", c.Faults)
	}
	for name, code := range map[string]contracts.Code{
		"prices": contracts.CodeUnavailable, "gone": contracts.CodeUnavailable, "never": contracts.CodeUnknownTable, "nodes": contracts.CodeUnknownTable,
	} {
		if _, err := c.Table(name); contracts.AsError(err).Code != code {
			t.Errorf("tables.%s: %v, want %s", name, err, code)
		}
	}
	if _, err := c.Node("gone"); contracts.AsError(err).Code != contracts.CodeUnavailable {
		t.Error(err)
	}
	if _, err := c.Node("good"); contracts.AsError(err).Code != contracts.CodeUnknownNode {
		t.Error(err)
	}
}

func TestNoCatalog(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"a syntax error":                "tables:\n  a: [\nb",
		"a tab":                         "tables:\n\ta: {}",
		"a syntax error further down":   "tables: {prices: {}}\n---\n[",
		"an anchor that is not defined": "tables: *x",
		"bytes that are no text":        "\xff\xfe\x00",
	} {
		c, err := Load(t.Context(), "catalog.yaml", []byte(text), shop())
		if err == nil || !strings.Contains(err.Error(), "catalog catalog.yaml: ") {
			t.Errorf("%s: %v, %v", name, c, err)
		}
	}
	db := shop()
	db.err = errors.New("away")
	if _, err := Load(t.Context(), "catalog.yaml", []byte("tables: {prices: {}}"), db); !errors.Is(err, db.err) {
		t.Errorf("of a ClickHouse that is away: %v", err)
	}
}

// Anchors save writing; an alias stands for what it names, also as a name.
func TestAliases(t *testing.T) {
	t.Parallel()
	c := load(t, shop(), `
		tables:
		  &name prices:
		    columns: &columns
		      close: {label: &label Closing price}
		  more:
		    table: *name
		    label: *label
		    columns: *columns
		nodes:
		  *name : {time: time, value: close}
		`)
	if len(c.Faults) > 0 {
		t.Fatal(c.Faults)
	}
	if more, _ := c.Table("more"); more.Label != "Closing price" || more.Source.Name != "prices" || more.Column("close").Label != "Closing price" {
		t.Errorf("got %+v", more)
	}
	if _, err := c.Node("prices"); err != nil {
		t.Error(err)
	}
}

// hostile are files that mean to keep the reader busy.
func hostile() map[string]string {
	bomb := "a: &a [x, x, x, x, x, x, x, x, x]\n"
	for i := byte('b'); i < 'm'; i++ {
		bomb += fmt.Sprintf("%c: &%c [%s]\n", i, i, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*%c, ", i-1), 9), ", "))
	}
	var product strings.Builder
	product.WriteString("tables:\n  t0:\n    columns: &columns\n      c0: &column {")
	for i := range 300 {
		fmt.Fprintf(&product, "k%d: x, ", i)
	}
	product.WriteString("}\n")
	for i := range 300 {
		fmt.Fprintf(&product, "      d%d: *column\n", i)
	}
	for i := range 300 {
		fmt.Fprintf(&product, "  u%d: {columns: *columns}\n", i)
	}
	return map[string]string{
		"an alias bomb":               bomb + "tables: {prices: {key: *l, order: *l}}",
		"an alias bomb for tables":    bomb + "tables: *l",
		"a list that holds itself":    "tables: {prices: {key: &k [id, *k]}}",
		"a mapping that holds itself": "tables: &t {prices: {columns: *t}}",
		"a document of itself":        "&d {tables: *d}",
		"aliases that multiply":       product.String(),
		"deep nesting":                "tables: " + strings.Repeat("[", 5000) + strings.Repeat("]", 5000),
		"deep flow mappings":          strings.Repeat("{tables: ", 5000) + strings.Repeat("}", 5000),
	}
}

func TestHostileFiles(t *testing.T) {
	t.Parallel()
	for name, text := range hostile() {
		t.Run(name, func(t *testing.T) {
			began := time.Now()
			c, err := Load(t.Context(), "catalog.yaml", []byte(text), shop())
			if err == nil && len(c.Faults) == 0 {
				t.Error("nothing is found wrong")
			}
			if took := time.Since(began); took > 5*time.Second {
				t.Errorf("took %s", took)
			}
		})
	}
}

func FuzzParse(f *testing.F) {
	f.Add("tables:\n  prices: {key: id, max_rows: 5, columns: {id: {hidden: true}}}\nnodes:\n  prices: {time: time, dimensions: [id], value: close, frequency: 1d}")
	for _, text := range hostile() {
		if len(text) < 2000 {
			f.Add(text)
		}
	}
	f.Fuzz(func(t *testing.T, text string) {
		c, err := Load(t.Context(), "catalog.yaml", []byte(text), shop())
		if err != nil {
			return
		}
		// Whatever is served can be read: it has columns, and all that it names.
		for _, table := range c.Tables {
			usable(t, table)
		}
		for _, n := range c.Nodes {
			usable(t, &n.Table)
			if n.Time == nil {
				t.Errorf("node %s has no time", n.Name)
			}
		}
		if len(c.Tables)+len(c.Nodes)+len(c.Faults) == 0 {
			t.Error("nothing is served and nothing is wrong")
		}
		for _, fault := range c.Faults {
			if fault.Line < 1 || fault.Line > strings.Count(text, "\n")+strings.Count(text, "\r")+2 || fault.Message == "" {
				t.Errorf("%+v", fault)
			}
		}
	})
}

func usable(t *testing.T, table *Table) {
	t.Helper()
	if len(table.Columns) == 0 || table.MaxRows < 1 || table.Label == "" {
		t.Errorf("%+v", table)
	}
	for _, name := range table.Key {
		if table.Column(name) == nil {
			t.Errorf("%s has the key %q", table.Name, name)
		}
	}
	for _, o := range table.Order {
		if table.Column(o.Column) == nil {
			t.Errorf("%s has the order %q", table.Name, o)
		}
	}
}

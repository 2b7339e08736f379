package catalog

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"framehouse/internal/contracts"
	"framehouse/internal/store/storetest"
)

// What the file leaves out, ClickHouse completes.
func TestCompletedByClickHouse(t *testing.T) {
	t.Parallel()
	database, other := storetest.Database(t), storetest.Database(t)
	db := open(t, database)
	storetest.Exec(t, database, `
		CREATE TABLE prices (
			as_of_date Date COMMENT 'Trading day', id LowCardinality(String), close Nullable(Float64) COMMENT 'Last price',
			volume UInt64, raw UInt64, doubled Float64 ALIAS close * 2, stamp DateTime MATERIALIZED as_of_date, gone String EPHEMERAL
		) ENGINE = MergeTree ORDER BY (as_of_date, id) COMMENT 'Daily prices';
		CREATE TABLE odd (`+"`a b`"+` Int8, `+"`c``d`"+` Int8, "é" Int8, "n.x" Array(Int8)) ENGINE = MergeTree ORDER BY tuple();
		CREATE TABLE folded (time DateTime, id String, v Int8) ENGINE = MergeTree ORDER BY (id, toDate(time), v);
		CREATE TABLE first_expression (time DateTime, id String) ENGINE = MergeTree ORDER BY (toDate(time), id);
		CREATE TABLE descending (time DateTime, id String) ENGINE = MergeTree ORDER BY (id, time DESC) SETTINGS allow_experimental_reverse_key = 1;
		CREATE VIEW seen AS SELECT id, close FROM prices;
		INSERT INTO prices (as_of_date, id, close, volume, raw) VALUES ('2026-01-01', 'A', 1.5, 2, 3);
	`)
	storetest.Exec(t, other, "CREATE TABLE prices (a Int8) ENGINE = MergeTree ORDER BY a")
	c := load(t, db, `
		tables:
		  prices:
		    columns:
		      close: {label: Close, unit: USD}
		      volume: {safe_integer: true, description: Shares}
		      stamp: {hidden: true}
		  odd: {}
		  folded: {}
		  partly: {table: folded, columns: {id: {hidden: true}}}
		  first_expression: {}
		  descending: {}
		  seen: {label: Seen, description: A view, max_rows: 10, key: id, order: [-close, id]}
		  far: {table: `+other+`.prices}
		nodes:
		  prices: {time: as_of_date, dimensions: id}
		  named: {table: prices, time: as_of_date, dimensions: [id], value: volume, frequency: 1d}
		  wordy: {table: folded, time: time, dimensions: [id, v]}
		`)
	if len(c.Faults) > 0 {
		t.Fatal(c.Faults)
	}
	prices, _ := c.Table("prices")
	if prices.Label != "Prices" || prices.Description != "Daily prices" || prices.MaxRows != DefaultMaxRows {
		t.Errorf("got %+v", prices)
	}
	if got := strings.Join(prices.ColumnNames(), " "); got != "as_of_date id close volume raw doubled" {
		t.Errorf("columns are %s", got)
	}
	for name, want := range map[string]contracts.Field{
		"as_of_date": {Key: "as_of_date", Label: "As of date", Description: "Trading day", Type: "date", NativeType: "Date", Provenance: "backend"},
		"id":         {Key: "id", Label: "Id", Type: "string", NativeType: "LowCardinality(String)", Provenance: "backend"},
		"close":      {Key: "close", Label: "Close", Description: "Last price Unit: USD.", Type: "number", Nullable: true, NativeType: "Nullable(Float64)", Provenance: "backend"},
		"volume":     {Key: "volume", Label: "Volume", Description: "Shares", Type: "integer", NativeType: "UInt64", Provenance: "backend", Safe: true},
		"raw":        {Key: "raw", Label: "Raw", Description: "ClickHouse type UInt64.", Type: "string", Provenance: "backend"},
	} {
		if got := prices.Column(name).Field(); got != want {
			t.Errorf("\n got %+v\nwant %+v", got, want)
		}
	}
	for name, want := range map[string]string{
		"prices": "as_of_date id|as_of_date id", "odd": "|", "folded": "id|id", "partly": "|", "first_expression": "|", "descending": "id time|id time",
		"seen": "id|-close id", "far": "a|a",
	} {
		table, err := c.Table(name)
		if err != nil {
			t.Fatal(err)
		}
		var order []string
		for _, o := range table.Order {
			order = append(order, o.String())
		}
		if got := strings.Join(table.Key, " ") + "|" + strings.Join(order, " "); got != want {
			t.Errorf("%s has key and order %s, want %s", name, got, want)
		}
		// Whatever is published can be read, whole and by its columns.
		cells(t, db, table, table.Columns[0].Name)
	}
	for name, want := range map[string]string{"prices": "close", "named": "volume", "wordy": ""} {
		n, _ := c.Node(name)
		value := ""
		if n.Value != nil {
			value = n.Value.Name
		}
		if value != want {
			t.Errorf("node %s has the value %q, want %q", name, value, want)
		}
	}
	if odd, _ := c.Table("odd"); odd.Column("é").Label != "É" || odd.Column("a b").Label != "A b" {
		t.Errorf("labels are %q, %q", odd.Column("é").Label, odd.Column("a b").Label)
	}
}

// More tables than fit into one question.
func TestManyTables(t *testing.T) {
	t.Parallel()
	database := storetest.Database(t)
	db := open(t, database)
	storetest.Exec(t, database, "CREATE TABLE here (a Int8) ENGINE = MergeTree ORDER BY a;\nINSERT INTO here VALUES (1);\n")
	var text strings.Builder
	text.WriteString("tables:\n")
	for i := range 1000 {
		fmt.Fprintf(&text, "  t%d: {table: here}\n  u%d: {}\n", i, i)
	}
	c, err := Load(t.Context(), "catalog.yaml", []byte(text.String()), db)
	if err != nil || len(c.Tables) != 1000 || len(c.Faults) != 1000 {
		t.Fatalf("%d tables, %d faults, %v", len(c.Tables), len(c.Faults), err)
	}
	live := NewLive("catalog.yaml", []byte(text.String()), db, discard)
	if err := live.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	size, ok, err := NewSizes(live, db).Of(t.Context(), c.Tables[999])
	if err != nil || !ok || size.Rows != 1 {
		t.Errorf("got %+v, %t, %v", size, ok, err)
	}
}

func TestPick(t *testing.T) {
	t.Parallel()
	table, err := load(t, shop(), "tables: {prices: {max_rows: 5}}").Table("prices")
	if err != nil {
		t.Fatal(err)
	}
	columns, err := table.Pick("query.columns", []string{"close", "id"})
	if err != nil || !slices.Equal(columns, []*Column{table.Column("close"), table.Column("id")}) {
		t.Errorf("got %v, %v", columns, err)
	}
	if columns, err = table.Pick("query.columns", nil); err != nil || len(columns) != len(table.Columns) {
		t.Errorf("got %v, %v", columns, err)
	}
	for _, names := range [][]string{{"id", "id"}, {"clsoe"}, {""}, {"ID"}} {
		_, err := table.Pick("query.columns", names)
		if e := contracts.AsError(err); e.Code != contracts.CodeInvalidRequest || e.Issues[0].Location != "query.columns" {
			t.Errorf("%q: %v", names, err)
		}
	}
	if _, err := table.Pick("query.columns", []string{"clsoe"}); !strings.Contains(contracts.AsError(err).Issues[0].Hint, `Did you mean "close"?`) {
		t.Error(err)
	}
}

// What is said of tables and columns, in the catalog or by whoever made them, stands in pages,
// headings and code of others: labels are one line, and nothing is there that nobody can read.
func TestTextsCanBeRead(t *testing.T) {
	t.Parallel()
	database := storetest.Database(t)
	db := open(t, database)
	storetest.Exec(t, database, "CREATE TABLE odd (`two\nlines` String COMMENT 'bell \\x07\nnext', plain String) ENGINE = MergeTree ORDER BY tuple() COMMENT 'nul \\0\nnext'")
	c := load(t, db, `
		tables:
		  odd: {label: "one\ntwo", columns: {plain: {label: "a\u0000b", description: "c\r\nd", unit: "k\ng"}}}
		`)
	odd, err := c.Table("odd")
	if err != nil {
		t.Fatal(err, c.Faults)
	}
	if odd.Label != "one two" || odd.Description != "nul  \nnext" {
		t.Errorf("the table is called %q, described as %q", odd.Label, odd.Description)
	}
	if made := odd.Column("two\nlines"); made.Label != "Two lines" || made.Description != "bell  \nnext" {
		t.Errorf("the column is called %q, described as %q", made.Label, made.Description)
	}
	if said := odd.Column("plain"); said.Label != "a b" || said.Description != "c\nd" || said.Unit != "k g" {
		t.Errorf("the column is called %q, described as %q, in %q", said.Label, said.Description, said.Unit)
	}
}

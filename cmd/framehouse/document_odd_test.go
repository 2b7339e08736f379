package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"framehouse/internal/store/storetest"
)

// oddNames are columns whose names mean something else too, or make no names of their own in
// a client's language.
var oddNames = []string{
	"limit", "order", "format", "where", "a.b", "a_b", "a-b", "region", "Region", "2nd", "type", "func", "100%", "価格",
	"row", "frame", "additional_properties", "limit.gte", `x"y`, "two\nlines",
}

// The document is true of columns of every type and of any name, of a table that is written
// and of a node, for which the catalog says nothing but that they are there; and Go code
// that is generated from it compiles.
func TestDocumentOfOddColumns(t *testing.T) {
	t.Parallel()
	database := storetest.Database(t)
	columns, values := []string{"id UInt32"}, ""
	for i, of := range types {
		column := fmt.Sprintf("c%d %s", i, of.typ)
		if kind, _, _ := strings.Cut(of.typ, "("); kind == "Dynamic" || kind == "Variant" || kind == "Point" || kind == "Tuple" {
			column += " DEFAULT " + of.values[0] // of these there are no examples, and most cannot be written
		}
		columns, values = append(columns, column), values+", "+of.values[0]
	}
	few, fewValues := []string{"id UInt32", "n Nullable(Int32)", "d Decimal(38, 10)", "big UInt64", "flag Bool", "kind Enum8('a' = 1)"}, ", 1, 1.5, 2, true, 'a'"
	for _, name := range oddNames {
		few, fewValues = append(few, "`"+name+"` String"), fewValues+", 'x'"
		columns, values = append(columns, "`"+name+"` String"), values+", 'x'"
	}
	all := strings.Join(columns, ", ")
	const settings = " SETTINGS flatten_nested = 0, allow_suspicious_low_cardinality_types = 1"
	storetest.Exec(t, database, `
		CREATE TABLE odd (`+all+`, version UInt64, is_deleted UInt8) ENGINE = ReplacingMergeTree(version, is_deleted) ORDER BY id`+settings+`, non_replicated_deduplication_window = 100;
		CREATE TABLE odd_node (time DateTime64(6), `+strings.Join(few, ", ")+`) ENGINE = MergeTree ORDER BY (id, time)`)
	const into = "INSERT INTO %s SETTINGS input_format_try_infer_datetimes = 0 VALUES "
	fill := func(t *testing.T) {
		t.Helper()
		storetest.Exec(t, database, "TRUNCATE TABLE odd")
		storetest.Exec(t, database, fmt.Sprintf(into+"(5%[2]s, 1, 0), (6%[2]s, 1, 0)", "odd", values))
	}
	fill(t)
	storetest.Exec(t, database, fmt.Sprintf(into+"('2026-03-01 00:00:00', 5%[2]s), ('2026-03-01 00:00:00', 6%[2]s), ('2026-03-01 00:00:01', 6%[2]s)", "odd_node", fewValues))
	address, _ := forward(t, "127.0.0.1:0")
	app := open(t, Config{ClickHouse: urlOf(t, database, address), CatalogFile: writeCatalog(t, `
tables: {odd: {write: upsert}}
nodes: {odd_node: {time: time, dimensions: [id]}}
`)})
	if a := get(t, app.URL()+"/ready"); !strings.Contains(string(a.body), `"notServed":[]`) {
		t.Fatalf("%s", a.body)
	}
	text := get(t, app.URL()+"/openapi.json").body
	document := readDocument(t, text)
	for _, op := range document.operations {
		if !strings.Contains(op.path, "odd") {
			continue
		}
		t.Run(op.OperationID, func(t *testing.T) {
			(&prober{T: t, document: document, op: op, url: app.URL(), refill: fill, none: "id.gt=100"}).probe()
		})
	}
	t.Run("generated", func(t *testing.T) {
		need(t, "go")
		dir := clientFolder(t, app, "go")
		if err := os.RemoveAll(filepath.Join(dir, "write")); err != nil {
			t.Fatal(err)
		}
		generate(t, dir)
		execute(t, dir, "go build -trimpath ./framehouse")
	})
}

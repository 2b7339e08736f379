package catalog

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"framehouse/internal/store"
	"framehouse/internal/store/sql"
	"framehouse/internal/store/storetest"
)

// edited is a catalog file that is edited while it is served, of a ClickHouse that can
// change too.
type edited struct {
	*testing.T
	*Live
	db *known
}

func edit(t *testing.T, text string) *edited {
	e := &edited{t, nil, shop()}
	path := filepath.Join(t.TempDir(), "catalog.yaml")
	e.Live = NewLiveFile(path, []byte(dedent(text)), e.db, discard)
	e.name = "f"
	if err := e.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	return e
}

// to edits the file. Served are then tables and nodes with their labels, and there are faults.
func (e *edited) to(text, served string, faults ...string) {
	e.Helper()
	if err := os.WriteFile(e.path, []byte(dedent(text)), 0o600); err != nil {
		e.Fatal(err)
	}
	e.follow(true)
	e.has(served, faults...)
}

func (e *edited) has(served string, faults ...string) {
	e.Helper()
	if err := e.Load(e.Context()); err != nil {
		e.Fatal(err)
	}
	c, err := e.Current()
	if err != nil {
		e.Fatal(err)
	}
	var got, wrong []string
	for _, t := range c.Tables {
		got = append(got, t.Name+"="+t.Label)
		for _, r := range t.Relations {
			got = append(got, r.Name+">"+r.Table.Name+"="+r.Table.Label)
		}
	}
	for _, n := range c.Nodes {
		got = append(got, "~"+n.Name+"="+n.Label)
	}
	for _, f := range c.Faults {
		wrong = append(wrong, strings.TrimPrefix(f.String(), "f:"))
	}
	if strings.Join(got, " ") != served || strings.Join(wrong, "\n") != strings.Join(faults, "\n") {
		e.Errorf("served are %s, want %s\nfaults\n\t%s\nwant\n\t%s", strings.Join(got, " "), served, strings.Join(wrong, "\n\t"), strings.Join(faults, "\n\t"))
	}
}

const kept = " (until it is mended, the entry is served as it was before)"

func TestEdits(t *testing.T) {
	t.Parallel()
	e := edit(t, "tables: {prices: {label: A}}")
	e.to("tables: {prices: {label: B}, more: {table: prices, label: C}}", "prices=B more=C")
	e.to("tables: {prices: {label: D, kye: x}, more: {table: prices, label: E}}", "prices=B more=E",
		`1: tables.prices: unknown key "kye"; did you mean "key"?`+kept)
	e.to("# moved\ntables: {prices: {label: D, key: x, order: y}, more: {table: prices, label: E}}", "prices=B more=E",
		`2: tables.prices: key names the column "x", which there is not; there are time, late, id, close, volume, tags`+kept,
		`2: tables.prices: order names the column "y", which there is not; there are time, late, id, close, volume, tags`+kept)
	e.to("tables: {more: {table: prices, label: F}}", "more=F")
	e.to("tables: {more: {table: prices, label: F}, prices: {key: x}}", "more=F",
		`1: tables.prices: key names the column "x", which there is not; there are time, late, id, close, volume, tags`)
	e.to("tables: {more: {table: prices, label: G}}\nnodes: {more: {table: prices, label: H, time: time}}", "more=G ~more=H")
	e.to("tables: {more: {table: prices, label: I}}\nnodes: {more: {table: prices, label: I, time: id}}", "more=I ~more=H",
		`2: nodes.more: the time column "id" is a LowCardinality(String); it must be a Date, Date32, DateTime or DateTime64 that is not Nullable`+kept)
}

// What is wrong with the file rather than with an entry takes nothing away.
func TestEditsOfTheWholeFile(t *testing.T) {
	t.Parallel()
	const all = " (until it is mended, everything is served as it was before)"
	const missing = " (until it is mended, entries that are missing are served as they were before)"
	e := edit(t, "tables: {prices: {label: A}}\nnodes: {prices: {label: B, time: time}}")
	e.to("tables: {prices: {label: C}\n", "prices=A ~prices=B", `1: this is no YAML: line 1: did not find expected ',' or '}'`+all)
	e.to("tables: {prices: {label: C}}\nnods: {}", "prices=C ~prices=B", `2: unknown key "nods"; did you mean "nodes"?`+missing)
	e.to("", "prices=C ~prices=B", "1: the catalog is empty; it needs tables or nodes"+missing)
	e.to("tables: {prices: {label: C}}\nnodes: {prices: {label: B, time: time}}", "prices=C ~prices=B")
	if err := os.Remove(e.path); err != nil {
		t.Fatal(err)
	}
	e.follow(true)
	e.has("prices=C ~prices=B", "1: the file cannot be read: no such file or directory"+all)
	e.to("tables: {prices: {label: C}}", "prices=C")
}

// An entry keeps its version before only for a fault of its own, not for one of another.
func TestEditsOfRelatedTables(t *testing.T) {
	t.Parallel()
	e := edit(t, `
		tables:
		  a: {table: prices, label: A, key: id}
		  b: {table: prices, label: B, references: {up: {columns: id, table: a}}}`)
	e.has("a=A b=B up>a=A")
	e.to(`
		tables:
		  a: {table: prices, label: A2, key: nothing}
		  b: {table: prices, label: B2, references: {up: {columns: id, table: a}}}`,
		"a=A b=B2 up>a=A", `2: tables.a: key names the column "nothing", which there is not; there are time, late, id, close, volume, tags`+kept)
	e.to(`
		tables:
		  a: {table: prices, label: A3, key: id, references: {up: {columns: id, table: c}}}
		  b: {table: prices, label: B3, references: {up: {columns: id, table: a}}}`,
		"a=A b=B3 up>a=A", `2: tables.a: reference "up" leads to the table "c", which is not published; did you mean "a"?`+kept)
	// Without its parent, the version before of b is no better than the new one.
	e.to("tables:\n  b: {table: prices, label: B4, references: {up: {columns: id, table: a}}}",
		"", `2: tables.b: reference "up" leads to the table "a", which is not published; did you mean "b"?`)
	e.to("tables:\n  b: {table: prices, label: B5}", "b=B5")
}

// What is gone from ClickHouse is not served in any version, and is back when it is.
func TestEditsAndDroppedTables(t *testing.T) {
	t.Parallel()
	e := edit(t, "tables: {prices: {label: A}}")
	prices := sql.Table{Database: "db", Name: "prices"}
	info := e.db.tables[prices]
	delete(e.db.tables, prices)
	e.has("", "1: tables.prices: ClickHouse has no table db.prices")
	e.to("tables: {prices: {label: B, kye: x}}", "",
		`1: tables.prices: unknown key "kye"; did you mean "key"?`, "1: tables.prices: ClickHouse has no table db.prices")
	e.db.tables[prices] = info
	e.has("prices=A", `1: tables.prices: unknown key "kye"; did you mean "key"?`+kept)
	e.to("tables: {prices: {label: C, columns: {close: {unit: USD}}}}", "prices=C")
	e.db.tables[prices] = store.TableInfo{Columns: info.Columns[:3]}
	e.has("", `1: tables.prices: columns names the column "close", which there is not; there are time, late, id`)
	e.db.tables[prices] = info
	e.has("prices=C")
}

// The catalog is another one only when it differs, so that what is made of it can be kept.
func TestUnchangedCatalog(t *testing.T) {
	t.Parallel()
	e := edit(t, "tables: {prices: {label: A, key: id, references: {more: {columns: id, table: more, inverse: less}}}, more: {table: prices, key: id}}")
	first, _ := e.Current()
	e.has("prices=A more>more=More more=More less>prices=A")
	if second, _ := e.Current(); second != first {
		t.Error("the same catalog is another")
	}
	prices := sql.Table{Database: "db", Name: "prices"}
	e.db.tables[prices] = store.TableInfo{Columns: e.db.tables[prices].Columns[1:]}
	e.has("prices=A more>more=More more=More less>prices=A")
	if second, _ := e.Current(); second == first {
		t.Error("a column is gone, and the catalog is the same")
	}
}

// A file that is being written is not taken before it is whole.
func TestHalfWrittenFile(t *testing.T) {
	t.Parallel()
	e := edit(t, "tables: {prices: {label: A}, more: {table: prices}}")
	for _, text := range []string{"", "tables: {prices: {label: B}}\n", "tables: {prices: {label: B}}\n# and more\n"} {
		if err := os.WriteFile(e.path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if e.follow(false) {
			t.Errorf("%q is taken at the first look", text)
		}
	}
	if !e.follow(false) {
		t.Error("what stays is not taken")
	}
	e.has("prices=B")
	if e.follow(false) {
		t.Error("what is taken is taken again")
	}
}

// Run follows the file, and a database that is published whole, without being told.
func TestLiveFollows(t *testing.T) {
	t.Parallel()
	database := storetest.Database(t)
	db := open(t, database)
	whole := NewLiveDatabase(database, db, discard)
	whole.reload, whole.look = time.Millisecond, time.Millisecond
	if err := whole.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	if c, _ := whole.Current(); len(c.Faults) != 1 || !strings.Contains(c.Faults[0].Message, "no table or view to publish") {
		t.Errorf("of an empty database: %+v", c)
	}
	go whole.Run(t.Context())
	served := func(l *Live, tables, nodes, faults int) func() bool {
		return func() bool {
			c, err := l.Current()
			return err == nil && len(c.Tables) == tables && len(c.Nodes) == nodes && len(c.Faults) == faults
		}
	}
	storetest.Exec(t, database, "CREATE TABLE late (at DateTime, v Float64) ENGINE = MergeTree ORDER BY at")
	wait(t, "the new table and series are published", served(whole, 1, 1, 0))
	storetest.Exec(t, database, "ALTER TABLE late ADD COLUMN more String")
	wait(t, "the new column is published", func() bool {
		c, _ := whole.Current()
		return c.Tables[0].Column("more") != nil && c.Nodes[0].Column("more") != nil
	})

	file := edit(t, "tables: {late: {}}")
	file.Live.db = db
	file.reload, file.look = time.Hour, time.Millisecond
	go file.Live.Run(t.Context())
	replace := func(text string) {
		next := file.path + ".new"
		if err := os.WriteFile(next, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(next, file.path); err != nil {
			t.Fatal(err)
		}
	}
	replace("tables: {late: {}}\nnodes: {late: {time: at}}")
	wait(t, "the file that took the place of the old one is served", served(file.Live, 1, 1, 0))
	replace("tables: {late: {}}\nnodes: {late: {time: nothing}}")
	wait(t, "the fault is found", served(file.Live, 1, 1, 1))

	storetest.Exec(t, database, "DROP TABLE late")
	wait(t, "the dropped table is gone", served(whole, 0, 0, 1))
	file.Reload()
	wait(t, "it is read again when asked, though not due for an hour", served(file.Live, 0, 0, 2))
}

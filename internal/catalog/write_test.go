package catalog

import (
	"strings"
	"testing"

	"framehouse/internal/store/storetest"
)

// What ClickHouse cannot keep of a way to write is a fault that shows what it needs.
func TestWriteFaults(t *testing.T) {
	t.Parallel()
	database := storetest.Database(t)
	db := open(t, database)
	const remembers = " SETTINGS non_replicated_deduplication_window = 100"
	storetest.Exec(t, database, `
		CREATE TABLE plain (a Int8, b String) ENGINE = MergeTree ORDER BY a;
		CREATE TABLE good (a Int8, b String, at DateTime, by String, v UInt64, d UInt8) ENGINE = ReplacingMergeTree(v, d) ORDER BY a`+remembers+`;
		CREATE TABLE forgets (a Int8, v UInt64, d UInt8) ENGINE = ReplacingMergeTree(v, d) ORDER BY a;
		CREATE TABLE undeletable (a Int8, v UInt64) ENGINE = ReplacingMergeTree(v) ORDER BY a`+remembers+`;
		CREATE TABLE coarse (a Int8, v DateTime, d UInt8) ENGINE = ReplacingMergeTree(v, d) ORDER BY a`+remembers+`;
		CREATE TABLE expression (a Int8, b Int8, v UInt64, d UInt8) ENGINE = ReplacingMergeTree(v, d) ORDER BY (a, b % 2)`+remembers+`;
		CREATE TABLE parted (a Int8, b Int8, v UInt64, d UInt8) ENGINE = ReplacingMergeTree(v, d) PARTITION BY b ORDER BY a`+remembers+`;
		CREATE TABLE floating (a Float64, v UInt64, d UInt8) ENGINE = ReplacingMergeTree(v, d) ORDER BY a`+remembers+`;
		CREATE TABLE odd (a Int8, x AggregateFunction(sum, Int64), v UInt64, d UInt8) ENGINE = ReplacingMergeTree(v, d) ORDER BY a`+remembers+`;
		CREATE TABLE computed (a Int8 MATERIALIZED b + 1, b Int8) ENGINE = MergeTree ORDER BY a`+remembers+`;
		CREATE VIEW seen AS SELECT * FROM plain;
	`)
	c := load(t, db, `
		tables:
		  typo: {table: good, write: upser}
		  unwritten: {table: good, created_at: at}
		  plain: {write: append}
		  plain_upsert: {table: plain, write: upsert}
		  forgets: {write: upsert}
		  undeletable: {write: upsert}
		  coarse: {write: upsert}
		  expression: {write: upsert, key: [a, b]}
		  other_key: {table: good, write: upsert, key: b}
		  parted: {write: upsert}
		  floating: {write: upsert}
		  odd: {write: upsert}
		  computed: {write: append, key: a}
		  seen: {write: append}
		  replaced: {table: good, write: append}
		  unfinal: {table: good, write: upsert, final: false}
		  shown: {table: good, write: upsert, columns: {v: {label: Version}}}
		  hides: {table: good, write: upsert, columns: {b: {hidden: true}}}
		  wrong_fill: {table: good, write: upsert, created_at: by, created_by: at, updated_at: nope}
		  twice: {table: good, write: upsert, created_at: at, updated_at: at}
		`)
	if len(c.Tables) != 0 {
		t.Errorf("served are %v", c.TableNames())
	}
	var got []string
	for _, f := range c.Faults {
		got = append(got, strings.ReplaceAll(f.Entry+": "+f.Message, database, "db"))
	}
	const ddl = "ENGINE = ReplacingMergeTree(version, is_deleted) ORDER BY (%) SETTINGS non_replicated_deduplication_window = 1000, with columns version UInt64 and is_deleted UInt8"
	needs := func(key string) string { return strings.ReplaceAll(ddl, "%", key) }
	want := []string{
		`tables.typo: write is "upser"; it must be upsert (rows are replaced by their key) or append`,
		`tables.unwritten: the column "at" can be filled only where a table is written; add write: upsert or write: append`,
		`tables.plain: write needs ClickHouse to remember insertions, so that one can be repeated safely; ALTER TABLE db.plain MODIFY SETTING non_replicated_deduplication_window = 1000`,
		`tables.plain_upsert: write needs ClickHouse to remember insertions, so that one can be repeated safely; ALTER TABLE db.plain MODIFY SETTING non_replicated_deduplication_window = 1000`,
		`tables.plain_upsert: write: upsert needs ` + needs("a") + `; plain is a MergeTree`,
		`tables.forgets: write needs ClickHouse to remember insertions, so that one can be repeated safely; ALTER TABLE db.forgets MODIFY SETTING non_replicated_deduplication_window = 1000`,
		`tables.undeletable: write: upsert needs ` + needs("a") + `; undeletable is a ReplacingMergeTree(v)`,
		`tables.coarse: write: upsert counts nanoseconds in the version, so the column "v" must be a UInt64 or DateTime64(9); it is a DateTime`,
		`tables.expression: write: upsert replaces rows by the sorting key, which is (a, b % 2), while the key is (a, b); both must have the same columns: ` + needs("a, b"),
		`tables.other_key: write: upsert replaces rows by the sorting key, which is (a), while the key is (b); both must have the same columns: ` + needs("b"),
		`tables.parted: write: upsert needs a partition key of key columns alone, since rows of two partitions never replace each other; "b" is none`,
		`tables.floating: write: upsert needs a key that is equal or not, so the column "a" must not be a Float64`,
		`tables.odd: the column "x" is a AggregateFunction(sum, Int64), which cannot be written; give it a DEFAULT`,
		`tables.computed: write needs a key that can be given; "a" is MATERIALIZED`,
		`tables.seen: write needs a table of the MergeTree family; seen is a View`,
		`tables.replaced: write: append needs an engine that keeps all rows, such as MergeTree; good is a ReplacingMergeTree`,
		`tables.unfinal: write: upsert needs reads that leave out replaced rows; take final: false away`,
		`tables.shown: the column "v" is the server's own and is never published`,
		`tables.hides: the column "b" is hidden, and its values would be lost when rows are replaced; publish it, or give it a DEFAULT`,
		`tables.wrong_fill: created_at names the column "by", which is a String; it must be a DateTime or DateTime64`,
		`tables.wrong_fill: created_by names the column "at", which is a DateTime; it must be a String`,
		`tables.wrong_fill: updated_at names the column "nope", which there is not; there are a, b, at, by`,
		`tables.twice: the column "at" is filled with two things`,
	}
	for i := range max(len(got), len(want)) {
		g, w := "", ""
		if i < len(got) {
			g = got[i]
		}
		if i < len(want) {
			w = want[i]
		}
		if !strings.HasPrefix(g, w) || w == "" {
			t.Errorf("\n got %s\nwant %s", g, w)
		}
	}
}

func TestWrite(t *testing.T) {
	t.Parallel()
	database := storetest.Database(t)
	db := open(t, database)
	storetest.Exec(t, database, `
		CREATE TABLE u (b Nullable(Int8), a Int8, k String, n Int8, d Int8 DEFAULT 5, m Int8 MATERIALIZED a, l Int8 ALIAS a, e Int8 EPHEMERAL, h Int8 DEFAULT 1,
			at DateTime64(3), by LowCardinality(String), version DateTime64(9), is_deleted UInt8)
			ENGINE = ReplacingMergeTree(version, is_deleted) PARTITION BY a % 2 ORDER BY (k, a) SETTINGS non_replicated_deduplication_window = 100;
		CREATE TABLE p (a Int8) ENGINE = MergeTree ORDER BY a SETTINGS non_replicated_deduplication_window = 100;
	`)
	c := load(t, db, `
		tables:
		  u: {write: upsert, key: [a, k], created_at: at, updated_by: by, columns: {h: {hidden: true}}}
		  p: {write: append}
		  r: {table: p}
		`)
	if len(c.Faults) > 0 {
		t.Fatal(c.Faults)
	}
	u, _ := c.Table("u")
	d := u.Write.describe(u.Key)
	if got := strings.Join(u.ColumnNames(), " "); got != "b a k n d m l at by" {
		t.Errorf("columns %s", got)
	}
	for what, pair := range map[string][2]string{
		"columns": {strings.Join(d.Columns, " "), "b a k n d"}, "required": {strings.Join(d.Required, " "), "a k n"}, "filled": {strings.Join(d.Filled, " "), "at by"},
		"stored": {strings.Join(u.Write.Stored, " "), "b a k n d h at by version is_deleted"}, "partition": {d.PartitionKey, "a % 2"}, "mode": {d.Mode, "upsert"},
		"version": {u.Write.Version.Name, "version"}, "deleted": {u.Write.Deleted.Name, "is_deleted"},
	} {
		if pair[0] != pair[1] {
			t.Errorf("%s: got %q, want %q", what, pair[0], pair[1])
		}
	}
	if p, _ := c.Table("p"); p.Write == nil || p.Write.Mode != Append || p.Write.Version.Name != "" {
		t.Errorf("%+v", p.Write)
	}
	if r, _ := c.Table("r"); r.Write != nil || r.Write.describe(nil) != nil {
		t.Errorf("%+v", r.Write)
	}
}

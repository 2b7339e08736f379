package catalog

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"framehouse/internal/store"
	"framehouse/internal/store/sql"
	"framehouse/internal/store/storetest"
)

// faultless is a catalog in which nothing is wrong.
func faultless(t *testing.T, db *store.Store, text string) *Live {
	t.Helper()
	live := NewLive("catalog.yaml", []byte(text), db, discard)
	if err := live.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	if c, err := live.Current(); err != nil || len(c.Faults) > 0 {
		t.Fatal(err, c.Faults)
	}
	return live
}

// versions gives out the version of a table as it is this moment.
func versionsOf(t *testing.T, db *store.Store, text string) func(name string) string {
	t.Helper()
	sizes := NewSizes(faultless(t, db, text), db)
	return func(name string) string {
		t.Helper()
		sizes.Changed()
		version, known, err := sizes.Version(t.Context(), []sql.Table{{Database: db.Database(), Name: name}}, nil)
		if err != nil || known != (version != "") {
			t.Fatal(version, known, err)
		}
		return version
	}
}

// Whatever changes what is read of a table gives it a version that it never had, and nothing
// else does.
func TestVersions(t *testing.T) {
	t.Parallel()
	database := storetest.Database(t)
	db := open(t, database)
	const create = "CREATE TABLE x (k UInt8, p UInt8, v String) ENGINE = MergeTree PARTITION BY p ORDER BY k SETTINGS enable_block_number_column = 1, enable_block_offset_column = 1"
	storetest.Exec(t, database, create+";\nCREATE TABLE other (k UInt8, p UInt8, v String) ENGINE = MergeTree PARTITION BY p ORDER BY k;\n"+strings.Replace(create, "x", "other2", 1)+";\nINSERT INTO other2 VALUES (9, 0, 'z');")
	version := versionsOf(t, db, "tables: {x: {}, other: {}}")
	seen := map[string]string{}
	for _, step := range []struct {
		do   string
		same bool
	}{
		{do: "SELECT 1"},
		{do: "INSERT INTO x VALUES (1, 0, 'a'), (2, 1, 'b')"},
		{do: "INSERT INTO other VALUES (1, 0, 'a')", same: true},
		{do: "SELECT * FROM x", same: true},
		{do: "INSERT INTO x VALUES (1, 0, 'a'), (2, 1, 'b')"}, // the same rows again
		{do: "OPTIMIZE TABLE x FINAL"},
		{do: "ALTER TABLE x UPDATE v = 'c' WHERE k = 1 SETTINGS mutations_sync = 2"},
		{do: "ALTER TABLE x DELETE WHERE k = 1 SETTINGS mutations_sync = 2"},
		{do: "INSERT INTO x VALUES (3, 0, 'a'), (4, 1, 'b')"},
		{do: "DELETE FROM x WHERE k = 3"},
		{do: "UPDATE x SET v = 'd' WHERE k = 4 SETTINGS enable_lightweight_update = 1"},
		{do: "INSERT INTO x VALUES (5, 7, 'a')"},
		{do: "ALTER TABLE x DETACH PARTITION 7"},
		{do: "ALTER TABLE x ATTACH PARTITION 7"},
		{do: "ALTER TABLE x REPLACE PARTITION 0 FROM other2"},
		{do: "ALTER TABLE x DROP PARTITION 7"},
		{do: "ALTER TABLE x MODIFY COLUMN v DEFAULT 'e'"},
		{do: "ALTER TABLE x ADD COLUMN w UInt8 DEFAULT 1"},
		{do: "ALTER TABLE x MODIFY COLUMN w DEFAULT 2"}, // which old rows then have
		{do: "ALTER TABLE x MODIFY COLUMN w DEFAULT 3"},
		{do: "ALTER TABLE x DROP COLUMN w"},
		{do: "TRUNCATE TABLE x"},
		{do: "INSERT INTO x VALUES (1, 0, 'a'), (2, 1, 'b')"},
		{do: "DETACH TABLE x;\nATTACH TABLE x;", same: true},
		{do: "EXCHANGE TABLES x AND other2"},
		{do: "EXCHANGE TABLES x AND other2"}, // it is what it was
		{do: "CREATE TABLE empty AS x;\nEXCHANGE TABLES x AND empty;"},
		{do: "EXCHANGE TABLES x AND empty"},
		{do: "DROP TABLE x SYNC;\n" + create},
		{do: "INSERT INTO x VALUES (1, 0, 'a'), (2, 1, 'b')"},
	} {
		before := version("x")
		storetest.Exec(t, database, step.do)
		after := version("x")
		switch {
		case after == "": // it has no parts
		case step.same && after != before:
			t.Errorf("after %s there is another version", step.do)
		case !step.same && seen[after] != "":
			t.Errorf("after %s the version is that after %s", step.do, seen[after])
		}
		seen[after] = step.do
	}
	// A mutation that is not waited for.
	storetest.Exec(t, database, "ALTER TABLE x UPDATE v = 'z' WHERE 1")
	before := version("x")
	wait(t, "the mutation is done, and so is the version", func() bool {
		done := storetest.Query(t, database, "SELECT groupUniqArray(v) FROM x") == "['z']"
		return done && (version("x") != before || seen[before] == "")
	})
}

// What may change without a sign has no version, unless the catalog names a column that tells.
func TestUnknownVersions(t *testing.T) {
	t.Parallel()
	database := storetest.Database(t)
	db := open(t, database)
	storetest.Exec(t, database, `
		CREATE TABLE base (k UInt8, at DateTime64(3)) ENGINE = MergeTree ORDER BY k;
		CREATE VIEW view AS SELECT * FROM base;
		CREATE TABLE memory (k UInt8, at DateTime64(3)) ENGINE = Memory;
		CREATE TABLE log (k UInt8) ENGINE = Log;
		CREATE TABLE computed (k UInt8, age UInt64 ALIAS toUnixTimestamp(now())) ENGINE = MergeTree ORDER BY k;
		CREATE TABLE merged AS base ENGINE = Merge(currentDatabase(), '^base$');
		CREATE DICTIONARY dictionary (k UInt64, at DateTime64(3)) PRIMARY KEY k SOURCE(CLICKHOUSE(TABLE 'base')) LIFETIME(0) LAYOUT(FLAT());
	`)
	text := "tables: {base: {}, view: {}, memory: {}, log: {}, computed: {}, merged: {}}"
	version := versionsOf(t, db, text)
	if v := version("base"); v != "" {
		t.Errorf("an empty table has the version %q", v)
	}
	storetest.Exec(t, database, "INSERT INTO base VALUES (0, 0)")
	if version("base") == "" {
		t.Error("a table has no version")
	}
	for _, name := range []string{"view", "memory", "log", "computed", "merged", "unpublished"} {
		if v := version(name); v != "" {
			t.Errorf("%s has the version %q", name, v)
		}
	}
	version = versionsOf(t, db, "tables: {base: {}, view: {version: at}, memory: {version: at, columns: {at: {hidden: true}}}}")
	for _, name := range []string{"view", "memory"} {
		into := strings.Replace(name, "view", "base", 1)
		before := version(name)
		if before == "" || version(name) != before {
			t.Errorf("%s: %q", name, before)
		}
		for _, row := range []string{"(1, '2024-01-01 00:00:00.001')", "(1, '2024-01-01 00:00:00.001')", "(1, '2024-01-01 00:00:00.002')"} {
			storetest.Exec(t, database, "INSERT INTO "+into+" VALUES "+row)
			after := version(name)
			if after == before {
				t.Errorf("%s: %s makes no other version", name, row)
			}
			before = after
		}
	}
}

// A version that comes back is another one, however many there were in between.
func TestPast(t *testing.T) {
	t.Parallel()
	p := &past{}
	told := map[string]string{}
	for i := range 3 * mostSeen {
		version := fmt.Sprint("v", i)
		if i%3 == 0 {
			version = fmt.Sprint("v", i%4)
		}
		got := p.tell(version)
		if again := p.tell(version); again != got {
			t.Fatalf("%s is %s and then %s", version, got, again)
		}
		if before, twice := told[got]; twice {
			t.Fatalf("%s is told again, after %s", got, before)
		}
		told[got] = version
	}
	if len(p.seen) > mostSeen {
		t.Errorf("%d versions are remembered", len(p.seen))
	}
	if got := (&past{}).tell("v"); got != "v" { // so that other processes tell the same
		t.Errorf("the first version is %s", got)
	}
}

// Another view of the same rows has another version, though what tells of changes stayed.
func TestVersionsOfViews(t *testing.T) {
	t.Parallel()
	database := storetest.Database(t)
	db := open(t, database)
	storetest.Exec(t, database, `
		CREATE TABLE base (k UInt8, at DateTime64(3)) ENGINE = MergeTree ORDER BY k;
		INSERT INTO base VALUES (1, '2024-01-01 00:00:00.001');
		CREATE VIEW view AS SELECT k, at FROM base;
	`)
	version := versionsOf(t, db, "tables: {view: {version: at}}")
	seen := map[string]string{version("view"): "CREATE VIEW"}
	for _, change := range []string{
		"CREATE OR REPLACE VIEW view AS SELECT toUInt8(k + 1) AS k, at FROM base",
		"DROP VIEW view; CREATE VIEW view AS SELECT toUInt8(k + 2) AS k, at FROM base",
	} {
		for statement := range strings.SplitSeq(change, "; ") {
			storetest.Exec(t, database, statement)
		}
		v := version("view")
		if v == "" || seen[v] != "" {
			t.Errorf("after %s the version is that after %s", change, seen[v])
		}
		seen[v] = change
	}
}

// Several hosts may answer differently.
func TestVersionsOfSeveralHosts(t *testing.T) {
	t.Parallel()
	database := storetest.Database(t)
	storetest.Exec(t, database, "CREATE TABLE x (k UInt8) ENGINE = MergeTree ORDER BY k AS SELECT 1 AS k")
	e := storetest.Engine(t)
	for _, hosts := range [][]string{{"127.0.0.1:8123"}, {"127.0.0.1:8123", "127.0.0.1:8124"}} {
		db, err := store.Open(store.Config{Server: store.Server{Hosts: hosts, User: e.User(), Password: e.Password(), Database: database, Dial: e.DialContext, Local: true}})
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		if v := versionsOf(t, db, "tables: {x: {}}")("x"); (v != "") != (len(hosts) == 1) {
			t.Errorf("%q: version %q", hosts, v)
		}
	}
}

// A write that ends while a version is asked for leaves nobody with what was before.
func TestVersionsAfterAWrite(t *testing.T) {
	t.Parallel()
	live, table := loaded(t)
	db := &counting{let: make(chan string)}
	sizes := NewSizes(live, nil)
	sizes.db = db
	ask := func() string {
		v, _, err := sizes.Version(t.Context(), []sql.Table{table.Source}, nil)
		if err != nil {
			t.Error(err)
		}
		return v
	}
	var group sync.WaitGroup
	group.Go(func() { ask() })
	wait(t, "somebody asks", func() bool { return len(sizes.sizes.asking) == 1 })
	sizes.Changed() // the write is acknowledged
	group.Go(func() {
		if v := ask(); !strings.Contains(v, "new") {
			t.Errorf("after the write the version is %q", v)
		}
	})
	db.let <- "old"
	db.let <- "new"
	group.Wait()
	if v := ask(); !strings.Contains(v, "new") { // which is remembered, or this would not end
		t.Errorf("then it is %q", v)
	}
}

type counting struct{ let chan string }

func (c *counting) Sizes(ctx context.Context, tables []sql.Table) (map[sql.Table]store.Size, error) {
	return map[sql.Table]store.Size{tables[0]: {Version: <-c.let}}, nil
}

func (c *counting) Mark(context.Context, sql.Table, []string) (string, error) { return "", nil }

func TestCachingKeys(t *testing.T) {
	t.Parallel()
	database := storetest.Database(t)
	db := open(t, database)
	storetest.Exec(t, database, "CREATE TABLE x (k Date, v Float64) ENGINE = MergeTree ORDER BY k")
	for _, test := range []struct {
		text  string
		want  Caching
		fault string
	}{
		{"{}", usualCaching, ""},
		{"{cache: off}", Caching{Off: true, MaxAge: usualCaching.MaxAge, Stale: usualCaching.Stale, PastMaxAge: usualCaching.PastMaxAge}, ""},
		{"{cache: {max_age: 30s, past_max_age: 1d, stale: 0s}}", Caching{MaxAge: 30 * time.Second, PastMaxAge: 24 * time.Hour}, ""},
		{"{cache: on}", Caching{}, "write off"},
		{"{cache: {max_age: 30}}", Caching{}, "a span of time"},
		{"{cache: {maxage: 30s}}", Caching{}, "did you mean \"max_age\"?"},
		{"{version: w}", Caching{}, "version names the column \"w\""},
		{"{range_tolerance: 30s}", Caching{}, "range_tolerance"},
	} {
		c, err := Load(t.Context(), "catalog.yaml", []byte("tables:\n  x: "+test.text+"\n"), db)
		if err != nil {
			t.Fatal(err)
		}
		if test.fault != "" {
			if len(c.Faults) != 1 || !strings.Contains(c.Faults[0].Message, test.fault) {
				t.Errorf("%s: %v", test.text, c.Faults)
			}
			continue
		}
		if len(c.Faults) > 0 || c.Tables[0].Caching != test.want {
			t.Errorf("%s: %v %+v", test.text, c.Faults, c.Tables)
		}
	}
	c, err := Load(t.Context(), "catalog.yaml", []byte("nodes: {x: {time: k, range_tolerance: 30s}}"), db)
	if err != nil || len(c.Faults) > 0 || c.Nodes[0].Tolerance != 30*time.Second {
		t.Errorf("%v, %+v", err, c)
	}
}

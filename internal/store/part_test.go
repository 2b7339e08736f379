package store

import (
	"fmt"
	"strings"
	"testing"

	"framehouse/internal/store/sql"
	"framehouse/internal/store/storetest"
)

// The reach of a part is what ClickHouse says of its rows one by one, for times of each type
// and however the table is divided and sorted.
func TestReaches(t *testing.T) {
	t.Parallel()
	database := storetest.Database(t)
	db := open(t, Config{Server: server(t, database)})
	for name, c := range map[string]struct{ typ, of, times, also string }{
		"divided":  {"DateTime64(3)", "PARTITION BY toYYYYMM(at) ORDER BY (k, at)", "toDateTime64('2024-01-30 00:00:00', 3) + number * 5 / 7", ""},
		"sorted":   {"DateTime64(6)", "ORDER BY (at, k)", "toDateTime64('1960-01-30 00:00:00', 6) + number * 0.000001", ""},
		"series":   {"DateTime64(9)", "ORDER BY (k, at)", "toDateTime64('1969-12-31 23:59:59.999999', 9) + number * 0.000001", ""},
		"seconds":  {"DateTime", "ORDER BY k", "toDateTime('2024-01-30 00:00:00') + number * 1000", ""},
		"zone":     {"DateTime('Asia/Kathmandu')", "PARTITION BY toDate(at) ORDER BY k", "toDateTime('2024-01-30 00:00:00') + number * 1000", ""},
		"days":     {"Date", "PARTITION BY at ORDER BY k", "toDate('2024-01-30') + intDiv(number, 30)", ""},
		"longDays": {"Date32", "ORDER BY (at, k)", "toDate32('1950-01-30') + number", ""},
		"nullable": {"Nullable(DateTime64(3))", "ORDER BY k", "if(number % 3 = 0, NULL, toDateTime64('2024-01-30 00:00:00', 3) + number)", ""},
		"never":    {"Nullable(DateTime)", "ORDER BY k", "NULL", ""},
		"deleted":  {"DateTime", "ORDER BY (at, k)", "toDateTime('2024-01-30 00:00:00') + number", "DELETE FROM deleted WHERE k IN (0, 99, 120)"},
	} {
		typ, err := ParseType(c.typ)
		if err != nil {
			t.Fatal(err)
		}
		storetest.Exec(t, database, "CREATE TABLE "+name+" (at "+c.typ+", k UInt32) ENGINE = MergeTree "+c.of+" SETTINGS index_granularity = 16;\n"+
			"INSERT INTO "+name+" SELECT "+c.times+", number FROM numbers(100);\nINSERT INTO "+name+" SELECT "+c.times+", number FROM numbers(50, 150);\n"+c.also)
		table := sql.Table{Database: database, Name: name}
		listed, err := db.Parts(t.Context(), table)
		parts, made := listed.All, listed.Made
		if err != nil || len(parts) == 0 {
			t.Fatal(name, parts, err)
		}
		names := []string{"all_7_7_7"}
		var rows int64
		for _, p := range parts {
			names, rows = append(names, p.Name), rows+p.Rows
		}
		if rows != 250 {
			t.Errorf("%s: %d rows", name, rows)
		}
		ticks := "toInt64(assumeNotNull(at))"
		if strings.Contains(typ.Name, "DateTime64") {
			ticks = "reinterpretAsInt64(assumeNotNull(at))"
		}
		for asked, want := range map[int]int{len(names): len(parts), 2: 1, mostNamed + 1: len(parts)} {
			some := make([]string, asked)
			copy(some, names)
			reaches, of, err := db.Reaches(t.Context(), table, sql.Ref{Table: "t", Column: "at"}, typ, some)
			if err != nil || of != made || len(reaches) != want {
				t.Fatal(name, asked, reaches, err, of, made)
			}
			for part, reach := range reaches {
				beyond := fmt.Sprintf("SELECT countIf(%s NOT BETWEEN %d AND %d), countIf(%[1]s = %[2]d) > 0, countIf(%[1]s = %[3]d) > 0 FROM %s WHERE _part = '%s' AND at IS NOT NULL",
					ticks, reach.First, reach.Last, name, part)
				want := "0\t1\t1"
				if name == "never" {
					want = "0\t0\t0"
				}
				if got := storetest.Query(t, database, beyond); got != want && (name != "deleted" || got[0] != '0') {
					t.Errorf("%s, part %s reaches from %d to %d: %s", name, part, reach.First, reach.Last, got)
				}
			}
		}
	}
}

// What changes a table's rows in place of others covers them, and what takes rows away does not.
func TestCovers(t *testing.T) {
	t.Parallel()
	database := storetest.Database(t)
	db := open(t, Config{Server: server(t, database)})
	storetest.Exec(t, database, "CREATE TABLE t (k UInt8, p UInt8, v String) ENGINE = MergeTree PARTITION BY p ORDER BY k;\n"+
		"INSERT INTO t VALUES (1, 0, ''), (1, 1, '');\nINSERT INTO t VALUES (2, 0, ''), (2, 1, '');")
	parts := func() []Part {
		parts, err := db.Parts(t.Context(), sql.Table{Database: database, Name: "t"})
		if err != nil {
			t.Fatal(err)
		}
		return parts.All
	}
	before := parts()
	for _, step := range []struct {
		do   string
		gone int // parts that nothing has taken the place of
	}{
		{"INSERT INTO t VALUES (3, 0, '')", 0},
		{"OPTIMIZE TABLE t FINAL", 0},
		{"ALTER TABLE t UPDATE v = 'c' WHERE k = 1 SETTINGS mutations_sync = 2", 0},
		{"DELETE FROM t WHERE k = 3", 0},
		{"ALTER TABLE t DROP PARTITION 1", 1},
		{"ALTER TABLE t DETACH PARTITION 0", 1},
		{"ALTER TABLE t ATTACH PARTITION 0", 0},
		{"TRUNCATE TABLE t", 1},
	} {
		storetest.Exec(t, database, step.do)
		after := parts()
		gone := 0
		for _, p := range before {
			covered := false
			for _, q := range after {
				covered = covered || q.Covers(p)
			}
			if !covered {
				gone++
			}
		}
		if gone != step.gone {
			t.Errorf("after %s: %d parts are gone of %v, and there are %v", step.do, gone, before, after)
		}
		before = after
	}
}

package tables

import (
	"bytes"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"framehouse/internal/catalog"
	"framehouse/internal/catalog/catalogtest"
	"framehouse/internal/contracts"
	"framehouse/internal/store/storetest"
	"framehouse/internal/tables/filter"
	"framehouse/internal/tables/ingest"
)

// writer writes one table of a database of its own, through a new Service each time it is
// restarted.
type writer struct {
	*Service
	t        testing.TB
	database string
	catalog  string
}

func newWriter(t testing.TB, ddl, catalogText string) *writer {
	t.Helper()
	w := &writer{t: t, database: storetest.Database(t), catalog: catalogText}
	storetest.Exec(t, w.database, ddl)
	w.restart()
	return w
}

func (w *writer) restart() {
	s, live := catalogtest.Load(w.t, w.database, w.catalog)
	w.Service = &Service{Catalog: live, Sizes: catalog.NewSizes(live, s), Store: s}
}

func (w *writer) put(mode, key, rows string) (Written, error) {
	return w.Write(w.t.Context(), WriteRequest{
		Table: "t", Mode: mode, IdempotencyKey: key, By: "tester",
		Body: ingest.Body{Reader: strings.NewReader(rows), Type: "application/json"},
	})
}

func (w *writer) where(query string) filter.Expr {
	w.t.Helper()
	table, err := w.Table("t")
	if err != nil {
		w.t.Fatal(err)
	}
	parameters, err := url.ParseQuery(query)
	if err != nil {
		w.t.Fatal(err)
	}
	e, err := filter.FromQuery(table, parameters, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	return e
}

func (w *writer) remove(query, key string) (int64, error) {
	w.t.Helper()
	deleted, err := w.Delete(w.t.Context(), DeleteRequest{Table: "t", Where: w.where(query), IdempotencyKey: key, By: "remover"})
	return deleted.Rows, err
}

// rows is what reads see.
func (w *writer) rows(columns string) string {
	w.t.Helper()
	return storetest.Query(w.t, w.database, "SELECT "+columns+" FROM t ORDER BY ALL SETTINGS final = 1")
}

func (w *writer) must(got any, err error, want any) {
	w.t.Helper()
	if err != nil || fmt.Sprint(got) != fmt.Sprint(want) {
		w.t.Errorf("got %v, %v, want %v", got, err, want)
	}
}

func (w *writer) refused(err error, code contracts.Code, says string) {
	w.t.Helper()
	if e := contracts.AsError(err); err == nil || e.Code != code || !strings.Contains(e.Detail, says) {
		w.t.Errorf("got %v, want %s: %s", err, code, says)
	}
}

const notesTable = `
CREATE TABLE t (id UInt32, day Date, note Nullable(String), n Int64 DEFAULT 7, nd Nullable(Int8) DEFAULT 8,
	made DateTime, maker String, changed DateTime64(3), changer LowCardinality(String), version UInt64, is_deleted UInt8, CONSTRAINT c CHECK n < 1000)
ENGINE = ReplacingMergeTree(version, is_deleted) ORDER BY (id, day) SETTINGS non_replicated_deduplication_window = 100`

const notesCatalog = "tables: {t: {key: [day, id], write: upsert, created_at: made, created_by: maker, updated_at: changed, updated_by: changer}}"

func TestUpsert(t *testing.T) {
	t.Parallel()
	w := newWriter(t, notesTable, notesCatalog)
	start := time.Now().Truncate(time.Second)
	written, err := w.put("", "", `[{"id":1,"day":"2026-01-01","note":"a"},{"id":1,"day":"2026-01-02","note":"b\n\"","n":"-9223372036854775808"}]`)
	w.must(written, err, Written{"t", "upsert", 2})
	w.must(w.rows("id, day, note, n, nd, maker, changer"), nil, "1\t2026-01-01\ta\t7\t8\ttester\ttester\n1\t2026-01-02\tb\\n\"\t-9223372036854775808\t8\ttester\ttester")

	// The first writer is remembered, the last one noted.
	storetest.Exec(t, w.database, "INSERT INTO t SELECT * REPLACE('2020-01-01 00:00:00' AS made, 'somebody \"x\"' AS maker, version + 1 AS version) FROM t FINAL")
	written, err = w.put("upsert", "", `[{"id":1,"day":"2026-01-02"},{"id":2,"day":"2026-01-01"}]`)
	w.must(written, err, Written{"t", "upsert", 2})
	w.must(w.rows("id, day, note, maker, toYear(made) > 2020, changer"), nil,
		"1\t2026-01-01\ta\tsomebody \"x\"\t0\ttester\n1\t2026-01-02\t\\N\tsomebody \"x\"\t0\ttester\n2\t2026-01-01\t\\N\ttester\t1\ttester")
	if got := storetest.Query(t, w.database, "SELECT countIf(changed >= '"+start.UTC().Format(time.DateTime)+"'), uniqExact(version), max(version) <= toUnixTimestamp64Nano(now64(9)) FROM t"); got != "6\t3\t1" {
		t.Errorf("times and versions: %s", got)
	}

	// insert refuses what exists, and stores nothing then.
	_, err = w.put("insert", "", `[{"id":3,"day":"2026-01-01"},{"id":2,"day":"2026-01-01"},{"id":1,"day":"2026-01-02"}]`)
	w.refused(err, contracts.CodeConflict, "Row 2 has a key that exists")
	if e := contracts.AsError(err); len(e.Issues) != 2 || e.Issues[1].Location != "body.row[3]" {
		t.Errorf("issues %+v", e.Issues)
	}
	written, err = w.put("insert", "", `[{"id":3,"day":"2026-01-01"}]`)
	w.must(written, err, Written{"t", "insert", 1})

	// Deleted is gone, and can be written again.
	n, err := w.remove("id=1&day=2026-01-02", "")
	w.must(n, err, 1)
	n, err = w.remove("id=1&day=2026-01-02", "")
	w.must(n, err, 0)
	storetest.Exec(t, w.database, "OPTIMIZE TABLE t FINAL")
	w.must(w.rows("id, day"), nil, "1\t2026-01-01\n2\t2026-01-01\n3\t2026-01-01")
	written, err = w.put("insert", "", `[{"id":1,"day":"2026-01-02","note":"again"}]`)
	w.must(written, err, Written{"t", "insert", 1})
	n, err = w.remove("id.in=1,2,3&where=or(note.isnull=true,note=again)", "")
	w.must(n, err, 3)
	w.must(w.rows("id, day, note"), nil, "1\t2026-01-01\ta")
	n, err = w.remove("id=99", "")
	w.must(n, err, 0)

	_, err = w.Delete(t.Context(), DeleteRequest{Table: "t"})
	w.refused(err, contracts.CodeInvalidRequest, "Without a condition")
	_, err = w.Delete(t.Context(), DeleteRequest{Table: "t", Where: filter.And{}})
	w.refused(err, contracts.CodeInvalidRequest, "Without a condition")
	_, err = w.put("replace", "", `[]`)
	w.refused(err, contracts.CodeInvalidRequest, "no mode")
	for body, says := range map[string]string{
		`[{"id":1,"day":"2026-01-01","made":"2026-01-01"}]`:         "filled by the server",
		`[{"id":1,"day":"2026-01-01","version":5}]`:                 "no such column",
		`[{"id":9,"day":"2026-01-01","n":1000}]`:                    "violates the constraint c",
		`[{"id":9,"day":"2026-01-01"},{"id":9,"day":"2026-01-01"}]`: "Row 2 has the key of row 1",
	} {
		_, err = w.put("", "", body)
		w.refused(err, contracts.CodeInvalidRequest, says)
	}
	w.must(w.rows("id, day, note"), nil, "1\t2026-01-01\ta")
	written, err = w.put("", "", `[]`)
	w.must(written, err, Written{"t", "upsert", 0})
}

func TestAppend(t *testing.T) {
	t.Parallel()
	w := newWriter(t, "CREATE TABLE t (a Int32, at DateTime64(9) DEFAULT now64(9), sum Int64 MATERIALIZED a * 2, by String) ENGINE = MergeTree PARTITION BY intDiv(a, 100) ORDER BY a SETTINGS non_replicated_deduplication_window = 100;",
		"tables: {t: {write: append, created_by: by}, again: {table: t, write: append, created_by: by}}")
	for range 2 { // equal rows are two rows
		written, err := w.put("", "", `[{"a":1},{"a":1}]`)
		w.must(written, err, Written{"t", "insert", 2})
	}
	w.must(w.rows("a, by, at > '2026-01-01'"), nil, strings.TrimSuffix(strings.Repeat("1\ttester\t1\n", 4), "\n"))
	_, err := w.put("upsert", "", `[{"a":1}]`)
	w.refused(err, contracts.CodeInvalidRequest, "never replaced")
	_, err = w.put("", "", `[{"a":1},{"a":101}]`)
	w.refused(err, contracts.CodeInvalidRequest, "more than one partition")
	_, err = w.put("", "", `[{"a":1,"sum":2}]`)
	w.refused(err, contracts.CodeInvalidRequest, "computed by ClickHouse")
	written, err := w.put("", "", `[{"a":101},{"a":102}]`)
	w.must(written, err, Written{"t", "insert", 2})
	n, err := w.remove("a.gte=1&a.lte=101", "")
	w.must(n, err, 5)
	w.must(w.rows("a"), nil, "102")
}

func TestNotWritable(t *testing.T) {
	t.Parallel()
	w := newWriter(t, "CREATE TABLE t (a Int32) ENGINE = MergeTree ORDER BY a", "tables: {t: {}}")
	_, err := w.put("", "", `[]`)
	w.refused(err, contracts.CodeMethodNotAllowed, "only read")
	_, err = w.remove("a=1", "")
	w.refused(err, contracts.CodeMethodNotAllowed, "only read")
	_, err = w.Write(t.Context(), WriteRequest{Table: "nope"})
	w.refused(err, contracts.CodeUnknownTable, "nope")
}

func TestIdempotency(t *testing.T) {
	t.Parallel()
	w := newWriter(t, notesTable, notesCatalog)
	const first, second = `[{"id":1,"day":"2026-01-01","note":"first"}]`, `[{"id":1,"day":"2026-01-01","note":"second"}]`
	for range 3 {
		written, err := w.put("insert", "k1", first)
		w.must(written, err, Written{"t", "insert", 1})
	}
	_, err := w.put("insert", "k1", second)
	w.refused(err, contracts.CodeInvalidRequest, "belongs to another request")
	_, err = w.remove("id=1", "k1")
	w.refused(err, contracts.CodeInvalidRequest, "belongs to another request")
	_, err = w.put("insert", "k2", first)
	w.refused(err, contracts.CodeConflict, "exists")
	for range 2 {
		n, err := w.remove("id=1", "k3")
		w.must(n, err, 1)
	}
	// The key of what was refused is free.
	written, err := w.put("insert", "k2", second)
	w.must(written, err, Written{"t", "insert", 1})

	// After a restart nothing is done twice either.
	written, err = w.put("upsert", "k4", first)
	w.must(written, err, Written{"t", "upsert", 1})
	written, err = w.put("upsert", "", second)
	w.must(written, err, Written{"t", "upsert", 1})
	w.restart()
	written, err = w.put("upsert", "k4", first)
	w.must(written, err, Written{"t", "upsert", 1})
	w.must(w.rows("note"), nil, "second")
	n, err := w.remove("id=1", "k3")
	w.must(n, err, 0)
	w.must(w.rows("note"), nil, "second")

	for _, key := range []string{strings.Repeat("k", 256), "a\tb", "é"} {
		_, err = w.put("", key, first)
		w.refused(err, contracts.CodeInvalidRequest, "Idempotency-Key")
	}
	_, err = w.put("", strings.Repeat("~", 255), first)
	w.must(nil, err, nil)
}

func TestKeysAreBounded(t *testing.T) {
	t.Parallel()
	var k keys
	for i := range 2*mostKeys + 5 {
		k.keep(strconv.Itoa(i), &attempt{})
	}
	if len(k.attempts) != mostKeys || k.find("4") != nil || k.find(strconv.Itoa(2*mostKeys+4)) == nil || k.find(strconv.Itoa(mostKeys+5)) == nil {
		t.Errorf("%d keys", len(k.attempts))
	}
}

// Versions go up whatever the clock does, also after a restart.
func TestVersions(t *testing.T) {
	t.Parallel()
	for _, typ := range []string{"UInt64", "DateTime64(9, 'Asia/Tokyo')"} {
		w := newWriter(t, "CREATE TABLE t (a Int32, b Int32, v "+typ+", d UInt8) ENGINE = ReplacingMergeTree(v, d) ORDER BY a SETTINGS non_replicated_deduplication_window = 100", "tables: {t: {write: upsert}}")
		past := time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)
		for i := range 6 {
			if i == 3 {
				w.restart()
			}
			w.writes.now = func() time.Time { return past.Add(-time.Duration(i) * time.Hour) }
			_, err := w.put("", "", fmt.Sprintf(`[{"a":1,"b":%d}]`, i))
			w.must(w.rows("b"), err, i)
		}
		n, err := w.remove("a=1", "")
		w.must(n, err, 1)
		w.must(w.rows("b"), nil, "")
	}
}

// What a frame shows can be sent back, in each format.
func TestRoundTrip(t *testing.T) {
	t.Parallel()
	columns := map[string][2]string{
		"i8": {"Int8", "-128, 127"}, "i64": {"Int64", "-9223372036854775808, 9223372036854775807"}, "u64": {"UInt64", "0, 18446744073709551615"},
		"i256": {"Int256", "toInt256('-57896044618658097711785492504343953926634992332820282019728792003956564819968'), 1"}, "u128": {"UInt128", "1, 2"},
		"f32": {"Float32", "0.1, 3.4e38"}, "f64": {"Float64", "0.1, 5e-324"}, "d9": {"Decimal(9, 3)", "-123456.789, 0"},
		"d76": {"Decimal(76, 10)", "toDecimal256('123456789012345678901234567890123456789012345678901234567890123456.1234567891', 10), 0"},
		"s":   {"String", `'a\tb\n"\\\0é😀,', ''`}, "ns": {"Nullable(String)", "'', NULL"}, "lc": {"LowCardinality(Nullable(String))", "'x', NULL"}, "fs": {"FixedString(4)", "'ab', 'abcd'"},
		"b": {"Bool", "true, false"}, "u": {"UUID", "'61f0c404-5cb3-11e7-907b-a6006ad3dba0', '00000000-0000-0000-0000-000000000000'"},
		"ip4": {"IPv4", "'1.2.3.4', '0.0.0.0'"}, "ip6": {"IPv6", "'::1', '::ffff:1.2.3.4'"}, "e": {`Enum8('a"b' = -1, 'x' = 2)`, `'a"b', 'x'`},
		"dt": {"DateTime('Asia/Tokyo')", "'2026-07-01 09:00:00', 0"}, "dt3": {"DateTime64(3, 'Europe/Paris')", "'1950-01-01 00:00:00.123', '2299-12-31 00:00:00'"}, "dt9": {"Nullable(DateTime64(9))", "'2026-01-01 00:00:00.123456789', NULL"},
		"d": {"Date", "'2149-06-06', '1970-01-01'"}, "d32": {"Date32", "'1900-01-01', '2299-12-31'"}, "tm": {"Time", "'-12:00:01', '100:00:00'"}, "t6": {"Time64(6)", "'01:02:03.000001', '-00:00:01.5'"},
		"arr": {"Array(Nullable(Int64))", "[9223372036854775807, NULL], []"}, "m": {"Map(String, Decimal(18, 2))", "map('a', 1.5), map()"}, "tup": {"Tuple(a Int64, b DateTime64(3))", "(1, '2026-01-01 00:00:00.5'), (2, 0)"},
		"un": {"Tuple(String, Array(Date))", "('x', ['2026-01-01']), ('', [])"}, "mi": {"Map(Int64, Array(UUID))", "map(-5, ['61f0c404-5cb3-11e7-907b-a6006ad3dba0']), map()"},
		"j": {"JSON", `'{"a":{"b":"x\\\\n","c":[1.5,"x"]}}', '{}'`},
	}
	var ddl, firsts, seconds []string
	for name, c := range columns {
		ddl = append(ddl, name+" "+c[0])
		// The values are two arguments of array, but for those that no array holds together.
		first, second := cutPair(c[1])
		firsts, seconds = append(firsts, first), append(seconds, second)
	}
	create := "CREATE TABLE %s (key UInt8, " + strings.Join(ddl, ", ") + ") ENGINE = MergeTree ORDER BY key SETTINGS non_replicated_deduplication_window = 100;\n"
	w := newWriter(t, fmt.Sprintf(create, "t")+fmt.Sprintf(create, "source"), "tables: {t: {key: key, write: append}, source: {key: key, write: append, export: true}}")
	storetest.Exec(t, w.database, "INSERT INTO source VALUES (1, "+strings.Join(firsts, ", ")+"), (2, "+strings.Join(seconds, ", ")+")")
	for _, format := range contracts.Formats() {
		frame, err := catalogtest.Run(t.Context())(w.Rows(Query{Table: "source"}))
		if err != nil {
			t.Fatal(err)
		}
		var body bytes.Buffer
		if err := format.Encoder.Encode(&body, frame); err != nil {
			t.Fatal(err)
		}
		frame.Close()
		written, err := w.Write(t.Context(), WriteRequest{Table: "t", Body: ingest.Body{Reader: &body, Type: format.MediaType}})
		if err != nil {
			t.Errorf("%s: %v %+v", format.Name, err, contracts.AsError(err).Issues)
			continue
		}
		w.must(written, nil, Written{"t", "insert", 2})
		for name := range columns {
			if got := storetest.Query(t, w.database, fmt.Sprintf("SELECT groupArray(toString(%s)) FROM (SELECT %[1]s FROM t ORDER BY key)", name)); got != storetest.Query(t, w.database, fmt.Sprintf("SELECT groupArray(toString(%s)) FROM (SELECT %[1]s FROM source ORDER BY key)", name)) {
				t.Errorf("%s, %s: %s came back", format.Name, name, got)
			}
		}
		storetest.Exec(t, w.database, "TRUNCATE TABLE t")
	}
}

// cutPair takes two values apart at the first comma outside of brackets and quotes.
func cutPair(text string) (first, second string) {
	depth, quoted := 0, false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == '\\':
			i++
		case c == '\'':
			quoted = !quoted
		case quoted:
		case c == '(', c == '[':
			depth++
		case c == ')', c == ']':
			depth--
		case c == ',' && depth == 0:
			return text[:i], text[i+1:]
		}
	}
	return text, text
}

// Rows are deleted by what they refer to as well.
func TestDeleteByRelation(t *testing.T) {
	t.Parallel()
	for mode, engine := range map[string]string{"append": "MergeTree", "upsert": "ReplacingMergeTree(version, is_deleted)"} {
		w := newWriter(t, "CREATE TABLE parent (id Int32, name String) ENGINE = MergeTree ORDER BY id;\nINSERT INTO parent VALUES (1, 'one'), (2, 'two');\n"+
			"CREATE TABLE t (id Int32, parent_id Int32, version UInt64, is_deleted UInt8) ENGINE = "+engine+" ORDER BY id SETTINGS non_replicated_deduplication_window = 100;\n"+
			"INSERT INTO t (id, parent_id) VALUES (1, 1), (2, 2), (3, 1);",
			"tables: {parent: {key: id}, t: {key: id, write: "+mode+", references: {parent: {columns: parent_id, table: parent}}}}")
		n, err := w.remove("parent.name=one", "")
		w.must(n, err, 2)
		w.must(w.rows("id"), nil, "2")
	}
}

package tables

import (
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"framehouse/internal/catalog/catalogtest"
	"framehouse/internal/contracts"
	"framehouse/internal/store/sql"
	"framehouse/internal/store/storetest"
)

// cells are the rows of a frame as text, all of them exact.
func cells(t *testing.T, f *contracts.Frame) []string {
	t.Helper()
	defer f.Close()
	var rows []string
	for {
		record, err := f.Next()
		if err == io.EOF {
			return rows
		}
		if err != nil {
			t.Fatal(err)
		}
		for row := range int(record.NumRows()) {
			var line []string
			for _, column := range record.Columns() {
				text, null, err := contracts.CellText(column, row)
				if err != nil {
					t.Fatal(err)
				}
				if null {
					text = "NULL"
				}
				line = append(line, fmt.Sprintf("%q", text))
			}
			rows = append(rows, strings.Join(line, " "))
		}
	}
}

// kinds are column types and values that are hard to put in order or into a cursor.
var kinds = []struct {
	typ    string
	values []string
}{
	{"UInt8", []string{"0", "1", "255"}},
	{"Nullable(Int64)", []string{"NULL", "-9223372036854775808", "9223372036854775807", "0"}},
	{"Int256", []string{"0", "'-57896044618658097711785492504343953926634992332820282019728792003956564819968'", "'57896044618658097711785492504343953926634992332820282019728792003956564819967'"}},
	{"Float64", []string{"nan", "-inf", "inf", "0", "0.1", "1e308", "5e-324", "-nan"}},
	{"Nullable(Float32)", []string{"nan", "NULL", "-inf", "inf", "0.1", "16777217"}},
	{"Nullable(Decimal(76, 20))", []string{"NULL", "'12345678901234567890123456789012345678901234567890123456.78901234567890123456'", "'-0.00000000000000000001'", "0"}},
	{"String", []string{"''", `'\\0'`, `'\\xff\\xfe'`, `'a\\tb\\n\\\\c\\'d'`, "'日本'", "'NULL'", "'z'"}},
	{"Nullable(String)", []string{"NULL", "''", "'nan'", "'a'"}},
	{"LowCardinality(Nullable(String))", []string{"NULL", "''", "'x'", "'y'"}},
	{"FixedString(4)", []string{"'ab'", `'a\\0b'`, `'a\\0b\\0'`, `'\\0\\0\\0\\0'`, "'abcd'"}},
	{"Enum8('z' = -1, 'a' = 2, 'm,\\'' = 3)", []string{"'z'", "'a'", "'m,\\\\''"}},
	{"Nullable(DateTime64(9, 'Asia/Tokyo'))", []string{"NULL", "'1969-12-31 23:59:59.999999999'", "'2026-03-31 01:02:03.000000001'", "'2026-03-31 01:02:03.000000002'"}},
	{"DateTime('America/New_York')", []string{"'2026-11-01 01:30:00'", "1793514600", "1793511000", "0"}},
	{"Date32", []string{"'1900-01-01'", "'2299-12-31'", "'2026-03-31'"}},
	{"UUID", []string{"'61f0c404-5cb3-11e7-907b-a6006ad3dba0'", "'00000000-0000-0000-0000-000000000000'", "'01f0c404-5cb3-11e7-f07b-a6006ad3dba0'"}},
	{"IPv6", []string{"'::1'", "'2001:db8::1'", "'::ffff:1.2.3.4'"}},
	{"Bool", []string{"true", "false"}},
	{"Array(Nullable(UInt8))", []string{"[]", "[NULL]", "[1, 2]", "[2]"}},
}

// Pages put together are the whole, in the same order, whatever the order and the page size,
// and also while other rows arrive between the pages. Rows that are there all along are
// neither left out nor repeated.
func TestPages(t *testing.T) {
	t.Parallel()
	seeds := 40
	if testing.Short() {
		seeds = 10
	}
	for seed := range seeds {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			r := rand.New(rand.NewPCG(uint64(seed), 1))
			testPages(t, r)
		})
	}
}

func testPages(t *testing.T, r *rand.Rand) {
	database := storetest.Database(t)
	unique := r.IntN(2) == 0
	chosen := r.Perm(len(kinds))[:1+r.IntN(4)]
	var columns []string
	for i, k := range chosen {
		columns = append(columns, fmt.Sprintf("c%d %s", i, kinds[k].typ))
	}
	// old rows are there all along; odd ones arrive in between.
	sorted := "old"
	if unique {
		sorted = "id"
	}
	text := fmt.Sprintf("CREATE TABLE x (id UInt32, old Bool, %s) ORDER BY %s SETTINGS allow_nullable_key = 1, index_granularity = 8", strings.Join(columns, ", "), sorted)
	storetest.Exec(t, database, text)
	next := 0
	row := func(old bool) string {
		values := []string{"0", fmt.Sprint(old)}
		if unique {
			next++
			// Among each other in any order.
			values[0] = fmt.Sprint(next * 7919 % 100003)
		}
		for _, k := range chosen {
			values = append(values, kinds[k].values[r.IntN(len(kinds[k].values))])
		}
		return "(" + strings.Join(values, ", ") + ")"
	}
	var rows []string
	for range 20 + r.IntN(60) {
		rows = append(rows, row(true))
	}
	insert := func(rows []string) {
		// The backslashes of the values are written twice, for Go and for SQL.
		storetest.Exec(t, database, "INSERT INTO x VALUES "+strings.ReplaceAll(strings.Join(rows, ", "), `\\`, `\`))
	}
	insert(rows)
	catalog := "tables: {x: {}}"
	if unique {
		catalog = "tables: {x: {key: [id]}}"
	}
	s := service(t, database, catalog)
	table, err := s.Table("x")
	if err != nil {
		t.Fatal(err)
	}
	var order []string
	for _, i := range r.Perm(len(table.Columns))[:r.IntN(min(4, len(table.Columns)))] {
		c := table.Columns[i]
		if c.Type.Comparable() {
			order = append(order, []string{"", "-"}[r.IntN(2)]+c.Name+[]string{"", nullsFirst, nullsLast}[r.IntN(3)])
		}
	}
	q := Query{Table: "x", Order: OrderBy(order...)}
	read := func(q Query) ([]string, contracts.Tabular) {
		t.Helper()
		f, err := catalogtest.Run(t.Context())(s.Rows(q))
		if err != nil {
			t.Fatalf("%s\norder %q: %v", text, order, err)
		}
		got := cells(t, f)
		if f.Meta.Tabular.Truncated != (f.Meta.Tabular.NextCursor != "") {
			t.Fatalf("%+v, %v", f.Meta.Tabular, f.Source.Context.Warnings)
		}
		return got, f.Meta.Tabular
	}
	all := q
	all.Limit = 10_000
	whole, _ := read(all)
	pages := func(q Query, between func()) []string {
		t.Helper()
		var got []string
		for page := 0; ; page++ {
			q.Limit = 1 + int64(r.IntN(12))
			if r.IntN(2) == 0 {
				q.Select = nil
			}
			rows, meta := read(q)
			got = append(got, rows...)
			if meta.NextCursor == "" {
				return got
			}
			if page > 300 {
				t.Fatal("no end of pages")
			}
			q.Cursor = meta.NextCursor
			between()
		}
	}
	if got := pages(q, func() {}); !slices.Equal(got, whole) {
		t.Fatalf("%s\norder %q: pages\n%s\nwhole\n%s", text, order, strings.Join(got, "\n"), strings.Join(whole, "\n"))
	}
	arrivals := 0
	got := pages(q, func() {
		// As many as keep the pages coming to an end.
		if arrivals++; arrivals < 30 {
			insert([]string{row(false), row(false)})
		}
	})
	old := slices.DeleteFunc(got, func(row string) bool { return strings.Fields(row)[1] != `"true"` })
	if !slices.Equal(old, whole) {
		t.Fatalf("%s\norder %q, with other rows in between: pages\n%s\nwhole\n%s", text, order, strings.Join(old, "\n"), strings.Join(whole, "\n"))
	}
}

// Rows that are the same in every column are counted, and when some go, no others go missing.
func TestAlike(t *testing.T) {
	t.Parallel()
	s := bank(t)
	q := Query{Table: "heap", Order: OrderBy("w"), Limit: 1}
	var got []string
	for {
		f, err := catalogtest.Run(t.Context())(s.Rows(q))
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, cells(t, f)...)
		if q.Cursor = f.Meta.Tabular.NextCursor; q.Cursor == "" {
			break
		}
	}
	if want := []string{`"1" "1"`, `"1" "1"`, `"1" "2"`}; !slices.Equal(got, want) {
		t.Errorf("pages of one: %q", got)
	}
	q = Query{Table: "heap", Order: OrderBy("w"), Limit: 2}
	f, err := catalogtest.Run(t.Context())(s.Rows(q))
	if err != nil {
		t.Fatal(err)
	}
	cells(t, f)
	table, err := s.Table("heap")
	if err != nil {
		t.Fatal(err)
	}
	storetest.Exec(t, table.Source.Database, "ALTER TABLE heap DELETE WHERE w = 1 SETTINGS mutations_sync = 2")
	q.Cursor = f.Meta.Tabular.NextCursor
	if f, err = catalogtest.Run(t.Context())(s.Rows(q)); err != nil {
		t.Fatal(err)
	}
	if got := cells(t, f); !slices.Equal(got, []string{`"1" "2"`}) {
		t.Errorf("after the rows of the first page went: %q", got)
	}
}

// Where no next page can be asked for, the answer says why.
func TestNoNextPage(t *testing.T) {
	t.Parallel()
	s := bank(t)
	table, err := s.Table("log")
	if err != nil {
		t.Fatal(err)
	}
	storetest.Exec(t, table.Source.Database, "INSERT INTO log SELECT '2026-01-01', repeat('x', 5000), number, [] FROM numbers(3)")
	for name, warning := range map[string]string{"heap": "no key", "log": "too long"} {
		f, err := catalogtest.Run(t.Context())(s.Rows(Query{Table: name, Limit: 1}))
		if err != nil {
			t.Fatal(err)
		}
		rows := cells(t, f)
		if w := f.Source.Context.Warnings; len(rows) != 1 || !f.Meta.Tabular.Truncated || f.Meta.Tabular.NextCursor != "" || len(w) != 1 || !strings.Contains(w[0], warning) {
			t.Errorf("%s: %d rows, %+v, %q", name, len(rows), f.Meta.Tabular, w)
		}
	}
}

// A page is found by the primary key and read in its order: of a table in 1,000 granules the
// page in the middle reads what a page needs.
func TestPagesUseTheKey(t *testing.T) {
	t.Parallel()
	database := storetest.Database(t)
	storetest.Exec(t, database, "CREATE TABLE big (a UInt32, b String, v Float64) ORDER BY (a, b) SETTINGS index_granularity = 100")
	storetest.Exec(t, database, "INSERT INTO big SELECT intDiv(number, 10), toString(number % 10), number FROM numbers(100000)")
	s := service(t, database, "tables: {big: {key: [a, b]}, loose: {table: big}}")
	for _, test := range []struct{ table, order string }{{"big", ""}, {"big", "a"}, {"big", "-a,-b"}, {"loose", ""}} {
		p, err := planned(t, s, test.table, "limit=20&order="+test.order)
		if err != nil {
			t.Fatal(err)
		}
		p.at(1, v("5000"), v("7"))
		if test.table == "loose" {
			p.at(1, v("5000"), v("7"), v("50007"))
		}
		query, err := p.query()
		if err != nil {
			t.Fatal(err)
		}
		plan := explained(t, s, "indexes = 1", query)
		if !strings.Contains(plan, "Read type: InOrder") && !strings.Contains(plan, "Read type: InReverseOrder") {
			t.Errorf("%s by %q is not read in order:\n%s", test.table, test.order, plan)
		}
		if strings.Contains(plan, "Granules: 1000/1000") || !strings.Contains(plan, "/1000") {
			t.Errorf("%s by %q reads all granules:\n%s", test.table, test.order, plan)
		}
		records, err := s.Store.Query(t.Context(), query.Build())
		if err != nil {
			t.Fatal(err)
		}
		first, err := records.Next()
		if err != nil {
			t.Fatal(err)
		}
		text, _, err := contracts.CellText(first.Column(2), 0)
		if want := map[string]string{"-a,-b": "50006", "": "50008", "a": "50008"}[test.order]; err != nil || test.table == "big" && text != want {
			t.Errorf("%s by %q begins with %s, want %s", test.table, test.order, text, want)
		}
		records.Close()
	}
}

// explained is what ClickHouse says that it would do.
func explained(t *testing.T, s *Service, kind string, query sql.Select) string {
	t.Helper()
	records, err := s.Store.Query(t.Context(), sql.Explain{Kind: kind, Query: query}.Statement())
	if err != nil {
		t.Fatal(err)
	}
	defer records.Close()
	var lines []string
	for {
		record, err := records.Next()
		if err == io.EOF {
			return strings.Join(lines, "\n")
		}
		if err != nil {
			t.Fatal(err)
		}
		for row := range int(record.NumRows()) {
			text, _, err := contracts.CellText(record.Column(0), row)
			if err != nil {
				t.Fatal(err)
			}
			lines = append(lines, text)
		}
	}
}

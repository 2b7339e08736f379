package tables

import (
	"strings"
	"testing"

	"framehouse/internal/catalog/catalogtest"
	"framehouse/internal/contracts"
	"framehouse/internal/store/storetest"
)

// Columns of the row that a row refers to come along. What refers to nothing, by a null or by
// a key that there is not, has nulls there and never a default; a row is there once.
func TestRelatedColumns(t *testing.T) {
	t.Parallel()
	s := bank(t)
	for _, test := range []struct{ table, request, want string }{
		{"balances", "select=id,customer.name,customer.region,customer.since,customer.tags&order=id",
			`"1" "Acme" "US" "2020-01-01" "[\"a\"]"; "2" "Beta Treasury" "EU" "2021-01-01" "[\"b\",\"c\"]"; "3" "NULL" "NULL" "NULL" "NULL"; "4" "NULL" "NULL" "NULL" "NULL"; "5" "NULL" "NULL" "NULL" "NULL"`},
		{"balances", "select=customer.id,balance_usd&order=-balance_usd&limit=2", `"1" "150000.50"; "2" "91250.00"`},
		{"debts", "select=id,balance.customer.name,balance.kind,balance.tags,balance.customer.tags", `"1" "Acme" "z" "[\"p\"]" "[\"a\"]"; "2" "Beta Treasury" "a" "[]" "[\"b\",\"c\"]"; "3" "NULL" "a" "[]" "NULL"; "4" "NULL" "NULL" "NULL" "NULL"`},
		{"balances", "select=customer.name&customer_id=2", `"Beta Treasury"`},
	} {
		rows, fields, _ := answer(t, s, test.table, test.request)
		if got := strings.Join(rows, "; "); got != strings.ReplaceAll(test.want, `"[\"`, `"[\"`) {
			t.Errorf("%s\n got %s\nwant %s", test.request, got, test.want)
		}
		for _, f := range fields {
			if strings.Contains(f.Key, ".") && (!f.Nullable || !strings.Contains(f.Label, ": ")) {
				t.Errorf("field %+v", f)
			}
		}
	}
	_, fields, _ := answer(t, s, "balances", "select=customer.region,customer.name")
	if fields[0].NativeType != "LowCardinality(Nullable(String))" || fields[1].NativeType != "Nullable(String)" || fields[1].Label != "Customer: Name" {
		t.Errorf("fields %+v", fields)
	}
}

// A page of rows with related columns goes on like any other.
func TestRelatedPages(t *testing.T) {
	t.Parallel()
	s := bank(t)
	var names []string
	cursor := ""
	for {
		rows, _, meta := answer(t, s, "balances", "select=customer.name&order=-rate.nullsfirst,note&limit=2&cursor="+cursor)
		names = append(names, rows...)
		if cursor = meta.NextCursor; cursor == "" {
			break
		}
	}
	if got := strings.Join(names, " "); got != `"NULL" "Beta Treasury" "Acme" "NULL" "NULL"` {
		t.Errorf("%s", got)
	}
}

func TestCounts(t *testing.T) {
	t.Parallel()
	s := bank(t)
	for _, test := range []struct {
		table, request string
		total          int64 // -1 for none
		kind           string
	}{
		{"balances", "limit=2", -1, ""},
		{"balances", "limit=2&count=none", -1, ""},
		{"balances", "limit=2&count=exact", 5, "exact"},
		{"balances", "limit=2&count=exact&where.note=x", 2, "exact"},
		{"balances", "limit=1&count=exact&where.note=x", 2, "exact"},
		{"balances", "limit=2&count=estimate", 5, "estimate"},
		{"balances", "count=estimate", 5, "exact"}, // it is whole
		{"balances", "limit=1&count=estimate&day=2026-03-22", 5, "estimate"},
		{"balances", "limit=1&count=estimate&day=2027-03-22", 0, "exact"},
		{"balances", "limit=1&group=day&count=exact", 3, "exact"},
		{"balances", "limit=1&group=day&count=estimate", -1, ""},
		{"balances", "limit=1&count=exact&customer.region.in=US,EU", 2, "exact"},
		// The customers are not read for it.
		{"balances", "limit=1&count=estimate&customer.region.in=US,EU", 5, "estimate"},
		{"view", "limit=1&count=exact", 5, "exact"},
		{"view", "limit=1&count=estimate", -1, ""},
		{"view", "limit=1&count=estimate&id.gte=2", -1, ""},
		{"customers", "limit=1&count=exact", 2, "exact"},
		{"customers", "limit=1&count=estimate", 3, "estimate"}, // with the one that is replaced
	} {
		q, err := request(t, s, test.table, test.request)
		if err != nil {
			t.Fatal(err)
		}
		f, err := catalogtest.Run(t.Context())(s.Rows(q))
		if err != nil {
			t.Fatal(err)
		}
		cells(t, f)
		meta, total := f.Meta.Tabular, int64(-1)
		if meta.TotalRows != nil {
			total = *meta.TotalRows
		}
		if total != test.total || meta.TotalRowsKind != test.kind {
			t.Errorf("%s?%s: %d, %s; want %d, %s", test.table, test.request, total, meta.TotalRowsKind, test.total, test.kind)
		}
		if unknown := strings.Contains(test.request, "estimate") && test.total < 0; unknown != (len(f.Source.Context.Warnings) > 0) {
			t.Errorf("%s?%s: warnings %q", test.table, test.request, f.Source.Context.Warnings)
		}
		if meta.NextCursor == "" {
			continue
		}
		// The total is that of all pages, on each.
		q.Cursor, q.Count = meta.NextCursor, CountExact
		if f, err = catalogtest.Run(t.Context())(s.Rows(q)); err != nil {
			t.Fatal(err)
		}
		cells(t, f)
		if test.kind == contracts.TotalExact && *f.Meta.Tabular.TotalRows != test.total {
			t.Errorf("%s?%s: the second page counts %d", test.table, test.request, *f.Meta.Tabular.TotalRows)
		}
	}
}

// An estimate reads no row: of these tables a row that is read is a failure.
func TestEstimatesReadNothing(t *testing.T) {
	t.Parallel()
	database := storetest.Database(t)
	storetest.Exec(t, database, `
CREATE TABLE mined (id UInt32, parent UInt32, trap UInt8 ALIAS throwIf(id < 1000)) ORDER BY id SETTINGS index_granularity = 100;
INSERT INTO mined (id, parent) SELECT number, number FROM numbers(1000);`)
	s := service(t, database, "tables: {mined: {key: [id], references: {up: {columns: parent, table: mined, inverse: children}}}}")
	for request, most := range map[string]int64{
		"":                                1000,
		"trap=0":                          1000,
		"id.lt=100&trap=0":                200,
		"id.gte=900&trap.nin=1":           200,
		"up.trap=0":                       1000,
		"where=not(children(trap=0))":     1000,
		"id.lt=100&where=up(trap=0)":      200,
		"id.lt=100&up.up.trap=0":          200,
		"where=or(id=5,and(id=7,trap=0))": 200,
	} {
		p, err := planned(t, s, "mined", "limit=1&"+request)
		if err != nil {
			t.Fatal(err)
		}
		total, known, err := s.estimate(t.Context(), p)
		if err != nil || !known || total < 1 || total > most {
			t.Errorf("%s: %d, %v, %v; want at most %d", request, total, known, err, most)
		}
		if _, err := s.number(t.Context(), p.counted().Build(), 0); err == nil && request != "" {
			t.Errorf("%s: can be counted, so that the estimate proves nothing", request)
		}
	}
}

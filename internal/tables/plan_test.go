package tables

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"

	"framehouse/internal/catalog"
	"framehouse/internal/catalog/catalogtest"
	"framehouse/internal/contracts"
	"framehouse/internal/store/storetest"
	"framehouse/internal/tables/filter"
)

func TestMain(m *testing.M) { storetest.Main(m) }

func service(t *testing.T, database, text string) *Service {
	t.Helper()
	s, live := catalogtest.Load(t, database, text)
	return &Service{Catalog: live, Sizes: catalog.NewSizes(live, s), Store: s}
}

// shops has columns that are named like parameters, and rows that are equal but for the
// last column of the key.
func shops(t *testing.T) *Service {
	t.Helper()
	database := storetest.Database(t)
	storetest.Exec(t, database, "CREATE TABLE shops (city String, `limit` UInt16, `select` Nullable(String), opened Date, big Int64) ORDER BY (city, `limit`);")
	storetest.Exec(t, database, "INSERT INTO shops VALUES ('Oslo', 3, 'x', '2020-01-01', 9223372036854775807), ('Oslo', 1, NULL, '2020-01-01', -9223372036854775808), ('Bergen', 2, '', '2021-06-30', 0)")
	return service(t, database, "tables: {shops: {max_rows: 50, order: [-opened]}, unsorted: {table: shops, key: [big]}}")
}

// where reads a filter on shops as it stands in a URL.
func where(t *testing.T, s *Service, query string) filter.Expr {
	t.Helper()
	parameters, err := url.ParseQuery(query)
	if err != nil {
		t.Fatal(err)
	}
	table, err := s.Table("shops")
	if err != nil {
		t.Fatal(err)
	}
	e, err := filter.FromQuery(table, parameters, nil)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func TestRows(t *testing.T) {
	t.Parallel()
	s := shops(t)
	type row struct {
		City   string
		Limit  int
		Select *string
		Big    string // 64 bits, which JSON numbers can't be trusted with
	}
	read := func(q Query) []row {
		t.Helper()
		q.Table = "shops"
		q.Select = []string{"city", "limit", "select", "big"}
		frame, err := catalogtest.Run(t.Context())(s.Rows(q))
		if err != nil {
			t.Fatal(err)
		}
		rows, err := contracts.Rows[row](frame)
		if err != nil {
			t.Fatal(err)
		}
		return rows
	}
	rows := read(Query{})
	var limits []int
	for _, r := range rows {
		limits = append(limits, r.Limit)
	}
	if !slices.Equal(limits, []int{2, 1, 3}) {
		t.Errorf("order %v", limits)
	}
	if rows[2].Big != "9223372036854775807" || rows[1].Big != "-9223372036854775808" || rows[1].Select != nil || *rows[0].Select != "" {
		t.Errorf("rows %+v", rows)
	}
	if rows := read(Query{Where: where(t, s, "where.select=")}); len(rows) != 1 || rows[0].City != "Bergen" {
		t.Errorf("an empty text is a value, and no null: %+v", rows)
	}
	if _, err := catalogtest.Run(t.Context())(s.Rows(Query{Table: "shop"})); contracts.AsError(err).Code != contracts.CodeUnknownTable {
		t.Errorf("no such table: %v", err)
	}
}

// What cannot be trusted with JSON numbers is text, and says so.
func TestFields(t *testing.T) {
	t.Parallel()
	s := shops(t)
	frame, err := catalogtest.Run(t.Context())(s.Rows(Query{Table: "unsorted", Select: []string{"big", "select"}}))
	if err != nil {
		t.Fatal(err)
	}
	defer frame.Close()
	big, text := frame.Fields[0], frame.Fields[1]
	if big.Type != contracts.TypeString || big.NativeType != "" || !strings.Contains(big.Description, "Int64") || big.Nullable {
		t.Errorf("field of an Int64: %+v", big)
	}
	if text.Type != contracts.TypeString || !text.Nullable || text.NativeType != "Nullable(String)" {
		t.Errorf("field of a Nullable(String): %+v", text)
	}
	if got := frame.Meta.Tabular; !slices.Equal(got.OrderedBy, []string{"big"}) || !slices.Equal(got.PrimaryKeyFields, []string{"big"}) {
		t.Errorf("meta %+v", got)
	}
}

// The key is named as what tells rows apart only where it does.
func TestPrimaryKeyFields(t *testing.T) {
	t.Parallel()
	s := bank(t)
	for _, test := range []struct{ table, request, want string }{
		{"balances", "", "[id]"},
		{"balances", "select=note,id", "[id]"},
		{"balances", "select=note", "[]"},
		{"balances", "select=customer.id,note", "[]"},
		{"customers", "", "[id]"}, // replaced by it
		{"log", "", "[]"},         // sorted by it
		{"heap", "", "[]"},
		{"log", "group=day,text&agg=count", "[day text]"},
		{"log", "group=day,text&agg=count&select=text,count", "[]"},
		{"balances", "group=customer.region", "[customer.region]"},
		{"balances", "agg=count", "[]"},
	} {
		q, err := request(t, s, test.table, test.request)
		if err != nil {
			t.Fatal(err)
		}
		f, err := catalogtest.Run(t.Context())(s.Rows(q))
		if err != nil {
			t.Fatal(err)
		}
		if got := fmt.Sprint(f.Meta.Tabular.PrimaryKeyFields); got != test.want {
			t.Errorf("%s?%s: %s, want %s", test.table, test.request, got, test.want)
		}
		f.Close()
	}
}

package tables

import (
	"slices"
	"strings"
	"testing"

	"framehouse/internal/catalog/catalogtest"
	"framehouse/internal/contracts"
	"framehouse/internal/store/storetest"
)

func answer(t *testing.T, s *Service, table, text string) (rows []string, fields []contracts.Field, meta contracts.Tabular) {
	t.Helper()
	q, err := request(t, s, table, text)
	if err != nil {
		t.Fatal(err)
	}
	f, err := catalogtest.Run(t.Context())(s.Rows(q))
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	rows = cells(t, f)
	return rows, f.Fields, f.Meta.Tabular
}

func TestAggregates(t *testing.T) {
	t.Parallel()
	s := bank(t)
	for _, test := range []struct{ table, request, want string }{
		{"balances", "agg=count,sum:balance_usd,min:day,max:day", `"5" "241256.7500" "2026-03-22" "2026-03-24"`},
		{"balances", "agg=count,sum:balance_usd,min:day,max:kind,mean:rate,median:rate,distinct:rate,count:rate,count:note,sum:rate&day=2020-01-01", `"0" "NULL" "NULL" "NULL" "NULL" "NULL" "0" "0" "0" "NULL"`},
		// Beyond 64 bits, where a sum of ClickHouse's would wrap, as its mean does.
		{"balances", "agg=sum:big,mean:big&order=sum_big", `"18446744073709551611" "3.6893488147419105e+18"`},
		// NaN is no value, and neither is null; -0 is 0.
		{"balances", "agg=count:rate,distinct:rate,mean:rate,median:rate,max:rate,count:note,distinct:note", `"3" "2" "0.16666666666666666" "0" "0.5" "4" "3"`},
		{"balances", "group=rate&agg=count", `"0" "2"; "0.5" "1"; "NULL" "2"`},
		// Enums are in the order of their numbers.
		{"balances", "group=kind&agg=count,min:note", `"z" "2" "x"; "a" "3" ""`},
		{"balances", "group=customer.region&agg=count,sum:balance_usd", `"EU" "1" "91250.00"; "US" "1" "150000.50"; "NULL" "3" "6.25"`},
		{"debts", "group=balance.customer.name&agg=sum:debt_usd", `"Acme" "15000.0000"; "Beta Treasury" "6500.1234"; "NULL" "3.0000"`},
		{"balances", "group=note,kind", `"" "a"; "x" "z"; "y" "a"; "NULL" "a"`},
		{"balances", "group=note&agg=count&having.count.gte=2", `"x" "2"`},
		{"balances", "group=note&agg=count&having.note=x", `"x" "2"`},
		{"balances", "group=day&agg=count,max:big&order=-count,-max_big&select=max_big&limit=1", `"9223372036854775807"`},
	} {
		want := strings.ReplaceAll(test.want, "241256.7500", "241256.75")
		rows, _, _ := answer(t, s, test.table, test.request)
		if got := strings.Join(rows, "; "); got != want {
			t.Errorf("%s\n got %s\nwant %s", test.request, got, want)
		}
	}
}

// What the fields of an aggregate say, and that groups come in pages like rows.
func TestAggregateFields(t *testing.T) {
	t.Parallel()
	s := bank(t)
	rows, fields, meta := answer(t, s, "balances", "group=note&agg=count,sum:balance_usd,sum:big,sum:id,mean:balance_usd&limit=2&count=exact")
	var got []string
	for _, f := range fields {
		line := f.Key + " " + string(f.Type)
		if f.Nullable {
			line += " null"
		}
		got = append(got, line)
	}
	want := []string{"note string null", "count integer", "sum_balance_usd number null", "sum_big string null", "sum_id number null", "mean_balance_usd number null"}
	if !slices.Equal(got, want) {
		t.Errorf("fields %q, want %q", got, want)
	}
	if len(rows) != 2 || !meta.Truncated || meta.NextCursor == "" || *meta.TotalRows != 4 || !slices.Equal(meta.PrimaryKeyFields, []string{"note"}) || !slices.Equal(meta.OrderedBy, []string{"note"}) {
		t.Errorf("%q, %+v", rows, meta)
	}
	more, _, meta := answer(t, s, "balances", "group=note&agg=count,sum:balance_usd,sum:big,sum:id,mean:balance_usd&limit=10&cursor="+meta.NextCursor)
	if len(more) != 2 || meta.Truncated {
		t.Errorf("the rest: %q, %+v", more, meta)
	}
}

// Each aggregate of each type is one that ClickHouse computes and a frame can hold, or is
// refused before ClickHouse is asked.
func TestAggregatesOfAllTypes(t *testing.T) {
	t.Parallel()
	database := storetest.Database(t)
	types := []string{
		"Bool", "Int8", "UInt16", "Int32", "UInt64", "Int128", "UInt128", "Int256", "UInt256", "Float32", "Float64", "BFloat16",
		"Decimal(9, 2)", "Decimal(26, 3)", "Decimal(38, 10)", "Decimal(64, 1)", "Decimal(76, 5)", "String", "FixedString(3)", "LowCardinality(String)",
		"LowCardinality(Nullable(String))", "UUID", "IPv4", "IPv6", "Enum8('a' = 1)", "Date", "Date32", "DateTime('Asia/Tokyo')", "DateTime64(6)",
		"Nullable(Int64)", "Nullable(Float64)", "Nullable(Decimal(18, 4))", "Nullable(DateTime64(9))", "Array(String)", "Tuple(a UInt8)", "Map(String, UInt8)",
	}
	var columns []string
	for i, typ := range types {
		columns = append(columns, "c"+string(rune('A'+i/26))+string(rune('a'+i%26))+" "+typ)
	}
	storetest.Exec(t, database, "CREATE TABLE types (k UInt8, "+strings.Join(columns, ", ")+") ORDER BY k SETTINGS allow_suspicious_low_cardinality_types = 1, allow_experimental_bfloat16_type = 1")
	for range 3 {
		storetest.Exec(t, database, "INSERT INTO types (k) VALUES (1)")
	}
	s := service(t, database, "tables: {types: {}}")
	table, err := s.Table("types")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range table.Columns {
		for _, function := range functions {
			for _, q := range []Query{
				{Table: "types", Aggregates: []string{function + ":" + c.Name}},
				{Table: "types", Group: []string{c.Name}, Aggregates: []string{function + ":" + c.Name}},
			} {
				f, err := catalogtest.Run(t.Context())(s.Rows(q))
				if err != nil {
					if e := contracts.AsError(err); e.Code != contracts.CodeInvalidRequest || !strings.Contains(e.Detail, c.Type.String()) {
						t.Errorf("%s of %s, grouped by %q: %v", function, c.Type, q.Group, err)
					}
					if c.Type.Comparable() && (function == "count" || function == "min" || function == "distinct") {
						t.Errorf("%s of %s is refused: %v", function, c.Type, err)
					}
					continue
				}
				if rows := cells(t, f); len(rows) != 1 {
					t.Errorf("%s of %s: %q", function, c.Type, rows)
				}
			}
		}
	}
}

// Sums of the extremes of each type have all their digits.
func TestSumsDoNotWrap(t *testing.T) {
	t.Parallel()
	database := storetest.Database(t)
	for typ, test := range map[string][2]string{
		"Int8":           {"-128", "-384"},
		"UInt32":         {"4294967295", "12884901885"},
		"Int64":          {"-9223372036854775808", "-27670116110564327424"},
		"UInt64":         {"18446744073709551615", "55340232221128654845"},
		"Int128":         {"'170141183460469231731687303715884105727'", "510423550381407695195061911147652317181"},
		"Decimal(18, 2)": {"'9999999999999999.99'", "29999999999999999.97"},
		"Decimal(38, 0)": {"'99999999999999999999999999999999999999'", "299999999999999999999999999999999999997"},
		"Decimal(64, 4)": {"'999999999999999999999999999999999999999999999999999999999999.9999'", "2999999999999999999999999999999999999999999999999999999999999.9997"},
	} {
		storetest.Exec(t, database, "CREATE TABLE sums (v "+typ+") ORDER BY tuple();\nINSERT INTO sums VALUES ("+test[0]+"), ("+test[0]+"), ("+test[0]+");")
		s := service(t, database, "tables: {sums: {}}")
		if rows, _, _ := answer(t, s, "sums", "agg=sum:v"); !slices.Equal(rows, []string{`"` + test[1] + `"`}) {
			t.Errorf("%s: %q, want %s", typ, rows, test[1])
		}
		storetest.Exec(t, database, "DROP TABLE sums SYNC")
	}
}

// More groups than ClickHouse should hold are refused, and never a part of them shown. Each of
// its threads counts for itself, so there are enough for twenty.
func TestGroupsAreBounded(t *testing.T) {
	t.Parallel()
	database := storetest.Database(t)
	storetest.Exec(t, database, "CREATE TABLE many (v UInt32) ORDER BY v;\nINSERT INTO many SELECT number FROM numbers(20000000);")
	s := service(t, database, "tables: {many: {}}")
	_, err := catalogtest.Run(t.Context())(s.Rows(Query{Table: "many", Group: []string{"v"}, Limit: 1}))
	if e := contracts.AsError(err); err == nil || e.Code != contracts.CodeQueryTooExpensive || e.Issues[0].Hint == "" {
		t.Errorf("groups: %v", err)
	}
	_, err = catalogtest.Run(t.Context())(s.Values(ValuesQuery{Table: "many", Column: "v"}))
	if e := contracts.AsError(err); err == nil || e.Code != contracts.CodeQueryTooExpensive {
		t.Errorf("values: %v", err)
	}
	f, err := catalogtest.Run(t.Context())(s.Values(ValuesQuery{Table: "many", Column: "v", Search: "1234567"}))
	if err != nil {
		t.Fatal(err)
	}
	if rows := cells(t, f); len(rows) != 12 {
		t.Errorf("values that contain 1234567: %q", rows)
	}
}

func TestValues(t *testing.T) {
	t.Parallel()
	s := bank(t)
	for _, test := range []struct {
		query ValuesQuery
		want  []string
	}{
		{ValuesQuery{Table: "customers", Column: "region"}, []string{`"EU" "1"`, `"US" "1"`}},
		{ValuesQuery{Table: "balances", Column: "note"}, []string{`"x" "2"`, `"" "1"`, `"y" "1"`, `"NULL" "1"`}},
		{ValuesQuery{Table: "balances", Column: "note", Limit: 1}, []string{`"x" "2"`}},
		{ValuesQuery{Table: "balances", Column: "rate"}, []string{`"0" "2"`, `"NULL" "2"`, `"0.5" "1"`}},
		{ValuesQuery{Table: "customers", Column: "name", Search: "TREAS"}, []string{`"Beta Treasury" "1"`}},
		{ValuesQuery{Table: "customers", Column: "since", Search: "2020-"}, []string{`"2020-01-01" "1"`}},
		{ValuesQuery{Table: "balances", Column: "kind", Search: "Z"}, []string{`"z" "2"`}},
		{ValuesQuery{Table: "balances", Column: "note", Search: "%"}, nil},
	} {
		f, err := catalogtest.Run(t.Context())(s.Values(test.query))
		if err != nil {
			t.Errorf("%+v: %v", test.query, err)
			continue
		}
		truncated := test.query.Limit == 1
		if rows := cells(t, f); !slices.Equal(rows, test.want) || f.Meta.Tabular.Truncated != truncated {
			t.Errorf("%+v: %q, want %q; %+v", test.query, rows, test.want, f.Meta.Tabular)
		}
		if f.Fields[0].Key != "value" || f.Fields[1].Key != "count" || f.Fields[1].Type != contracts.TypeInteger {
			t.Errorf("fields %+v", f.Fields)
		}
	}
	for column, location := range map[string]string{"tags": "path.column", "nam": "path.column"} {
		if _, err := catalogtest.Run(t.Context())(s.Values(ValuesQuery{Table: "customers", Column: column})); err == nil || contracts.AsError(err).Issues[0].Location != location {
			t.Errorf("values of %s: %v", column, err)
		}
	}
	if _, err := catalogtest.Run(t.Context())(s.Values(ValuesQuery{Table: "customers", Column: "name", Limit: MostValues + 1})); err == nil {
		t.Error("no bound")
	}
}

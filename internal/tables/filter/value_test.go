package filter

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"framehouse/internal/catalog"
	"framehouse/internal/catalog/catalogtest"
	"framehouse/internal/contracts"
	"framehouse/internal/store"
	"framehouse/internal/store/sql"
	"framehouse/internal/store/storetest"
)

// texts is a table with texts under their numbers, written without the code under test.
func texts(t *testing.T, values []string) (*store.Store, *catalog.Table) {
	t.Helper()
	database := storetest.Database(t)
	storetest.Exec(t, database, "CREATE TABLE texts (id UInt32, v String) ORDER BY id")
	var rows []string
	for i, v := range values {
		rows = append(rows, fmt.Sprintf("(%d, unhex('%x'))", i, v))
	}
	storetest.Exec(t, database, "INSERT INTO texts SELECT * FROM VALUES('id UInt32, v String', "+strings.Join(rows, ", ")+")")
	s, live := catalogtest.Load(t, database, "tables: {texts: {key: [id]}}")
	current, err := live.Current()
	if err != nil {
		t.Fatal(err)
	}
	return s, current.Tables[0]
}

// ids are the rows that a filter finds.
func ids(t *testing.T, s *store.Store, table *catalog.Table, e Expr) ([]int, error) {
	t.Helper()
	conditions, err := Compile(table, e)
	if err != nil {
		return nil, err
	}
	query := table.Read()
	query.Columns = []sql.Column{{Expr: sql.Call("toString", sql.Ref{Table: catalog.Alias, Column: "id"}), As: "id"}}
	query.Where = conditions
	query.OrderBy = []sql.Order{{Expr: sql.Ref{Table: catalog.Alias, Column: "id"}}}
	records, err := s.Query(t.Context(), query.Build())
	if err != nil {
		return nil, err
	}
	rows, err := contracts.Rows[struct{ ID string }](contracts.NewFrame([]contracts.Field{{Key: "id", Type: contracts.TypeString}}, records, contracts.NoLimit))
	var all []int
	for _, r := range rows {
		id, _ := strconv.Atoi(r.ID)
		all = append(all, id)
	}
	return all, err
}

// Whatever a text holds, every operator compares exactly it, alone and in a list.
func TestHostileText(t *testing.T) {
	t.Parallel()
	values := []string{
		"", "plain", "line\nbreak", "tab\there", `back\slash`, `\`, `\\`, `\'`, "'", "''", `"`, "`", "nul\x00nul", "\x00", "\b\f\r\v", "𝄞😀", "e\u0301", "\u202e", "\ufeff", "\xff\xfe", "a\xffb", "\xc0\xaf",
		`\N`, `\n`, `\x41`, "NULL", "null", "[1,2]", "['a']", "']", "a','b", "{p0:String}", "{p0:Array(String)}", "' OR 1=1 --", "'); DROP TABLE texts; --", "%", "_", `50%_\`, "/* */", "--", ";", "\u2028", "é", "É", "ß", strings.Repeat("x", 100_000),
	}
	s, table := texts(t, values)
	v := Text("v")
	for i, value := range values {
		exactly := func(name string, e Expr, want ...int) {
			t.Helper()
			got, err := ids(t, s, table, e)
			if err != nil || fmt.Sprint(got) != fmt.Sprint(want) {
				t.Errorf("%s of %.30q finds %v, want %v: %v", name, value, got, want, err)
			}
		}
		var parts, begins, ends, less []int
		for j, other := range values {
			if strings.Contains(other, value) {
				parts = append(parts, j)
			}
			if strings.HasPrefix(other, value) {
				begins = append(begins, j)
			}
			if strings.HasSuffix(other, value) {
				ends = append(ends, j)
			}
			if other < value {
				less = append(less, j)
			}
		}
		exactly("eq", v.Eq(value), i)
		exactly("not ne", Not{v.Ne(value)}, i)
		exactly("in", v.In(value, "absent"), i)
		exactly("not nin", Not{v.NotIn("absent", value, "'")}, map[bool][]int{true: {i}, false: {min(i, 8), max(i, 8)}}[i == 8]...)
		exactly("between", v.Between(value, value), i)
		exactly("lt", v.Lt(value), less...)
		exactly("contains", v.Contains(value), parts...)
		exactly("startswith", v.StartsWith(value), begins...)
		exactly("endswith", v.EndsWith(value), ends...)
		if pattern := strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(value); len(pattern) <= longestPattern && strings.ToValidUTF8(value, "") == value {
			exactly("like", v.Like(pattern), i)
		}
		for name, e := range map[string]Expr{"ieq": v.IEq(value), "icontains": v.IContains(value), "istartswith": v.IStartsWith(value), "iendswith": v.IEndsWith(value)} {
			if got, err := ids(t, s, table, e); err != nil || !strings.Contains(fmt.Sprint(" ", got, " "), strconv.Itoa(i)) {
				t.Errorf("%s of %.30q finds %v: %v", name, value, got, err)
			}
		}
	}
	// Beyond what ClickHouse reads the request is refused, as such.
	huge := strings.Repeat("'", 1<<20)
	for _, e := range []Expr{v.Eq(huge), v.In(huge, "a"), v.Contains(huge), v.Like(huge), v.ILike(huge)} {
		if _, err := ids(t, s, table, e); err == nil || contracts.AsError(err).Code != contracts.CodeInvalidRequest {
			t.Errorf("%s with a megabyte: %v", e.(Condition).Operator, err)
		}
	}
}

// A list may be longer than ClickHouse has parameters for.
func TestLongList(t *testing.T) {
	t.Parallel()
	s, table := texts(t, []string{"value 0", "value 5000'\\", "value 9999", "other"})
	values := make([]string, mostItems)
	for i := range values {
		values[i] = fmt.Sprintf("value %d", i)
	}
	values[5000] = "value 5000'\\"
	for want, e := range map[string]Expr{"[0 1 2]": Text("v").In(values...), "[3]": Text("v").NotIn(values...)} {
		if got, err := ids(t, s, table, e); err != nil || fmt.Sprint(got) != want {
			t.Errorf("%v, want %v: %v", got, want, err)
		}
	}
}

// What is one letter to a reader is one to a filter that does not tell capital letters from
// small ones.
func TestFold(t *testing.T) {
	t.Parallel()
	values := []string{"Straße", "STRASSE", "GROẞ", "groß", "ΟΔΟΣ", "οδος", "οδοσ", "İstanbul", "istanbul", "ISTANBUL", "ıstanbul", "Ǆ", "ǆ", "\u212a", "k", "éA", "Éa", "I\xffi"}
	s, table := texts(t, values)
	v := Text("v")
	for _, test := range []struct {
		e    Expr
		want string
	}{
		{v.IEq("strasse"), "[0 1]"},
		{v.IContains("ß"), "[0 1 2 3]"},
		{v.IEndsWith("OSS"), "[2 3]"},
		{v.IContains("ς"), "[4 5 6]"},
		{v.IEq("Οδος"), "[4 5 6]"},
		{v.ILike("ο_οσ"), "[4 5 6]"},
		{v.ILike("stra__e"), "[0 1]"},         // ß counts as two letters
		{v.IEq("istanbul"), "[8 9 10]"},       // the dotless ı is an I,
		{v.IEq("İSTANBUL"), "[7]"},            // and the dotted İ one with a dot
		{v.IStartsWith("i"), "[7 8 9 10 17]"}, // so that it begins with an I
		{v.IContains("Ǆ"), "[11 12]"},
		{v.IEq("K"), "[13 14]"}, // also the sign for kelvin
		{v.IEq("ÉA"), "[15 16]"},
		{v.IEq("i\xffI"), "[17]"}, // bytes that are no text are themselves
	} {
		if got, err := ids(t, s, table, test.e); err != nil || fmt.Sprint(got) != test.want {
			t.Errorf("%s finds %v, want %s: %v", text(test.e), got, test.want, err)
		}
	}
}

// Of each type a value finds itself, alone, in a list and as a range, and the bounds of a range
// are held in the order of the type.
func TestTypes(t *testing.T) {
	t.Parallel()
	for typ, values := range map[string][3]string{ // in their order
		"Bool": {"false", "true", ""}, "UUID": {"00000000-0000-0000-0000-000000000001", "61f0c404-5cb3-11e7-907b-a6006ad3dba0", ""},
		"Int8": {"-128", "0", "127"}, "Int16": {"-32768", "-1", "1"}, "Int32": {"-10", "-9", "10"}, "Int64": {"-9223372036854775808", "0", "9223372036854775807"},
		"Int128": {"-170141183460469231731687303715884105728", "0", "7"}, "Int256": {"-1", "0", "57896044618658097711785492504343953926634992332820282019728792003956564819967"},
		"UInt8": {"0", "9", "255"}, "UInt16": {"0", "9", "10"}, "UInt32": {"0", "9", "10"}, "UInt64": {"0", "9", "18446744073709551615"},
		"UInt128": {"0", "9", "340282366920938463463374607431768211455"}, "UInt256": {"0", "9", "10"},
		"Float32": {"-1e10", "0.1", "1e30"}, "Float64": {"-1e300", "0.001", "0.1"}, "BFloat16": {"-1", "0.5", "2"},
		"Decimal(9, 2)": {"-10.00", "-9.99", "0.10"}, "Decimal(38, 10)": {"-1234567890123456789012345678.0123456789", "0", "9"}, "Decimal(76, 2)": {"-1", "2", "10"},
		"String": {"", "10", "9"}, "FixedString(3)": {"a", "ab", "b"}, "LowCardinality(String)": {"10", "9", "a"}, "LowCardinality(Nullable(String))": {"10", "9", "a"}, "Nullable(String)": {"10", "9", "a"},
		"IPv4": {"9.0.0.1", "10.0.0.1", "200.0.0.1"}, "IPv6": {"1.2.3.4", "2001:db8::1", "fe80::1"}, "Nullable(IPv4)": {"9.0.0.1", "10.0.0.1", "200.0.0.1"},
		"Enum8('b' = 1, 'a' = 2, 'it''s' = 3)": {"b", "a", "it's"}, "Nullable(Enum16('x' = -5, 'y' = 300))": {"x", "y", ""},
		"Date": {"1970-01-02", "2026-03-31", "2149-06-06"}, "Date32": {"1900-01-01", "1969-12-31", "2299-12-31"},
		"DateTime": {"1970-01-01T00:00:01Z", "2026-03-31T09:30:00Z", "2106-02-07T06:28:15Z"}, "DateTime('America/New_York')": {"2026-03-08T06:59:59Z", "2026-03-08T07:00:00Z", "2026-11-01T06:30:00Z"},
		"DateTime64(3)": {"1900-01-01T00:00:00Z", "2026-03-31T09:30:00.123Z", "2299-12-31T23:59:59.999Z"}, "DateTime64(9, 'Asia/Tokyo')": {"1969-12-31T23:59:59.999999999Z", "2026-03-31T09:30:00.123456789Z", "2262-04-11T23:47:16.854775806Z"},
		"SimpleAggregateFunction(max, UInt32)": {"0", "9", "10"},
	} {
		t.Run(typ, func(t *testing.T) {
			t.Parallel()
			list := values[:]
			if values[2] == "" {
				list = values[:2]
			}
			database := storetest.Database(t)
			storetest.Exec(t, database, "CREATE TABLE typed (id UInt32, v "+typ+") ORDER BY id")
			for i, v := range list {
				storetest.Exec(t, database, fmt.Sprintf("INSERT INTO typed SETTINGS date_time_input_format = 'best_effort' FORMAT JSONEachRow\n{\"id\": %d, \"v\": %s}", i, map[bool]string{true: v, false: strconv.Quote(v)}[typ == "Bool"]))
			}
			s, live := catalogtest.Load(t, database, "tables: {typed: {key: [id]}}")
			current, err := live.Current()
			if err != nil {
				t.Fatal(err)
			}
			table := current.Tables[0]
			operators := catalog.Operators(table.Column("v").Type)
			for i, v := range list {
				for _, o := range operators {
					c := Condition{Column: "v", Operator: o, Values: []string{v}}
					want := []int{i}
					switch o {
					case catalog.Equal:
					case catalog.In:
						c.Values = []string{v, list[0], v}
						if i > 0 {
							want = []int{0, i}
						}
					case catalog.NotIn:
						c.Values = list
						want = nil
					case catalog.Between:
						c.Values = []string{list[0], v}
						want = []int{0, 1, 2}[:i+1]
						if _, err := ids(t, s, table, Condition{Column: "v", Operator: o, Values: []string{v, list[0]}}); i > 0 && err == nil {
							t.Errorf("between %s and %s has its ends the right way round", v, list[0])
						}
					case catalog.GreaterOrEqual:
						want = []int{0, 1, 2}[i:len(list)]
					default:
						continue
					}
					if got, err := ids(t, s, table, c); err != nil || fmt.Sprint(got) != fmt.Sprint(want) {
						t.Errorf("%s finds %v, want %v: %v", text(c), got, want, err)
					}
				}
			}
		})
	}
}

package catalog

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"framehouse/internal/contracts"
	"framehouse/internal/contracts/contracttest"
	"framehouse/internal/store"
	"framehouse/internal/store/sql"
	"framehouse/internal/store/storetest"
)

// typeTest puts values into a column of a type, in order, and says what a frame holds.
type typeTest struct {
	typ    string
	field  contracts.FieldType
	native bool   // whether the field may show the type
	values string // as ClickHouse reads them in a VALUES list, each in parentheses by the test
	want   string // the cells in JSON
}

var typeTests = []typeTest{
	{"Int8", "integer", true, "-128|0|127", "-128|0|127"},
	{"Int16", "integer", true, "-32768|32767", "-32768|32767"},
	{"Int32", "integer", true, "-2147483648|2147483647", "-2147483648|2147483647"},
	{"Int64", "string", false, "-9223372036854775808|9007199254740993|9223372036854775807", `"-9223372036854775808"|"9007199254740993"|"9223372036854775807"`},
	{"Int128", "string", false, "-170141183460469231731687303715884105728|170141183460469231731687303715884105727", `"-170141183460469231731687303715884105728"|"170141183460469231731687303715884105727"`},
	{"Int256", "string", false, "'-57896044618658097711785492504343953926634992332820282019728792003956564819968'|'57896044618658097711785492504343953926634992332820282019728792003956564819967'", `"-57896044618658097711785492504343953926634992332820282019728792003956564819968"|"57896044618658097711785492504343953926634992332820282019728792003956564819967"`},
	{"UInt8", "integer", true, "0|255", "0|255"},
	{"UInt16", "integer", true, "0|65535", "0|65535"},
	{"UInt32", "integer", true, "0|4294967295", "0|4294967295"},
	{"UInt64", "string", false, "0|18446744073709551615", `"0"|"18446744073709551615"`},
	{"UInt128", "string", false, "'340282366920938463463374607431768211455'", `"340282366920938463463374607431768211455"`},
	{"UInt256", "string", false, "'115792089237316195423570985008687907853269984665640564039457584007913129639935'", `"115792089237316195423570985008687907853269984665640564039457584007913129639935"`},
	{"Nullable(UInt64)", "string", false, "NULL|18446744073709551615", `null|"18446744073709551615"`},
	{"Float32", "number", true, "0.1|-0.0|3.4028235e38|1e-45|nan|inf", "0.1|-0.0|3.4028235e+38|1e-45|null|null"},
	{"Float64", "number", true, "0.1|1.7976931348623157e308|5e-324|-0.0|nan|-inf|1234.5", "0.1|1.7976931348623157e+308|5e-324|-0.0|null|null|1234.5"},
	{"BFloat16", "number", true, "1.5|-0.0078125|nan", "1.5|-0.0078125|null"},
	{"Nullable(Float64)", "number", true, "NULL|1.25", "null|1.25"},
	{"Bool", "boolean", true, "true|false", "true|false"},
	{"Nullable(Bool)", "boolean", true, "true|NULL", "true|null"},
	{"Decimal(9, 2)", "number", true, "'-9999999.99'|'0.01'|'1.5'|'0'", "-9999999.99|0.01|1.50|0.00"},
	{"Decimal(18, 18)", "number", true, "'-0.999999999999999999'|'0.000000000000000001'", "-0.999999999999999999|0.000000000000000001"},
	{"Decimal(38, 10)", "number", true, "'-9999999999999999999999999999.9999999999'|'0.0000000001'", "-9999999999999999999999999999.9999999999|0.0000000001"},
	{"Decimal(38, 0)", "number", true, "'99999999999999999999999999999999999999'", "99999999999999999999999999999999999999"},
	{"Decimal(76, 0)", "string", false, "'9999999999999999999999999999999999999999999999999999999999999999999999999999'", `"9999999999999999999999999999999999999999999999999999999999999999999999999999"`},
	{"Decimal(76, 38)", "string", false, "'-99999999999999999999999999999999999999.99999999999999999999999999999999999999'", `"-99999999999999999999999999999999999999.99999999999999999999999999999999999999"`},
	{"Nullable(Decimal(18, 4))", "number", true, "NULL|'1.25'", "null|1.2500"},
	{"String", "string", true, `''|'a"b\\c'|'é𝄞'|'a\tb\nc\0d'|'\xff'`, `""|"a\"b\\c"|"é𝄞"|"a\tb\nc\u0000d"|"` + "\uFFFD" + `"`},
	{"Nullable(String)", "string", true, "NULL|''", `null|""`},
	{"LowCardinality(String)", "string", true, "'a'|'b'|'a'", `"a"|"b"|"a"`},
	{"LowCardinality(Nullable(String))", "string", true, "'a'|NULL|''|'a'", `"a"|null|""|"a"`},
	{"LowCardinality(FixedString(3))", "string", true, "'abc'|'de'", `"abc"|"de"`},
	{"FixedString(4)", "string", true, "'abcd'|'ab'", `"abcd"|"ab"`},
	{"UUID", "string", true, "'61f0c404-5cb3-11e7-907b-a6006ad3dba0'|'00000000-0000-0000-0000-000000000000'", `"61f0c404-5cb3-11e7-907b-a6006ad3dba0"|"00000000-0000-0000-0000-000000000000"`},
	{"IPv4", "string", true, "'255.1.2.3'|'0.0.0.0'", `"255.1.2.3"|"0.0.0.0"`},
	{"IPv6", "string", true, "'2001:db8::1'|'::ffff:1.2.3.4'|'::'", `"2001:db8::1"|"::ffff:1.2.3.4"|"::"`},
	{`Enum8('' = -128, 'it\'s' = 0, 'a, b)' = 127)`, "string", true, `''|'it\'s'|'a, b)'`, `""|"it's"|"a, b)"`},
	{`Enum16('x\\y' = -1, 'tab\t' = 30000)`, "string", true, `'x\\y'|'tab\t'`, `"x\\y"|"tab\t"`},
	{"Date", "date", true, "'1970-01-01'|'2149-06-06'", `"1970-01-01"|"2149-06-06"`},
	{"Date32", "date", true, "'1900-01-01'|'1969-12-31'|'2299-12-31'", `"1900-01-01"|"1969-12-31"|"2299-12-31"`},
	{"Nullable(Date)", "date", true, "NULL|'2026-03-31'", `null|"2026-03-31"`},
	{"DateTime", "datetime", true, "0|4294967295", `"1970-01-01T00:00:00Z"|"2106-02-07T06:28:15Z"`},
	{"DateTime('Europe/Berlin')", "datetime", true, "'2026-07-01 12:00:00'|'2026-10-25 03:00:00'", `"2026-07-01T10:00:00Z"|"2026-10-25T02:00:00Z"`},
	{"Nullable(DateTime('Asia/Kolkata'))", "datetime", true, "NULL|'2026-07-01 12:00:00'", `null|"2026-07-01T06:30:00Z"`},
	{"LowCardinality(DateTime)", "datetime", true, "0|1|0", `"1970-01-01T00:00:00Z"|"1970-01-01T00:00:01Z"|"1970-01-01T00:00:00Z"`},
	{"DateTime64(0)", "datetime", true, "'1900-01-01 00:00:00'|'2299-12-31 23:59:59'", `"1900-01-01T00:00:00Z"|"2299-12-31T23:59:59Z"`},
	{"DateTime64(3, 'America/New_York')", "datetime", true, "'2026-01-02 09:30:00.001'|'1969-12-31 18:59:59.999'", `"2026-01-02T14:30:00.001Z"|"1969-12-31T23:59:59.999Z"`},
	{"DateTime64(6)", "datetime", true, "'2026-01-02 09:30:00.000001'", `"2026-01-02T09:30:00.000001Z"`},
	{"DateTime64(9)", "datetime", true, "'2026-01-02 09:30:00.123456789'|'2262-04-11 23:47:16.854775806'", `"2026-01-02T09:30:00.123456789Z"|"2262-04-11T23:47:16.854775806Z"`},
	{"DateTime64(1)", "datetime", true, "'2026-01-02 09:30:00.5'", `"2026-01-02T09:30:00.500Z"`},
	{"DateTime64(7)", "datetime", true, "'2026-01-02 09:30:00.1234567'", `"2026-01-02T09:30:00.123456700Z"`},
	{"Time", "time", false, "'00:00:00'|'-01:02:03'|'999:59:59'", `"00:00:00"|"-01:02:03"|"999:59:59"`},
	{"Time64(3)", "string", false, "'12:00:00.123'|'-100:00:00.001'", `"12:00:00.123"|"-100:00:00.001"`},
	{"SimpleAggregateFunction(sum, UInt64)", "string", false, "18446744073709551615", `"18446744073709551615"`},
	{"Array(UInt64)", "json", false, "[]|[18446744073709551615, 0]", `[]|["18446744073709551615","0"]`},
	{"Array(Float64)", "json", false, "[0.1, nan, inf]", "[0.1,null,null]"},
	{"Array(Nullable(String))", "json", false, `['a"b', NULL]|['\xff']`, `["a\"b",null]|["` + "\uFFFD" + `"]`},
	{"Array(Decimal(20, 2))", "json", false, "['123456789012345678.90']", `["123456789012345678.9"]`},
	{"Array(DateTime('Asia/Tokyo'))", "json", false, "['2026-01-01 09:00:00']", `["2026-01-01T00:00:00Z"]`},
	{"Array(DateTime64(3, 'Asia/Tokyo'))", "json", false, "['2026-01-01 09:00:00.001']", `["2026-01-01T00:00:00.001Z"]`},
	{"Map(String, Int128)", "json", false, "{'a': -170141183460469231731687303715884105728}", `{"a":"-170141183460469231731687303715884105728"}`},
	{"Tuple(a Int8, `b c` Nullable(String))", "json", false, "(1, NULL)", `{"a":1,"b c":null}`},
	{"Tuple(Int8, String)", "json", false, "(1, 'x')", `[1,"x"]`},
	{"Nested(a UInt8, b String)", "json", false, "[(1, 'x'), (2, 'y')]", `[{"a":1,"b":"x"},{"a":2,"b":"y"}]`},
	{"JSON", "json", false, `'{"a":{"b":[1,null]},"c":9223372036854775807}'|'{}'`, `{"a":{"b":["1",null]},"c":"9223372036854775807"}|{}`},
	{"Dynamic", "json", false, "42::Int64|'x'|NULL|[1]::Array(Int8)", `"42"|"x"|null|[1]`},
	{"Variant(UInt64, String)", "json", false, "18446744073709551615::UInt64|'x'|NULL", `"18446744073709551615"|"x"|null`},
	{"Point", "json", false, "(1.5, -2)", "[1.5,-2]"},
	{"Ring", "json", false, "[(0, 0), (1, 1)]", "[[0,0],[1,1]]"},
}

func TestTypes(t *testing.T) {
	t.Parallel()
	database := storetest.Database(t)
	db := open(t, database)
	for i, test := range typeTests {
		t.Run(test.typ, func(t *testing.T) {
			table := fmt.Sprintf("t%d", i)
			storetest.Exec(t, database, "CREATE TABLE "+table+" (i UInt8, v "+test.typ+") ENGINE = MergeTree ORDER BY i"+
				" SETTINGS flatten_nested = 0, allow_suspicious_low_cardinality_types = 1")
			rows := strings.Split(test.values, "|")
			for i, value := range rows {
				rows[i] = fmt.Sprintf("(%d, %s)", i, value)
			}
			storetest.Exec(t, database, "INSERT INTO "+table+" VALUES "+strings.Join(rows, ", "))

			c := load(t, db, "tables: {"+table+": {}}")
			if len(c.Faults) > 0 {
				t.Fatal(c.Faults)
			}
			field := c.Tables[0].Column("v").Field()
			if field.Type != test.field || (field.NativeType != "") != test.native {
				t.Errorf("the field is %+v", field)
			}
			got := strings.Join(cells(t, db, c.Tables[0], "v"), "|")
			if got != test.want {
				t.Errorf("\n got %s\nwant %s", got, test.want)
			}
			if strings.Contains("|"+got+"|", "|null|") && !field.Nullable {
				t.Error("a cell is null, but the field says that none can be")
			}
			findsItself(t, db, c.Tables[0])
		})
	}
}

// findsItself makes sure that what a client reads in a cell is what finds it: alone, and
// among other values. A text that had to be mended, and what is null, are not there.
func findsItself(t *testing.T, db *store.Store, table *Table) {
	t.Helper()
	all := cells(t, db, table, "v")
	for _, cell := range all {
		text := cell
		if cell[0] == '"' {
			if err := json.Unmarshal([]byte(cell), &text); err != nil {
				t.Fatal(err)
			}
		}
		if !table.Column("v").Type.Comparable() {
			if _, err := table.Column("v").Type.Literal(text); err == nil {
				t.Errorf("%s can be compared with", text)
			}
			continue
		}
		if cell == "null" || strings.Contains(cell, "\uFFFD") {
			continue
		}
		for _, values := range [][]string{{text}, {text, text}} {
			where := sql.In{Expr: table.Column("v").Ref()}
			for _, v := range values {
				value, err := table.Column("v").Type.Literal(v)
				if err != nil {
					t.Errorf("%q, which a cell holds: %v", text, err)
					continue
				}
				where.Values = append(where.Values, value)
			}
			got := cells(t, db, table, "v", where)
			if !slices.Contains(got, cell) || slices.ContainsFunc(got, func(c string) bool { return c != cell }) {
				t.Errorf("%d times %q finds %s", len(values), text, got)
			}
		}
	}
}

// cells reads a column of the rows that satisfy the conditions, as JSON.
func cells(t *testing.T, db *store.Store, table *Table, column string, where ...sql.Expr) []string {
	t.Helper()
	query := sql.Select{
		Columns: Selection(table.Columns), From: table.Source, Alias: Alias, Where: where,
		OrderBy: []sql.Order{{Expr: table.Columns[0].Ref()}},
	}
	records, err := db.Query(t.Context(), query.Build())
	if err != nil {
		t.Fatal(err)
	}
	frame := contracts.NewFrame(Fields(table.Columns), records, contracts.NoLimit)
	defer frame.Close()
	frame.Source.Kind = "clickhouse"
	var document bytes.Buffer
	if err := (contracts.JSON{}).Encode(&document, frame); err != nil {
		t.Fatal(err)
	}
	if !utf8.Valid(document.Bytes()) {
		t.Errorf("not UTF-8: %q", document.String())
	}
	var decoded struct{ Rows []map[string]json.RawMessage }
	if err := json.Unmarshal(document.Bytes(), &decoded); err != nil {
		t.Fatalf("%v: %s", err, document.String())
	}
	texts := []string{}
	for _, row := range decoded.Rows {
		texts = append(texts, string(row[column]))
	}
	t.Run("contract", func(t *testing.T) { contracttest.Validate(t, contracttest.TabularFrame, document.Bytes()) })
	return texts
}

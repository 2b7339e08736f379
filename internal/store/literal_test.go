package store

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"framehouse/internal/contracts"
	"framehouse/internal/store/sql"
	"framehouse/internal/store/storetest"
)

func parsed(t *testing.T, text string) Type {
	t.Helper()
	typ, err := ParseType(text)
	if err != nil {
		t.Fatal(err)
	}
	return typ
}

// A text is either refused with a reason, or finds the row that holds its value.
func TestLiteral(t *testing.T) {
	t.Parallel()
	nines := strings.Repeat("9", 76)
	tests := []struct {
		typ      string
		accepted []string // each equals the value
		value    string   // in SQL
		refused  []string
		reason   string // part of what each refused is told
	}{
		{"Int8", []string{"-128", "-0128"}, "-128", []string{"", " 1", "1 ", "128", "-129", "1.0", "1e2", "0x1", "1_0", "--1", "٣", strings.Repeat("0", 100)}, "from -128 to 127"},
		{"UInt8", []string{"0", "-0", "+0"}, "0", []string{"-1", "256", "a"}, "from 0 to 255"},
		{"Int64", []string{"-9223372036854775808"}, "-9223372036854775808", []string{"9223372036854775808"}, "to 9223372036854775807"},
		{"UInt64", []string{"18446744073709551615"}, "18446744073709551615", []string{"18446744073709551616"}, "whole number"},
		{"Int256", []string{"-57896044618658097711785492504343953926634992332820282019728792003956564819968"}, "'-57896044618658097711785492504343953926634992332820282019728792003956564819968'", []string{"1e3"}, "whole number"},
		{"UInt256", []string{"115792089237316195423570985008687907853269984665640564039457584007913129639935"}, "'115792089237316195423570985008687907853269984665640564039457584007913129639935'", []string{"115792089237316195423570985008687907853269984665640564039457584007913129639936"}, "whole number"},
		{"Float64", []string{"0.1", ".1", "1e-1", "0.10000000000000000555"}, "0.1", []string{"", "nan", "inf", "-Infinity", "1e999", "0x1p-2", "1_0", "1,5"}, "must be a number"},
		{"Float32", []string{"0.1", "0.100000001"}, "0.1", []string{"1e39"}, "must be a number"},
		{"BFloat16", []string{"1.5"}, "1.5", []string{"x"}, "must be a number"},
		{"Bool", []string{"true"}, "true", []string{"", "1", "TRUE", "yes"}, "true or false"},
		{"Decimal(9, 2)", []string{"1.5", "+1.5", "1.50", "1.500000000000", "001.5"}, "'1.5'", []string{"", ".", "-", "1.555", "12345678.0", "1e2", "1,5", " 1", "1.5.5"}, "7 digits before the point and 2 after"},
		{"Decimal(9, 2)", []string{"0", "-0", "0.", ".0", "00.00"}, "0", nil, ""},
		{"Decimal(9, 2)", []string{"-0.05", "-.05"}, "'-0.05'", nil, ""},
		{"Decimal(9, 0)", []string{"7", "7.", "7.000"}, "7", []string{"7.1"}, "9 digits before the point and 0 after"},
		{"Decimal(76, 0)", []string{nines, nines + ".0"}, "'" + nines + "'", []string{nines + "9"}, "76 digits"},
		{"Decimal(76, 76)", []string{"-0." + nines, "-." + nines}, "'-0." + nines + "'", []string{"1"}, "76 after"},
		{"FixedString(3)", []string{"ab"}, "'ab'", nil, ""},
		{"UUID", []string{"61f0c404-5cb3-11e7-907b-a6006ad3dba0", "61F0C404-5CB3-11E7-907B-A6006AD3DBA0"}, "'61f0c404-5cb3-11e7-907b-a6006ad3dba0'", []string{"", "61f0c4045cb311e7907ba6006ad3dba0", "{61f0c404-5cb3-11e7-907b-a6006ad3dba0}", "61f0c404-5cb3-11e7-907b-a6006ad3dba0\n"}, "must be a UUID"},
		{"IPv4", []string{"10.0.0.1"}, "'10.0.0.1'", []string{"", "10.0.0", "10.0.0.256", "010.0.0.1", "::1", "::ffff:10.0.0.1", "10.0.0.1/8"}, "IPv4 address"},
		{"IPv6", []string{"2001:db8::1", "2001:0DB8:0:0::1"}, "'2001:db8::1'", []string{"", "2001:db8::g", "fe80::1%eth0", "[::1]"}, "IPv6 address"},
		{"IPv6", []string{"::ffff:10.0.0.1", "10.0.0.1"}, "'::ffff:10.0.0.1'", nil, ""},
		{"Enum8('red' = 1, 'green' = 2)", []string{"red"}, "'red'", []string{"", "1", "Red", "blue"}, "must be one of red, green"},
		{"Date", []string{"2026-03-31", "2026-03-31T00:00:00Z", "2026-03-31T02:00:00+02:00"}, "'2026-03-31'", []string{"", "31.3.2026", "2026-02-30", "20260331", "now"}, "a date such as"},
		{"Date", []string{"2149-06-06"}, "'2149-06-06'", []string{"2149-06-07", "1969-12-31"}, "between 1970-01-01 and 2149-06-06"},
		{"Date", []string{"1970-01-01"}, "'1970-01-01'", []string{"2026-03-31T00:00:01Z"}, "finer than the column, which holds days"},
		{"Date32", []string{"1900-01-01"}, "'1900-01-01'", []string{"1899-12-31", "2300-01-01"}, "between 1900-01-01 and 2299-12-31"},
		{"DateTime('Europe/Berlin')", []string{"2026-07-01T10:00:00Z", "2026-07-01T12:00:00+02:00"}, "'2026-07-01 12:00:00'", []string{"2026-07-01 12:00:00", "1782900000", "2026-07-01T10:00:00"}, "an instant such as"},
		{"DateTime", []string{"2106-02-07T06:28:15Z"}, "4294967295", []string{"2106-02-07T06:28:16Z", "1969-12-31T23:59:59Z"}, "between 1970-01-01 00:00:00 and 2106-02-07 06:28:15"},
		{"DateTime", []string{"1970-01-01"}, "0", []string{"1970-01-01T00:00:00.5Z"}, "which holds seconds"},
		{"DateTime64(3)", []string{"1969-12-31T23:59:59.999Z", "1969-12-31T23:59:59.999000Z"}, "'1969-12-31 23:59:59.999'", []string{"1969-12-31T23:59:59.9999Z"}, "3 digits after the second"},
		{"DateTime64(9)", []string{"2026-01-01T00:00:00.1234567890Z", "2026-01-01T01:00:00.12345678900+01:00"}, "'2026-01-01 00:00:00.123456789'", []string{"2026-01-01T00:00:00.1234567891Z", "2026-01-01T00:00:00.0000000001+01:00", "2026-01-01T9:00:00.1234567891Z"}, ""},
		{"DateTime64(9)", []string{"2026-01-01T09:00:00Z"}, "'2026-01-01 09:00:00.000000000'", []string{"2026-01-01T09:00:00.1234567891Z"}, "more than nine digits"},
		{"DateTime64(9)", []string{"2026-01-01T09:00:00Z"}, "'2026-01-01 09:00:00.000000000'", []string{"2026-01-01T09:00:00,1234567891Z", "2026-01-01T9:00:00Z", "2026-01-01T09:00:00,5Z"}, "must be an instant"},
		{"DateTime64(9)", []string{"2262-04-11T23:47:16.854775806Z"}, "'2262-04-11 23:47:16.854775806'", []string{"2262-04-11T23:47:17Z", "1899-12-31T23:59:59Z"}, "must lie between"},
		{"DateTime64(0)", []string{"2299-12-31T23:59:59Z"}, "'2299-12-31 23:59:59'", []string{"2300-01-01"}, "must lie between"},
		{"Array(Int8)", nil, "[1]", []string{"[1]"}, "cannot be compared"},
		{"Time", nil, "'00:00:00'", []string{"00:00:00"}, "cannot be compared"},
	}
	database := storetest.Database(t)
	s := open(t, Config{Server: server(t, database)})
	for i, test := range tests {
		t.Run(fmt.Sprintf("%s %.20s", test.typ, test.value), func(t *testing.T) {
			typ := parsed(t, test.typ)
			for _, text := range test.refused {
				if value, err := typ.Literal(text); err == nil || !strings.Contains(err.Error(), test.reason) {
					t.Errorf("%.50q: got %v, %v; want an error that says %q", text, value, err, test.reason)
				}
			}
			table := fmt.Sprintf("t%d", i)
			storetest.Exec(t, database, "CREATE TABLE "+table+" (v "+test.typ+") ENGINE = Memory")
			storetest.Exec(t, database, "INSERT INTO "+table+" VALUES ("+test.value+")")
			for _, text := range test.accepted {
				value, err := typ.Literal(text)
				if err != nil {
					t.Errorf("%.50q: %v", text, err)
					continue
				}
				if got := find(t, s, database, table, value); got != 1 {
					t.Errorf("%.50q finds %d rows as %.50q", text, got, value)
				}
			}
		})
	}
}

// find counts the rows of a table whose v equals a value.
func find(t *testing.T, s *Store, database, table string, values ...sql.Value) int64 {
	t.Helper()
	query := sql.Select{
		Columns: []sql.Column{{Expr: sql.Text("1"), As: "one"}}, From: sql.Table{Database: database, Name: table}, Alias: "t",
		Where: []sql.Expr{sql.In{Expr: sql.Ref{Table: "t", Column: "v"}, Values: values}},
	}
	records, err := s.Query(t.Context(), query.Build())
	if err != nil {
		t.Errorf("%.200q: %v", values, err)
		return -1
	}
	defer records.Close()
	rows := int64(0)
	for {
		record, err := records.Next()
		if record == nil {
			if !records.answer.ended {
				t.Error(err)
			}
			return rows
		}
		rows += record.NumRows()
	}
}

// Text reaches ClickHouse as it is, whatever it holds.
func TestLiteralText(t *testing.T) {
	t.Parallel()
	every := make([]byte, 128)
	for i := range every {
		every[i] = byte(i)
	}
	texts := []string{
		"", " ", "a b", "\t", "\n", "\r\n", "\\", `\n`, `\\`, `\N`, `\x41`, "'", "''", `"`, "`", "\x00", "a\x00b", "\b\f\v\a\x1b", "\x7f",
		"é", "𝄞", "\u2028\ufeff", "%27", "%00", "+", "&param_p0=x", "a=b&c", "{p0:String}", "NULL", "'; DROP TABLE t; --", "?", "$1", "@p0", ":p",
		strings.Repeat("x", 100_000), strings.Repeat("\\\n'\x00", 5_000), string(every), "\xff\xfe",
	}
	database := storetest.Database(t)
	s := open(t, Config{Server: server(t, database)})
	storetest.Exec(t, database, "CREATE TABLE t (i UInt64, v String) ENGINE = Memory")
	for i, text := range texts {
		storetest.Exec(t, database, fmt.Sprintf("INSERT INTO t SELECT %d, unhex('%x')", i, text))
	}
	typ := parsed(t, "String")
	for _, text := range texts {
		value, err := typ.Literal(text)
		if err != nil {
			t.Fatal(err)
		}
		other, err := typ.Literal(text + "!")
		if err != nil {
			t.Fatal(err)
		}
		if got := find(t, s, database, "t", value); got != 1 {
			t.Errorf("%.50q finds %d rows", text, got)
		}
		if got := find(t, s, database, "t", value, other); got != 1 {
			t.Errorf("%.50q among two finds %d rows", text, got)
		}
	}
	for i, text := range texts {
		got, err := firstColumn(t.Context(), s, sql.Select{
			Columns: []sql.Column{{Expr: sql.Value{Type: "String", Text: text}, As: "v"}}, From: sql.Table{Database: "system", Name: "one"},
		}.Build())
		if err != nil || len(got) != 1 || got[0] != text {
			t.Errorf("text %d, %.50q, comes back as %.50q, %v", i, text, got, err)
		}
	}
}

// A float that was read from an answer is found again: both sides parse the same digits
// to the same bits.
func TestLiteralFloat(t *testing.T) {
	t.Parallel()
	s := open(t, Config{Server: server(t, "default")})
	typ := parsed(t, "Float64")
	random := rand.New(rand.NewPCG(3, 4))
	var columns []sql.Column
	var want []string
	for i := range 300 {
		v := math.Float64frombits(random.Uint64())
		if i%3 == 0 {
			v = float64(random.Int64N(1e12)) / 1e4
		}
		if math.IsNaN(v) || math.IsInf(v, 0) {
			continue
		}
		value, err := typ.Literal(fmt.Sprint(v))
		if err != nil {
			t.Fatal(err)
		}
		columns = append(columns, sql.Column{Expr: sql.Call("toString", sql.Call("reinterpretAsUInt64", value)), As: fmt.Sprint("c", i)})
		want = append(want, fmt.Sprint(math.Float64bits(v)))
	}
	array := sql.Call("arrayJoin", sql.Call("array", expressions(columns)...))
	got, err := firstColumn(t.Context(), s, sql.Select{Columns: []sql.Column{{Expr: array, As: "bits"}}, From: sql.Table{Database: "system", Name: "one"}}.Build())
	if err != nil {
		t.Fatal(err)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("%s arrives as bits %s", want[i], got[i])
		}
	}
}

func expressions(columns []sql.Column) []sql.Expr {
	exprs := make([]sql.Expr, len(columns))
	for i, c := range columns {
		exprs[i] = c.Expr
	}
	return exprs
}

func TestLiteralSuggests(t *testing.T) {
	t.Parallel()
	_, err := parsed(t, "Enum8('small' = 1, 'medium' = 2)").Literal("smal")
	if err == nil || !strings.Contains(err.Error(), `did you mean "small"?`) {
		t.Errorf("got %v", err)
	}
	var many []string
	for i := range 100 {
		many = append(many, fmt.Sprintf("'name%d' = %d", i, i))
	}
	if _, err = parsed(t, "Enum8("+strings.Join(many, ", ")+")").Literal("?"); err == nil || !strings.Contains(err.Error(), "and 80 more") {
		t.Errorf("got %v", err)
	}
}

// More than ClickHouse reads of a URL is refused as what it is: the client's to change.
func TestTooLongValues(t *testing.T) {
	t.Parallel()
	s := open(t, Config{Server: server(t, "default")})
	value := func(size int) sql.Expr { return sql.Value{Type: "String", Text: strings.Repeat("x", size)} }
	many := func(n, size int) (values []sql.Expr) {
		for range n {
			values = append(values, value(size))
		}
		return values
	}
	tests := []struct {
		name   string
		values []sql.Expr
		fits   bool
	}{
		{"longest", many(1, longestValue), true},
		{"longer", many(1, longestValue+1), false},
		{"longer once it is encoded", []sql.Expr{sql.Value{Type: "String", Text: strings.Repeat("\\", longestValue/6+1)}}, false},
		{"as many as fit", many(7, longestValue), true},
		{"many that do not fit", many(8, longestValue), false},
		{"as many short ones", many(mostValues, 50), true},
		{"too many", many(mostValues+1, 1), false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := firstColumn(t.Context(), s, sql.Select{
				Columns: []sql.Column{{Expr: sql.Call("toString", sql.Call("length", sql.Call("array", test.values...))), As: "n"}},
				From:    sql.Table{Database: "system", Name: "one"},
			}.Build())
			if !test.fits {
				wantCode(t, err, contracts.CodeInvalidRequest)
			} else if err != nil || got[0] != fmt.Sprint(len(test.values)) {
				t.Errorf("got %q, %v", got, err)
			}
		})
	}
}

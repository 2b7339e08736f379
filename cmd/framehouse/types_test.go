package main

import (
	"bytes"
	"encoding/csv"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/ipc"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/apache/arrow/go/v17/parquet/file"
	"github.com/apache/arrow/go/v17/parquet/pqarrow"

	"framehouse/internal/store/storetest"
)

// types are columns of every type, each with its edge values, as ClickHouse writes them.
var types = []struct {
	typ    string
	values []string
}{
	{"Bool", []string{"true", "false"}},
	{"Int8", []string{"-128", "127"}},
	{"Int16", []string{"-32768", "32767"}},
	{"Int32", []string{"-2147483648", "2147483647"}},
	{"Int64", []string{"-9223372036854775808", "9223372036854775807", "9007199254740993"}},
	{"Int128", []string{"'-170141183460469231731687303715884105728'", "'170141183460469231731687303715884105727'"}},
	{"Int256", []string{"'-57896044618658097711785492504343953926634992332820282019728792003956564819968'", "'57896044618658097711785492504343953926634992332820282019728792003956564819967'"}},
	{"UInt8", []string{"0", "255"}},
	{"UInt16", []string{"65535"}},
	{"UInt32", []string{"4294967295"}},
	{"UInt64", []string{"18446744073709551615"}},
	{"UInt128", []string{"'340282366920938463463374607431768211455'"}},
	{"UInt256", []string{"'115792089237316195423570985008687907853269984665640564039457584007913129639935'"}},
	{"Float32", []string{"0.1", "-3.4028235e38", "1e-45", "nan", "inf", "16777216"}},
	{"Float64", []string{"0.1", "-1.7976931348623157e308", "5e-324", "nan", "-inf", "1e21", "1e-7", "123456.789", "0.30000000000000004"}},
	{"Decimal(9, 4)", []string{"'-99999.9999'", "'0.0001'"}},
	{"Decimal(18, 0)", []string{"'999999999999999999'"}},
	{"Decimal(38, 10)", []string{"'-9999999999999999999999999999.9999999999'", "'0.0000000001'"}},
	{"Decimal(76, 38)", []string{"'-99999999999999999999999999999999999999.99999999999999999999999999999999999999'", "'0.00000000000000000000000000000000000001'"}},
	{"String", []string{"''", "'a\\tb\\nc\\r\"d\\\\e,f'", "'日本語🛩'", "'\\0'", "' padded '"}},
	{"String", []string{"unhex('fffe41')"}}, // no UTF-8
	{"FixedString(4)", []string{"'ab'", "'wxyz'"}},
	{"LowCardinality(String)", []string{"'low'", "''"}},
	{"LowCardinality(Nullable(String))", []string{"NULL", "'x'", "''"}},
	{"UUID", []string{"'61f0c404-5cb3-11e7-907b-a6006ad3dba0'"}},
	{"IPv4", []string{"'255.255.255.255'", "'0.0.0.0'"}},
	{"IPv6", []string{"'2001:db8::1'", "'::'"}},
	{"Enum8('a' = -128, 'b c' = 127)", []string{"'a'", "'b c'"}},
	{"Enum16('it\\'s' = 1000)", []string{"'it\\'s'"}},
	{"Date", []string{"'1970-01-01'", "'2149-06-06'"}},
	{"Date32", []string{"'1900-01-01'", "'2299-12-31'"}},
	{"DateTime('UTC')", []string{"'1970-01-01 00:00:00'", "'2106-02-07 06:28:15'"}},
	{"DateTime('America/New_York')", []string{"'2026-03-08 03:30:00'"}},
	{"DateTime64(0, 'UTC')", []string{"'1900-01-01 00:00:00'", "'2299-12-31 23:59:59'"}},
	{"DateTime64(3, 'Asia/Kathmandu')", []string{"'1969-12-31 23:59:59.999'"}},
	{"DateTime64(6, 'UTC')", []string{"'2200-01-01 00:00:00.000001'"}},
	{"DateTime64(9, 'UTC')", []string{"'2262-04-11 23:47:16.854775807'", "'1900-01-01 00:00:00.000000001'"}},
	{"Time", []string{"'-999:59:59'", "'23:59:59'"}},
	{"Time64(6)", []string{"'12:34:56.789012'"}},
	{"Nullable(Int32)", []string{"NULL", "-1"}},
	{"Nullable(Float64)", []string{"NULL", "1.5"}},
	{"Nullable(DateTime64(3, 'UTC'))", []string{"NULL", "'2026-01-01 00:00:00.001'"}},
	{"Nullable(Decimal(10, 2))", []string{"NULL", "'1.10'"}},
	{"Array(Int64)", []string{"[]", "[1, -9223372036854775808]"}},
	{"Array(Nullable(String))", []string{"['a\"b', NULL]"}},
	{"Array(Array(Float64))", []string{"[[0.1], [], [nan]]"}},
	{"Map(String, UInt64)", []string{"{'a': 18446744073709551615}", "{}"}},
	{"Tuple(a Int32, b String)", []string{"(1, 'x')"}},
	{"Tuple(Int32, String)", []string{"(1, 'x')"}},
	{"Nested(x Int32, y String)", []string{"[(1, 'a'), (2, 'b')]"}},
	{"JSON", []string{`'{"a": {"b": [1, 2.5, null]}, "big": 18446744073709551615}'`}},
	{"Dynamic", []string{"42", "'text'", "NULL"}},
	{"Variant(UInt64, String)", []string{"'text'", "18446744073709551615"}},
	{"Point", []string{"(1.5, -2.25)"}},
}

// Every format gives back what ClickHouse itself says in text, for every type.
func TestEveryTypeInEveryFormat(t *testing.T) {
	t.Parallel()
	database := storetest.Database(t)
	address, _ := forward(t, "127.0.0.1:0")
	var names []string
	for i, column := range types {
		table := fmt.Sprintf("t%02d", i)
		names = append(names, table)
		storetest.Exec(t, database, fmt.Sprintf("CREATE TABLE %s (n UInt8, v %s) ORDER BY n SETTINGS flatten_nested = 0, allow_suspicious_low_cardinality_types = 1", table, column.typ))
		for n, value := range column.values {
			storetest.Exec(t, database, fmt.Sprintf("INSERT INTO %s SETTINGS input_format_try_infer_datetimes = 0 VALUES (%d, %s)", table, n, value))
		}
	}
	app := open(t, Config{
		ClickHouse:  urlOf(t, database, address),
		CatalogFile: writeCatalog(t, "tables: {"+strings.Join(names, ": , ")+": }"),
	})
	for i, column := range types {
		t.Run(column.typ, func(t *testing.T) {
			wanted := said(t, database, names[i], column.typ)
			for format, read := range readers {
				a := getAs(t, app.URL()+"/v1/tables/"+names[i]+"/rows?select=n,v&order=n&format="+format, "")
				if a.status != 200 {
					t.Fatalf("%s: %d %s", format, a.status, a.body)
				}
				got := read(t, a.body)
				if len(got) != len(wanted) {
					t.Fatalf("%s: %d rows of %d: %s", format, len(got), len(wanted), a.body)
				}
				for n := range got {
					if !same(column.typ, format, got[n], wanted[n]) {
						t.Errorf("%s: %s is %q, for ClickHouse %q", format, column.values[n], got[n], wanted[n])
					}
				}
			}
		})
	}
}

const null = "\\N"

// said is what ClickHouse says of each value: dates in ISO 8601, composite types in JSON,
// everything else as text.
func said(t *testing.T, database, table, typ string) []string {
	t.Helper()
	expression := "toString(v)"
	switch base := strings.TrimPrefix(typ, "Nullable("); {
	case strings.HasPrefix(base, "DateTime"):
		expression = "toString(toTimeZone(v, 'UTC'))"
	case composite(typ):
		expression = "toJSONString(v)"
	}
	text := storetest.Query(t, database, "SELECT if(isNull(v), '"+`\\N`+"', hex("+expression+")) FROM "+table+" ORDER BY n"+
		" SETTINGS output_format_json_quote_64bit_integers = 1, output_format_json_quote_denormals = 0, output_format_json_quote_decimals = 1, date_time_output_format = 'simple'")
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		if line == `\\N` || line == `\N` {
			lines[i] = null
			continue
		}
		bytes, err := hex.DecodeString(line)
		if err != nil {
			t.Fatal(err)
		}
		lines[i] = string(bytes)
		if strings.Contains(typ, "DateTime") {
			lines[i] = strings.Replace(lines[i], " ", "T", 1) + "Z"
		}
	}
	return lines
}

func composite(typ string) bool {
	for _, prefix := range []string{"Array", "Map", "Tuple", "Nested", "JSON", "Dynamic", "Variant", "Point"} {
		if strings.HasPrefix(typ, prefix) {
			return true
		}
	}
	return false
}

// same compares what may be spelled in more than one way by its value.
func same(typ, format, got, want string) bool {
	switch {
	case got == want:
		return true
	case typ == "String" && strings.HasSuffix(format, "json"):
		// JSON is Unicode; what is not has U+FFFD in its place, and a warning.
		return got == string([]rune(want))
	case strings.Contains(typ, "Float") && !composite(typ):
		if format == "json" || format == "ndjson" {
			if want == "nan" || strings.HasSuffix(want, "inf") {
				return got == null
			}
		}
		bits := 64
		if typ == "Float32" {
			bits = 32
		}
		a, err1 := strconv.ParseFloat(got, bits)
		b, err2 := strconv.ParseFloat(want, bits)
		return err1 == nil && err2 == nil && (a == b || math.IsNaN(a) && math.IsNaN(b))
	case strings.Contains(typ, "DateTime") && format == "parquet":
		// Parquet has no unit of seconds; its coarsest is milliseconds.
		return strings.Replace(got, ".000Z", "Z", 1) == want
	case strings.Contains(typ, "Decimal"):
		// ClickHouse leaves zeros at the end out; we show the scale.
		return strings.Contains(got, ".") && strings.TrimRight(strings.TrimRight(got, "0"), ".") == want
	case composite(typ):
		var a, b any
		if format == "json" || format == "ndjson" {
			// The reader has taken the quotes off a text that is all of the cell.
			if quoted, err := json.Marshal(got); err == nil && string(quoted) == want {
				return true
			}
		}
		return json.Unmarshal([]byte(got), &a) == nil && json.Unmarshal([]byte(want), &b) == nil && fmt.Sprint(a) == fmt.Sprint(b)
	}
	return false
}

// readers read the one column of an answer as text. But for JSON's numbers they are
// readers of others.
var readers = map[string]func(*testing.T, []byte) []string{
	"json": func(t *testing.T, body []byte) []string {
		var f struct{ Rows []json.RawMessage }
		if err := json.Unmarshal(body, &f); err != nil {
			t.Fatal(err)
		}
		return jsonCells(t, f.Rows)
	},
	"ndjson": func(t *testing.T, body []byte) []string {
		var rows []json.RawMessage
		for line := range bytes.Lines(body) {
			rows = append(rows, line)
		}
		return jsonCells(t, rows)
	},
	"csv": func(t *testing.T, body []byte) []string {
		rows, err := csv.NewReader(bytes.NewReader(body)).ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		lines := bytes.Split(body, []byte("\r\n"))
		var cells []string
		for i, row := range rows[1:] {
			// An empty field is a null, an empty text is "", which encoding/csv can't tell.
			if row[1] == "" && !bytes.HasSuffix(lines[i+1], []byte(`,""`)) {
				row[1] = null
			}
			cells = append(cells, row[1])
		}
		return cells
	},
	"arrow": func(t *testing.T, body []byte) []string {
		reader, err := ipc.NewReader(bytes.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		defer reader.Release()
		var cells []string
		for reader.Next() {
			cells = append(cells, arrowCells(reader.Record().Column(1))...)
		}
		if reader.Err() != nil {
			t.Fatal(reader.Err())
		}
		return cells
	},
	"parquet": func(t *testing.T, body []byte) []string {
		parquet, err := file.NewParquetReader(bytes.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		reader, err := pqarrow.NewFileReader(parquet, pqarrow.ArrowReadProperties{}, memory.DefaultAllocator)
		if err != nil {
			t.Fatal(err)
		}
		table, err := reader.ReadTable(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer table.Release()
		var cells []string
		for _, chunk := range table.Column(1).Data().Chunks() {
			cells = append(cells, arrowCells(chunk)...)
		}
		return cells
	},
}

// jsonCells shows strings as their text, null as null, all else as it is written.
func jsonCells(t *testing.T, rows []json.RawMessage) []string {
	t.Helper()
	var cells []string
	for _, row := range rows {
		var cell struct{ V json.RawMessage }
		if err := json.Unmarshal(row, &cell); err != nil {
			t.Fatalf("%v: %s", err, row)
		}
		text := string(cell.V)
		if text == "null" {
			text = null
		} else if text[0] == '"' {
			if err := json.Unmarshal(cell.V, &text); err != nil {
				t.Fatal(err)
			}
		}
		cells = append(cells, text)
	}
	return cells
}

// arrowCells shows values by their Arrow type alone, as a reader does who knows nothing of us.
func arrowCells(column arrow.Array) []string {
	cells := make([]string, column.Len())
	for i := range cells {
		if column.IsNull(i) {
			cells[i] = null
			continue
		}
		switch c := column.(type) {
		case *array.Timestamp:
			typ := c.DataType().(*arrow.TimestampType)
			layout := "2006-01-02T15:04:05" + map[arrow.TimeUnit]string{arrow.Second: "", arrow.Millisecond: ".000", arrow.Microsecond: ".000000", arrow.Nanosecond: ".000000000"}[typ.Unit] + "Z"
			cells[i] = c.Value(i).ToTime(typ.Unit).UTC().Format(layout)
			if typ.TimeZone == "" {
				cells[i] += " without a zone"
			}
		case *array.Dictionary:
			cells[i] = c.Dictionary().(*array.String).Value(c.GetValueIndex(i))
		case *array.Decimal128:
			cells[i] = decimalText(c.Value(i).BigInt().String(), int(c.DataType().(*arrow.Decimal128Type).Scale))
		case *array.Decimal256:
			cells[i] = decimalText(c.Value(i).BigInt().String(), int(c.DataType().(*arrow.Decimal256Type).Scale))
		case *array.Date32:
			cells[i] = c.Value(i).ToTime().Format("2006-01-02")
		case *array.Time32:
			cells[i] = clockText(int64(c.Value(i)) * int64(c.DataType().(*arrow.Time32Type).Unit.Multiplier()) / 1e9)
		case *array.Float64:
			cells[i] = strconv.FormatFloat(c.Value(i), 'g', -1, 64)
		default:
			cells[i] = column.ValueStr(i)
		}
	}
	return cells
}

func decimalText(digits string, scale int) string {
	sign := ""
	if digits[0] == '-' {
		sign, digits = "-", digits[1:]
	}
	if scale == 0 {
		return sign + digits
	}
	for len(digits) <= scale {
		digits = "0" + digits
	}
	return sign + digits[:len(digits)-scale] + "." + digits[len(digits)-scale:]
}

func clockText(seconds int64) string {
	sign := ""
	if seconds < 0 {
		sign, seconds = "-", -seconds
	}
	return fmt.Sprintf("%s%02d:%02d:%02d", sign, seconds/3600, seconds/60%60, seconds%60)
}

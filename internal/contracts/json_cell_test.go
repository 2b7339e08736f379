package contracts

import (
	"encoding/json"
	"math"
	"math/big"
	"math/rand/v2"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/decimal128"
	"github.com/apache/arrow/go/v17/arrow/decimal256"
	"github.com/apache/arrow/go/v17/arrow/memory"
)

// column builds an array of any type with append, and a null before and after.
func column(typ arrow.DataType, appendTo func(array.Builder)) arrow.Array {
	b := array.NewBuilder(memory.DefaultAllocator, typ)
	defer b.Release()
	appendTo(b)
	b.AppendNull()
	return b.NewArray()
}

func of[T any, B interface {
	array.Builder
	Append(T)
}](values ...T) func(array.Builder) {
	return func(b array.Builder) {
		for _, v := range values {
			b.(B).Append(v)
		}
	}
}

func decimalOf(text string) decimal128.Num {
	n, ok := new(big.Int).SetString(text, 10)
	if !ok {
		panic(text)
	}
	return decimal128.FromBigInt(n)
}

func TestCells(t *testing.T) {
	t.Parallel()
	nines := strings.Repeat("9", 38)
	floats64 := of[float64, *array.Float64Builder]
	ints64 := of[int64, *array.Int64Builder]
	texts := of[string, *array.StringBuilder]
	decimals := of[decimal128.Num, *array.Decimal128Builder]
	stamps := of[arrow.Timestamp, *array.TimestampBuilder]
	tests := []struct {
		name   string
		field  FieldType
		column arrow.Array
		want   string // the cells, each followed by a space; the null at the end is implied
	}{
		{"boolean", TypeBoolean, column(arrow.FixedWidthTypes.Boolean, of[bool, *array.BooleanBuilder](true, false)), "true false"},
		{"int8", TypeInteger, column(arrow.PrimitiveTypes.Int8, of[int8, *array.Int8Builder](-128, 127)), "-128 127"},
		{"int16", TypeInteger, column(arrow.PrimitiveTypes.Int16, of[int16, *array.Int16Builder](-32768, 32767)), "-32768 32767"},
		{"int32", TypeInteger, column(arrow.PrimitiveTypes.Int32, of[int32, *array.Int32Builder](math.MinInt32, math.MaxInt32)), "-2147483648 2147483647"},
		{"int64", TypeInteger, column(arrow.PrimitiveTypes.Int64, ints64(math.MinInt64, -1, 0, math.MaxInt64)), "-9223372036854775808 -1 0 9223372036854775807"},
		{"int64 as text", TypeString, column(arrow.PrimitiveTypes.Int64, ints64(math.MinInt64, 0, math.MaxInt64)), `"-9223372036854775808" "0" "9223372036854775807"`},
		{"uint8", TypeInteger, column(arrow.PrimitiveTypes.Uint8, of[uint8, *array.Uint8Builder](0, 255)), "0 255"},
		{"uint16", TypeInteger, column(arrow.PrimitiveTypes.Uint16, of[uint16, *array.Uint16Builder](65535)), "65535"},
		{"uint32", TypeInteger, column(arrow.PrimitiveTypes.Uint32, of[uint32, *array.Uint32Builder](math.MaxUint32)), "4294967295"},
		{"uint64", TypeInteger, column(arrow.PrimitiveTypes.Uint64, of[uint64, *array.Uint64Builder](math.MaxUint64)), "18446744073709551615"},
		{"uint64 as text", TypeString, column(arrow.PrimitiveTypes.Uint64, of[uint64, *array.Uint64Builder](math.MaxUint64)), `"18446744073709551615"`},
		{"float32", TypeNumber, column(arrow.PrimitiveTypes.Float32, of[float32, *array.Float32Builder](0.1, float32(math.Inf(1)), math.MaxFloat32)), "0.1 null 3.4028235e+38"},
		{"float64", TypeNumber, column(arrow.PrimitiveTypes.Float64, floats64(math.NaN(), math.Inf(-1), math.Copysign(0, -1), 0.1, 1e300, 123.45)), "null null -0.0 0.1 1e+300 123.45"},
		{"decimal of no digits", TypeNumber, column(&arrow.Decimal128Type{Precision: 38}, decimals(decimalOf(nines), decimalOf("-"+nines), decimalOf("0"))), nines + " -" + nines + " 0"},
		{"decimal", TypeNumber, column(&arrow.Decimal128Type{Precision: 9, Scale: 2}, decimals(decimalOf("-5"), decimalOf("0"), decimalOf("1"), decimalOf("150"), decimalOf("-12345"))), "-0.05 0.00 0.01 1.50 -123.45"},
		{"decimal of nothing but fraction", TypeNumber, column(&arrow.Decimal128Type{Precision: 38, Scale: 38}, decimals(decimalOf(nines), decimalOf("-1"))), "0." + nines + " -0." + strings.Repeat("0", 37) + "1"},
		{"text", TypeString, column(arrow.BinaryTypes.String, texts("", `"\/`, "\b\f\n\r\t\x00\x1f\x7f", "é𝄞\u2028", "a\xffb\xf0\x9f")), `"" "\"\\/" "\u0008\u000c\n\r\t\u0000\u001f` + "\x7f\" \"é𝄞\u2028\" \"a\uFFFDb\uFFFD\uFFFD\""},
		{"bytes", TypeString, column(arrow.BinaryTypes.Binary, of[[]byte, *array.BinaryBuilder]([]byte("a\xff"))), "\"a\uFFFD\""},
		{"JSON", TypeJSON, column(arrow.BinaryTypes.String, texts(`{"a":[1,null]}`, `null`, `12345678901234567890`)), `{"a":[1,null]} null 12345678901234567890`},
		{"JSON with bytes that are not UTF-8", TypeJSON, column(arrow.BinaryTypes.String, texts("[\"a\xffb\"]")), "[\"a\uFFFDb\"]"},
		{"what is no JSON", TypeJSON, column(arrow.BinaryTypes.String, texts(``, `{"a"`, `1 2`, `nan`, `],"x":[`)), `"" "{\"a\"" "1 2" "nan" "],\"x\":["`},
		{"date", TypeDate, column(arrow.FixedWidthTypes.Date32, of[arrow.Date32, *array.Date32Builder](0, -1, 19782, 49710, -25567, 120529)), `"1970-01-01" "1969-12-31" "2024-02-29" "2106-02-07" "1900-01-01" "2299-12-31"`},
		{"seconds", TypeDateTime, column(&arrow.TimestampType{Unit: arrow.Second, TimeZone: "UTC"}, stamps(0, -1, 10413791999, -2208988800)), `"1970-01-01T00:00:00Z" "1969-12-31T23:59:59Z" "2299-12-31T23:59:59Z" "1900-01-01T00:00:00Z"`},
		{"milliseconds of another zone", TypeDateTime, column(&arrow.TimestampType{Unit: arrow.Millisecond, TimeZone: "Asia/Tokyo"}, stamps(0, -1, 1767225600001)), `"1970-01-01T00:00:00.000Z" "1969-12-31T23:59:59.999Z" "2026-01-01T00:00:00.001Z"`},
		{"microseconds", TypeDateTime, column(&arrow.TimestampType{Unit: arrow.Microsecond}, stamps(1, -1)), `"1970-01-01T00:00:00.000001Z" "1969-12-31T23:59:59.999999Z"`},
		{"nanoseconds", TypeDateTime, column(&arrow.TimestampType{Unit: arrow.Nanosecond}, stamps(1, -1, math.MaxInt64, math.MinInt64)), `"1970-01-01T00:00:00.000000001Z" "1969-12-31T23:59:59.999999999Z" "2262-04-11T23:47:16.854775807Z" "1677-09-21T00:12:43.145224192Z"`},
		{"instants that no four digits of a year hold", TypeDateTime, column(&arrow.TimestampType{Unit: arrow.Second}, stamps(253402300800, -62167219201)), `"+010000-01-01T00:00:00Z" "-000001-12-31T23:59:59Z"`},
		{"dictionary", TypeString, column(&arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Uint8, ValueType: arrow.BinaryTypes.String}, func(b array.Builder) {
			d := b.(*array.BinaryDictionaryBuilder)
			for _, s := range []string{"a", "b\n", "a", ""} {
				if err := d.AppendString(s); err != nil {
					panic(err)
				}
			}
			d.AppendNull()
			d.AppendString("b\n")
		}), `"a" "b\n" "a" "" null "b\n"`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			// What stands in the middle of a longer array must read the same.
			doubled, err := array.Concatenate([]arrow.Array{test.column, test.column}, memory.DefaultAllocator)
			if err != nil {
				t.Fatal(err)
			}
			n := int64(test.column.Len())
			for name, c := range map[string]arrow.Array{"whole": test.column, "slice": array.NewSlice(doubled, n, 2*n)} {
				write, err := newCellWriter(Field{Key: "c", Type: test.field}, c, jsonRows(nil, "", "", nil).cells)
				if err != nil {
					t.Fatal(err)
				}
				var cells []string
				for row := range c.Len() {
					cell := write(nil, row)
					if !json.Valid(cell) || !utf8.Valid(cell) {
						t.Errorf("row %d is no JSON: %q", row, cell)
					}
					cells = append(cells, string(cell))
				}
				if got := strings.Join(cells, " "); got != test.want+" null" {
					t.Errorf("%s\n got %s\nwant %s null", name, got, test.want)
				}
			}
		})
	}
}

// A dictionary may hold null itself, besides rows that have none of its values.
func TestDictionaryOfNull(t *testing.T) {
	t.Parallel()
	values := column(arrow.BinaryTypes.String, of[string, *array.StringBuilder]("a"))
	indices := column(arrow.PrimitiveTypes.Int8, of[int8, *array.Int8Builder](0, 1, 0))
	typ := &arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int8, ValueType: arrow.BinaryTypes.String}
	write, err := newCellWriter(Field{}, array.NewDictionaryArray(typ, indices, values), jsonRows(nil, "", "", nil).cells)
	if err != nil {
		t.Fatal(err)
	}
	var got []byte
	for row := range 4 {
		got = append(write(got, row), ' ')
	}
	if want := `"a" null "a" null `; string(got) != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// What has no JSON form is an error and not a cell of something else.
func TestUnknownCells(t *testing.T) {
	t.Parallel()
	for _, typ := range []arrow.DataType{
		arrow.BinaryTypes.LargeString, &arrow.FixedSizeBinaryType{ByteWidth: 16}, arrow.ListOf(arrow.PrimitiveTypes.Int8),
		arrow.FixedWidthTypes.Time32s, arrow.FixedWidthTypes.Time64ns, // ClickHouse's Time comes as text
	} {
		if _, err := newCellWriter(Field{Key: "c"}, column(typ, func(array.Builder) {}), jsonRows(nil, "", "", nil).cells); err == nil || !strings.Contains(err.Error(), "c") {
			t.Errorf("%s: %v", typ, err)
		}
	}
}

func TestAppendDecimal256(t *testing.T) {
	t.Parallel()
	largest := new(big.Int).Sub(new(big.Int).Exp(big.NewInt(10), big.NewInt(76), nil), big.NewInt(1))
	for _, test := range []struct {
		n     *big.Int
		scale int
		want  string
	}{
		{big.NewInt(0), 0, "0"},
		{big.NewInt(0), 3, "0.000"},
		{big.NewInt(-1), 38, "-0." + strings.Repeat("0", 37) + "1"},
		{largest, 0, strings.Repeat("9", 76)},
		{new(big.Int).Neg(largest), 38, "-" + strings.Repeat("9", 38) + "." + strings.Repeat("9", 38)},
		{largest, 76, "0." + strings.Repeat("9", 76)},
	} {
		if got := string(appendDecimal256(nil, decimal256.FromBigInt(test.n), test.scale)); got != test.want {
			t.Errorf("%s with %d digits after the point: %s", test.n, test.scale, got)
		}
	}
}

func TestAppendDecimal128(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	for range 20_000 {
		n := decimal128.New(random.Int64()>>random.IntN(64)*int64(1-2*random.IntN(2)), random.Uint64()>>random.IntN(64))
		scale := random.IntN(39)
		digits := n.BigInt().String()
		sign := ""
		if digits[0] == '-' {
			sign, digits = "-", digits[1:]
		}
		if len(digits) <= scale {
			digits = strings.Repeat("0", scale+1-len(digits)) + digits
		}
		want := sign + digits[:len(digits)-scale]
		if scale > 0 {
			want += "." + digits[len(digits)-scale:]
		}
		if got := string(appendDecimal128(nil, n, scale)); got != want {
			t.Fatalf("scale %d: got %s, want %s", scale, got, want)
		}
	}
}

func FuzzAppendString(f *testing.F) {
	for _, s := range []string{"", `"\`, "\x00\x1f\x7f\u0080", "é𝄞\u2028\uFFFD", "a\xff\xc0\xaf", "\xed\xa0\x80"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		cell := appendString([]byte("x"), s)[1:]
		var back string
		if err := json.Unmarshal(cell, &back); err != nil || !utf8.Valid(cell) {
			t.Fatalf("%q is written as %q: %v", s, cell, err)
		}
		// The library reads a broken byte as U+FFFD too, so it says what is right.
		if want := string([]rune(s)); back != want {
			t.Fatalf("%q reads back as %q", s, back)
		}
	})
}

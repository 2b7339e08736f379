package ingest

import (
	"bytes"
	"math"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/decimal128"
	"github.com/apache/arrow/go/v17/arrow/decimal256"
	"github.com/apache/arrow/go/v17/arrow/ipc"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/apache/arrow/go/v17/parquet"
	"github.com/apache/arrow/go/v17/parquet/compress"
	"github.com/apache/arrow/go/v17/parquet/pqarrow"

	"framehouse/internal/catalog"
)

// sample is a record with a column of each kind, whose second row is null where it can be.
func sample() arrow.Record {
	fields := []arrow.Field{
		{Name: "i", Type: arrow.PrimitiveTypes.Int64},
		{Name: "u", Type: arrow.PrimitiveTypes.Uint64, Nullable: true},
		{Name: "f", Type: arrow.PrimitiveTypes.Float64, Nullable: true},
		{Name: "g", Type: arrow.PrimitiveTypes.Float32, Nullable: true},
		{Name: "s", Type: arrow.BinaryTypes.String, Nullable: true},
		{Name: "b", Type: arrow.FixedWidthTypes.Boolean, Nullable: true},
		{Name: "d", Type: arrow.FixedWidthTypes.Date32, Nullable: true},
		{Name: "t", Type: &arrow.TimestampType{Unit: arrow.Microsecond, TimeZone: "UTC"}, Nullable: true},
		{Name: "m", Type: &arrow.Decimal128Type{Precision: 18, Scale: 2}, Nullable: true},
		{Name: "w", Type: &arrow.Decimal256Type{Precision: 60, Scale: 10}, Nullable: true},
		{Name: "c", Type: arrow.FixedWidthTypes.Time64us, Nullable: true},
	}
	b := array.NewRecordBuilder(memory.DefaultAllocator, arrow.NewSchema(fields, nil))
	defer b.Release()
	b.Field(0).(*array.Int64Builder).AppendValues([]int64{math.MinInt64, 5}, nil)
	b.Field(1).(*array.Uint64Builder).Append(math.MaxUint64)
	b.Field(2).(*array.Float64Builder).Append(math.NaN())
	b.Field(3).(*array.Float32Builder).Append(0.1)
	b.Field(4).(*array.StringBuilder).Append("a\n\"é😀")
	b.Field(5).(*array.BooleanBuilder).Append(true)
	b.Field(6).(*array.Date32Builder).Append(20543)
	b.Field(7).(*array.TimestampBuilder).Append(-1_000_001)
	b.Field(8).(*array.Decimal128Builder).Append(decimal128.FromI64(-5))
	b.Field(9).(*array.Decimal256Builder).Append(decimal256.FromI64(math.MaxInt64))
	b.Field(10).(*array.Time64Builder).Append(3_600_000_001)
	for _, field := range b.Fields()[1:] {
		field.AppendNull()
	}
	return b.NewRecord()
}

var sampleColumns = []string{
	"i! Int64", "u Nullable(UInt64)", "f Nullable(Float64)", "g Nullable(Float32)", "s Nullable(String)", "b Nullable(Bool)", "d Nullable(Date)",
	"t Nullable(DateTime64(6))", "m Nullable(Decimal(18, 2))", "w Nullable(Decimal(60, 10))", "c Nullable(Time64(6))",
}

const sampleLines = "i,u,f,g,s,b,d,t,m,w,c\n" +
	`["-9223372036854775808","18446744073709551615","nan",0.1,"a\u000a\"é😀",true,"2026-03-31","1969-12-31T23:59:58.999999Z","-0.05","922337203.6854775807","01:00:00.000001"]` + "\n" +
	`[5,null,null,null,null,null,null,null,null,null,null]`

func arrowStream(t testing.TB, options ...ipc.Option) []byte {
	t.Helper()
	record := sample()
	var out bytes.Buffer
	w := ipc.NewWriter(&out, append(options, ipc.WithSchema(record.Schema()))...)
	if err := w.Write(record); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func parquetFile(t testing.TB, codec compress.Compression, version parquet.DataPageVersion, dictionary bool) []byte {
	t.Helper()
	record := sample()
	var out bytes.Buffer
	w, err := pqarrow.NewFileWriter(record.Schema(), &out, parquet.NewWriterProperties(parquet.WithCompression(codec), parquet.WithDataPageVersion(version), parquet.WithDictionaryDefault(dictionary)),
		pqarrow.DefaultWriterProps())
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Write(record); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestArrowAndParquet(t *testing.T) {
	t.Parallel()
	table := tableOf(t, catalog.Upsert, sampleColumns...)
	for name, body := range map[string][]byte{
		"arrow": arrowStream(t), "arrow lz4": arrowStream(t, ipc.WithLZ4()), "arrow zstd": arrowStream(t, ipc.WithZstd()),
	} {
		if got := readText(t, table, "application/vnd.apache.arrow.stream", string(body)); got != sampleLines {
			t.Errorf("%s:\n got %s\nwant %s", name, got, sampleLines)
		}
	}
	for _, codec := range []compress.Compression{compress.Codecs.Uncompressed, compress.Codecs.Snappy, compress.Codecs.Gzip, compress.Codecs.Zstd, compress.Codecs.Brotli} {
		for _, version := range []parquet.DataPageVersion{parquet.DataPageV1, parquet.DataPageV2} {
			for _, dictionary := range []bool{true, false} {
				if got := readText(t, table, "application/vnd.apache.parquet", string(parquetFile(t, codec, version, dictionary))); got != sampleLines {
					t.Errorf("parquet %s %d %v:\n got %s\nwant %s", codec, version, dictionary, got, sampleLines)
				}
			}
		}
	}
}

// More rows than are read at a time, with nulls in between and several row groups.
func TestLongParquet(t *testing.T) {
	t.Parallel()
	schema := arrow.NewSchema([]arrow.Field{{Name: "i", Type: arrow.PrimitiveTypes.Int32}, {Name: "s", Type: arrow.BinaryTypes.String, Nullable: true}}, nil)
	b := array.NewRecordBuilder(memory.DefaultAllocator, schema)
	var want strings.Builder
	want.WriteString("i,s")
	for i := range 10_000 {
		b.Field(0).(*array.Int32Builder).Append(int32(i))
		word := []string{"", "x", "yy"}[i%3]
		if i%7 == 0 {
			b.Field(1).(*array.StringBuilder).AppendNull()
			word = "null"
		} else {
			b.Field(1).(*array.StringBuilder).Append(word)
			word = `"` + word + `"`
		}
		want.WriteString("\n[" + string(integer(nil, int64(i)).text) + "," + word + "]")
	}
	var out bytes.Buffer
	w, err := pqarrow.NewFileWriter(schema, &out, parquet.NewWriterProperties(parquet.WithMaxRowGroupLength(3000), parquet.WithDataPageSize(777)), pqarrow.DefaultWriterProps())
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Write(b.NewRecord()); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	table := tableOf(t, catalog.Upsert, "i! Int32", "s Nullable(String)")
	if got := readText(t, table, "application/vnd.apache.parquet", out.String()); got != want.String() {
		t.Errorf("got %.200s", got)
	}
}

func TestArrowTypes(t *testing.T) {
	t.Parallel()
	dictionary := func(indices ...int) arrow.Array {
		typ := &arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int8, ValueType: arrow.BinaryTypes.String}
		b := array.NewDictionaryBuilder(memory.DefaultAllocator, typ).(*array.BinaryDictionaryBuilder)
		for _, i := range indices {
			_ = b.AppendString([]string{"x", "y"}[i])
		}
		b.AppendNull()
		return b.NewArray()
	}
	list := func() arrow.Array {
		b := array.NewListBuilder(memory.DefaultAllocator, arrow.PrimitiveTypes.Int8)
		b.Append(true)
		b.ValueBuilder().(*array.Int8Builder).Append(1)
		return b.NewArray()
	}
	doubles := func(values ...float64) arrow.Array {
		b := array.NewFloat64Builder(memory.DefaultAllocator)
		b.AppendValues(values, nil)
		return b.NewArray()
	}
	for _, test := range []struct {
		typ   string
		cells arrow.Array
		want  string
	}{
		{"Nullable(String)", dictionary(0, 1, 0), "c\n[\"x\"]\n[\"y\"]\n[\"x\"]\n[null]"},
		{"Array(Int8)", list(), "!The column \"c\" has the Arrow type list<item: int8, nullable>, which is not understood."},
		{"Int64", doubles(3, 1<<52), "c\n[3]\n[4503599627370496]"},
		{"Int64", doubles(1.5), "!Row 1, column c: must be a whole number from -9223372036854775808 to 9223372036854775807."},
		{"Int64", doubles(1 << 60), "!Row 1, column c: must be a whole number from -9223372036854775808 to 9223372036854775807."},
		{"Decimal(18, 4)", doubles(0.1, 1e-4), "c\n[\"0.1\"]\n[\"0.0001\"]"},
		{"String", doubles(1), "!Row 1, column c: must be a text; this is a number."},
		{"Date", doubles(1), "!Row 1, column c: must be a text such as \"2026-03-31\"; this is a number."},
	} {
		schema := arrow.NewSchema([]arrow.Field{{Name: "c", Type: test.cells.DataType(), Nullable: true}}, nil)
		var out bytes.Buffer
		w := ipc.NewWriter(&out, ipc.WithSchema(schema))
		if err := w.Write(array.NewRecord(schema, []arrow.Array{test.cells}, int64(test.cells.Len()))); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		got := readText(t, tableOf(t, catalog.Append, "c "+test.typ), "application/vnd.apache.arrow.stream", out.String())
		if got != test.want {
			t.Errorf("%s from %s:\n got %s\nwant %s", test.typ, test.cells.DataType(), got, test.want)
		}
	}
}

// Whatever is done to a file, it is refused or read; the process lives, and holds nothing.
func TestDamaged(t *testing.T) {
	t.Parallel()
	table := tableOf(t, catalog.Upsert, sampleColumns...)
	for mediaType, body := range map[string][]byte{
		"application/vnd.apache.arrow.stream": arrowStream(t, ipc.WithZstd()),
		"application/vnd.apache.parquet":      parquetFile(t, compress.Codecs.Snappy, parquet.DataPageV1, true),
	} {
		for i := range body {
			if got := readText(t, table, mediaType, string(body[:i])); !strings.HasPrefix(got, "!") {
				t.Errorf("%s cut at %d of %d: %s", mediaType, i, len(body), got)
			}
			for _, mask := range []byte{1, 0xff} {
				damaged := bytes.Clone(body)
				damaged[i] ^= mask
				budget := &Budget{}
				rows, err := Read(table, Body{Reader: bytes.NewReader(damaged), Type: mediaType}, Limits{Bytes: 8 << 20}, budget)
				if err == nil {
					rows.Release()
				}
				if held := budget.held.Load(); held != 0 {
					t.Fatalf("%s, byte %d: %d bytes are held", mediaType, i, held)
				}
			}
		}
	}
}

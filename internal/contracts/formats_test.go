package contracts

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"runtime"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/ipc"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/apache/arrow/go/v17/parquet/file"
)

// A frame of many batches is encoded side by side and comes out in order, whatever its
// limit, in every format that is written row by row.
func TestRowsStayInOrder(t *testing.T) {
	t.Parallel()
	const batch, batches = 10_000, 20
	schema := arrow.NewSchema([]arrow.Field{{Name: "n", Type: arrow.PrimitiveTypes.Int64}}, nil)
	b := array.NewInt64Builder(memory.DefaultAllocator)
	defer b.Release()
	var records []arrow.Record
	for i := range batches {
		for row := range batch {
			b.Append(int64(i*batch + row))
		}
		records = append(records, array.NewRecord(schema, []arrow.Array{b.NewArray()}, batch))
	}
	for _, limit := range []int64{1, chunkRows, chunkRows + 1, batch - 1, batch, batch + 1, batch*batches - 1, NoLimit} {
		var want strings.Builder
		rows := limit
		if limit == NoLimit {
			rows = batch * batches
		}
		for n := range rows {
			fmt.Fprintf(&want, "{\"n\":%d}\n", n)
		}
		f := NewFrame([]Field{{Key: "n", Type: TypeInteger}}, &listed{schema: schema, records: records}, limit)
		var got bytes.Buffer
		if err := (NDJSON{}).Encode(&got, f); err != nil {
			t.Fatal(err)
		}
		if got.String() != want.String() {
			t.Errorf("limit %d: %d bytes, want %d", limit, got.Len(), want.Len())
		}
		if f.Meta.Tabular.RowCount != rows || f.Meta.Tabular.Truncated != (limit != NoLimit) {
			t.Errorf("limit %d: %+v", limit, f.Meta.Tabular)
		}
		f.Close()
	}
}

// listed hands out records, and then an error if it has one.
type listed struct {
	schema  *arrow.Schema
	records []arrow.Record
	err     error
}

func (l *listed) Schema() *arrow.Schema { return l.schema }
func (l *listed) Close() error          { return nil }
func (l *listed) Next() (arrow.Record, error) {
	if len(l.records) == 0 {
		if l.err != nil {
			return nil, l.err
		}
		return nil, io.EOF
	}
	record := l.records[0]
	l.records = l.records[1:]
	return record, nil
}

// No format ends an answer that failed, and every format stops when its reader does. Not
// beside other tests, whose goroutines would be counted.
func TestNoFormatEndsAFailure(t *testing.T) {
	record := prices(20_000)
	failure := errors.New("row 40,001")
	for _, format := range Formats() {
		whole, cut := new(bytes.Buffer), new(bytes.Buffer)
		if err := format.Encoder.Encode(whole, NewFrame(priceFields, &listed{record.Schema(), []arrow.Record{record, record}, nil}, NoLimit)); err != nil {
			t.Errorf("%s: %v", format.Name, err)
		}
		if err := format.Encoder.Encode(cut, NewFrame(priceFields, &listed{record.Schema(), []arrow.Record{record, record}, failure}, NoLimit)); !errors.Is(err, failure) {
			t.Errorf("%s: error %v", format.Name, err)
		}
		switch format.Name {
		case "json":
			if json.Valid(cut.Bytes()) {
				t.Error("json: a cut frame is valid JSON")
			}
		case "arrow":
			if bytes.HasSuffix(cut.Bytes(), []byte{0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0}) {
				t.Error("arrow: a cut stream has an end")
			}
		case "parquet":
			if _, err := file.NewParquetReader(bytes.NewReader(cut.Bytes())); err == nil {
				t.Error("parquet: a cut file has a footer")
			}
		}
		before := runtime.NumGoroutine()
		if err := format.Encoder.Encode(&full{}, NewFrame(priceFields, &again{record, 50}, NoLimit)); !errors.Is(err, errFull) {
			t.Errorf("%s: a writer that fails gives the error %v", format.Name, err)
		}
		// A goroutine whose work is done may need a moment to be gone.
		for deadline := time.Now().Add(5 * time.Second); runtime.NumGoroutine() > before; time.Sleep(time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatalf("%s: %d goroutines are left of %d", format.Name, runtime.NumGoroutine(), before)
			}
		}
	}
}

// full takes some bytes and then no more, like a client that went away.
type full struct{ taken int }

var errFull = errors.New("full")

func (f *full) Write(p []byte) (int, error) {
	if f.taken += len(p); f.taken > 100_000 {
		return 0, errFull
	}
	return len(p), nil
}

// Arrow and Parquet carry what JSON says around the rows.
func TestEnvelope(t *testing.T) {
	t.Parallel()
	record := prices(10)
	read := map[string]func([]byte) string{
		"arrow": func(body []byte) string {
			r, err := ipc.NewReader(bytes.NewReader(body))
			if err != nil {
				t.Fatal(err)
			}
			metadata := r.Schema().Metadata()
			return metadata.Values()[metadata.FindKey(MetadataKey)]
		},
		"parquet": func(body []byte) string {
			r, err := file.NewParquetReader(bytes.NewReader(body))
			if err != nil {
				t.Fatal(err)
			}
			return *r.MetaData().KeyValueMetadata().FindValue(MetadataKey)
		},
	}
	for _, format := range Formats() {
		if read[format.Name] == nil {
			continue
		}
		for _, settled := range []bool{true, false} {
			f := NewFrame(priceFields, &again{record, 3}, 25)
			f.Source = Source{Kind: "clickhouse", ID: "prices"}
			f.Meta.TimeSeries = LongSeries("time", "close", []string{"unique_identifier"})
			f.Meta.Tabular.Limit = 25
			if settled {
				if ok, err := f.Settle(); !ok || err != nil {
					t.Fatal(ok, err)
				}
			}
			var body bytes.Buffer
			if err := format.Encoder.Encode(&body, f); err != nil {
				t.Fatal(err)
			}
			var got struct {
				Fields []Field
				Meta   struct {
					Meta
					Tabular map[string]any `json:"tabular"`
				}
				Source Source
			}
			if err := json.Unmarshal([]byte(read[format.Name](body.Bytes())), &got); err != nil {
				t.Fatal(err)
			}
			if len(got.Fields) != 5 || got.Source.ID != "prices" || got.Meta.TimeSeries.ValueField != "close" || got.Meta.Tabular["limit"] != 25.0 {
				t.Errorf("%s: %+v", format.Name, got)
			}
			known := settled || format.Counted
			if cut, said := got.Meta.Tabular["truncated"]; said != known || known && cut != true {
				t.Errorf("%s, settled %v: tabular %v", format.Name, settled, got.Meta.Tabular)
			}
		}
	}
}

// However long the answer, an encoder holds little of it.
func TestMemoryIsBounded(t *testing.T) {
	record := prices(8192)
	bounds := map[string]uint64{"json": 24 << 20, "ndjson": 24 << 20, "csv": 24 << 20, "arrow": 24 << 20, "parquet": 100 << 20}
	for _, format := range Formats() {
		runtime.GC()
		var before runtime.MemStats
		runtime.ReadMemStats(&before)
		peak := &peakWriter{}
		// Two thirds of a million rows, some 70 MB of text.
		if err := format.Encoder.Encode(peak, NewFrame(priceFields, &again{record, 80}, NoLimit)); err != nil {
			t.Fatal(err)
		}
		if grown := peak.live - min(peak.live, before.HeapAlloc); grown > bounds[format.Name] {
			t.Errorf("%s holds %d MB of an answer of %d MB", format.Name, grown>>20, peak.written>>20)
		}
	}
}

// peakWriter looks at the memory in use every few megabytes.
type peakWriter struct {
	written, looked int
	live            uint64
}

func (w *peakWriter) Write(p []byte) (int, error) {
	if w.written += len(p); w.written-w.looked > 4<<20 {
		w.looked = w.written
		runtime.GC() // what is left is in use
		var now runtime.MemStats
		runtime.ReadMemStats(&now)
		w.live = max(w.live, now.HeapAlloc)
	}
	return len(p), nil
}

// Whatever a record holds, JSON is JSON and says the same; CSV is CSV.
func FuzzCells(f *testing.F) {
	f.Add("text", []byte("bytes"), int64(1), uint64(2), 0.5, int32(3), true)
	f.Add("\x00\"\\\n,日本", []byte{0xff, 0xfe}, int64(math.MinInt64), uint64(math.MaxUint64), math.Inf(-1), int32(-719528), false)
	f.Add("", []byte(" "), int64(-1), uint64(0), math.Copysign(0, -1), int32(2932896), false)
	schema := arrow.NewSchema([]arrow.Field{
		{Name: "s", Type: arrow.BinaryTypes.String, Nullable: true},
		{Name: "b", Type: arrow.BinaryTypes.Binary},
		{Name: "i", Type: arrow.PrimitiveTypes.Int64},
		{Name: "u", Type: arrow.PrimitiveTypes.Uint64},
		{Name: "f", Type: arrow.PrimitiveTypes.Float64},
		{Name: "t", Type: arrow.FixedWidthTypes.Timestamp_ns},
		{Name: "d", Type: arrow.FixedWidthTypes.Date32},
	}, nil)
	fields := []Field{
		{Key: "s", Type: TypeString}, {Key: "b", Type: TypeString}, {Key: "i", Type: TypeString}, {Key: "u", Type: TypeInteger},
		{Key: "f", Type: TypeNumber}, {Key: "t", Type: TypeDateTime}, {Key: "d", Type: TypeDate},
	}
	f.Fuzz(func(t *testing.T, s string, raw []byte, i int64, u uint64, v float64, day int32, null bool) {
		b := array.NewRecordBuilder(memory.DefaultAllocator, schema)
		defer b.Release()
		if null {
			b.Field(0).AppendNull()
		} else {
			b.Field(0).(*array.StringBuilder).Append(s)
		}
		b.Field(1).(*array.BinaryBuilder).Append(raw)
		b.Field(2).(*array.Int64Builder).Append(i)
		b.Field(3).(*array.Uint64Builder).Append(u)
		b.Field(4).(*array.Float64Builder).Append(v)
		b.Field(5).(*array.TimestampBuilder).Append(arrow.Timestamp(i))
		b.Field(6).(*array.Date32Builder).Append(arrow.Date32(day))
		record := b.NewRecord()
		defer record.Release()

		var text bytes.Buffer
		if err := (JSON{}).Encode(&text, NewFrame(fields, &again{record, 1}, NoLimit)); err != nil {
			t.Fatal(err)
		}
		if !utf8.Valid(text.Bytes()) || !json.Valid(text.Bytes()) {
			t.Fatalf("no JSON: %q", text.Bytes())
		}
		var got struct {
			Rows []struct {
				S, B *string
				I    string
				U    json.Number
				F    *float64
			}
		}
		if err := json.Unmarshal(text.Bytes(), &got); err != nil {
			t.Fatal(err)
		}
		row := got.Rows[0]
		if (row.S == nil) != null || !null && *row.S != string([]rune(s)) || *row.B != string([]rune(string(raw))) {
			t.Errorf("texts %q, %q: %s", s, raw, text.Bytes())
		}
		if row.I != fmt.Sprint(i) || row.U.String() != fmt.Sprint(u) {
			t.Errorf("integers %d, %d: %s", i, u, text.Bytes())
		}
		if finite := !math.IsNaN(v) && !math.IsInf(v, 0); (row.F != nil) != finite || finite && math.Float64bits(*row.F) != math.Float64bits(v) {
			t.Errorf("float %v: %s", v, text.Bytes())
		}

		text.Reset()
		if err := (CSV{}).Encode(&text, NewFrame(fields, &again{record, 1}, NoLimit)); err != nil {
			t.Fatal(err)
		}
		lines, err := csv.NewReader(bytes.NewReader(text.Bytes())).ReadAll()
		if err != nil || len(lines) != 2 {
			t.Fatalf("no CSV: %v: %q", err, text.Bytes())
		}
		// The reader takes \r\n inside quotes for \n.
		if want := strings.ReplaceAll(s, "\r\n", "\n"); !null && lines[1][0] != want {
			t.Errorf("%q in CSV is %q", s, lines[1][0])
		}
	})
}

// What a request says of numbers holds for dictionaries of them too, and a frame gives its
// source back as soon as it has all it will hand out.
func TestRepresentAndRelease(t *testing.T) {
	t.Parallel()
	typ := &arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int8, ValueType: arrow.PrimitiveTypes.Uint64}
	values := array.NewUint64Builder(memory.DefaultAllocator)
	values.Append(math.MaxUint64)
	indices := array.NewInt8Builder(memory.DefaultAllocator)
	indices.AppendValues([]int8{0, 0, 0}, nil)
	schema := arrow.NewSchema([]arrow.Field{{Name: "k", Type: typ}}, nil)
	record := array.NewRecord(schema, []arrow.Array{array.NewDictionaryArray(typ, indices.NewArray(), values.NewArray())}, 3)
	for _, test := range []struct {
		int64s string
		want   string // empty for an error
	}{
		{"", ""}, {"auto", ""},
		{"string", `{"k":"18446744073709551615"}`},
		{"number", `{"k":18446744073709551615}`},
	} {
		source := &closing{listed: listed{schema: schema, records: []arrow.Record{record, record}}}
		f := NewFrame([]Field{{Key: "k", Type: TypeInteger, Safe: true}}, source, 2)
		f.Represent(test.int64s, "")
		var got bytes.Buffer
		err := NDJSON{}.Encode(&got, f)
		if want := strings.Repeat(test.want+"\n", 2); test.want != "" && (err != nil || got.String() != want) || test.want == "" && err == nil {
			t.Errorf("int64=%s: %v, %s", test.int64s, err, got.String())
		}
		if !source.closed {
			t.Errorf("int64=%s: the source of a frame that is full is still held", test.int64s)
		}
		f.Close()
	}
}

type closing struct {
	listed
	closed bool
}

func (c *closing) Close() error { c.closed = true; return nil }

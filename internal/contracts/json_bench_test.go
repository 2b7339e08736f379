package contracts

import (
	"io"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"
)

var priceFields = []Field{
	{Key: "time", Type: TypeDateTime, Provenance: "backend"},
	{Key: "unique_identifier", Type: TypeString, Provenance: "backend"},
	{Key: "open", Type: TypeNumber, Nullable: true, Provenance: "backend"},
	{Key: "close", Type: TypeNumber, Nullable: true, Provenance: "backend"},
	{Key: "volume", Type: TypeInteger, Provenance: "backend"},
}

// prices is a record as dashboards fetch them.
func prices(rows int) arrow.Record {
	schema := arrow.NewSchema([]arrow.Field{
		{Name: "time", Type: arrow.FixedWidthTypes.Timestamp_ms},
		{Name: "unique_identifier", Type: &arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int32, ValueType: arrow.BinaryTypes.String}},
		{Name: "open", Type: arrow.PrimitiveTypes.Float64},
		{Name: "close", Type: arrow.PrimitiveTypes.Float64},
		{Name: "volume", Type: arrow.PrimitiveTypes.Uint64},
	}, nil)
	b := array.NewRecordBuilder(memory.DefaultAllocator, schema)
	defer b.Release()
	identifiers := []string{"AAPL", "MSFT", "GOOG", "AMZN", "NVDA"}
	for i := range rows {
		b.Field(0).(*array.TimestampBuilder).Append(arrow.Timestamp(1767225600000 + int64(i)*60_000))
		if err := b.Field(1).(*array.BinaryDictionaryBuilder).AppendString(identifiers[i%len(identifiers)]); err != nil {
			panic(err)
		}
		b.Field(2).(*array.Float64Builder).Append(float64(10_000+i*7%50_000) / 100)
		b.Field(3).(*array.Float64Builder).Append(float64(10_000+i*11%50_000) / 100)
		b.Field(4).(*array.Uint64Builder).Append(uint64(i) * 1237)
	}
	return b.NewRecord()
}

// again hands out the same record once for each frame.
type again struct {
	record arrow.Record
	left   int
}

func (a *again) Schema() *arrow.Schema { return a.record.Schema() }
func (a *again) Close() error          { return nil }
func (a *again) Next() (arrow.Record, error) {
	if a.left--; a.left < 0 {
		return nil, io.EOF
	}
	return a.record, nil
}

func BenchmarkJSON(b *testing.B) {
	const rows = 64 << 10
	record := prices(rows)
	defer record.Release()
	var size countedSize
	b.ReportAllocs()
	for b.Loop() {
		size = 0
		if err := (JSON{}).Encode(&size, NewFrame(priceFields, &again{record, 1}, NoLimit)); err != nil {
			b.Fatal(err)
		}
	}
	b.SetBytes(int64(size))
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/rows, "ns/row")
}

type countedSize int64

func (s *countedSize) Write(p []byte) (int, error) {
	*s += countedSize(len(p))
	return len(p), nil
}

// What a frame costs in allocations does not grow with its rows.
func TestJSONAllocations(t *testing.T) {
	allocations := func(rows int) float64 {
		record := prices(rows)
		defer record.Release()
		return testing.AllocsPerRun(10, func() {
			if err := (JSON{}).Encode(io.Discard, NewFrame(priceFields, &again{record, 1}, NoLimit)); err != nil {
				t.Fatal(err)
			}
		})
	}
	// A few for what a pool has given up in between.
	if few, many := allocations(100), allocations(20_000); many > few+20 {
		t.Errorf("100 rows take %v allocations, 20,000 take %v", few, many)
	}
}

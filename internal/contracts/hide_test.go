package contracts

import (
	"errors"
	"io"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/decimal256"
	"github.com/apache/arrow/go/v17/arrow/memory"
)

func hiddenPairs(t *testing.T, pool memory.Allocator, n int) arrow.Record {
	t.Helper()
	b := array.NewRecordBuilder(pool, arrow.NewSchema([]arrow.Field{
		{Name: "shown", Type: arrow.PrimitiveTypes.Int64}, {Name: "hidden", Type: arrow.BinaryTypes.String},
	}, nil))
	defer b.Release()
	for i := range n {
		b.Field(0).(*array.Int64Builder).Append(int64(i))
		b.Field(1).(*array.StringBuilder).Append(strings.Repeat("x", i))
	}
	return b.NewRecord()
}

// What is hidden is seen by us alone, and the memory of all is given back.
func TestHide(t *testing.T) {
	t.Parallel()
	pool := memory.NewCheckedAllocator(memory.DefaultAllocator)
	defer pool.AssertSize(t, 0)
	var seen []string
	f := NewFrame([]Field{{Key: "shown", Type: TypeInteger}}, Hide(OneRecord(hiddenPairs(t, pool, 5)), 1, func(r arrow.Record) (int64, error) {
		for i := range int(r.NumRows()) {
			seen = append(seen, r.Column(1).(*array.String).Value(i))
		}
		return 2, nil
	}), 2)
	cuts := 0
	f.WhenCut(func() { cuts++; f.Meta.Tabular.NextCursor = "next" })
	if f.Schema().NumFields() != 1 {
		t.Errorf("schema %v", f.Schema())
	}
	record, err := f.Next()
	if err != nil {
		t.Fatal(err)
	}
	if got := record.Column(0).(*array.Int64).Int64Values(); !slices.Equal(got, []int64{2, 3}) || record.NumCols() != 1 {
		t.Errorf("rows %v", got)
	}
	if _, err := f.Next(); err != io.EOF {
		t.Error(err)
	}
	f.Close()
	if !slices.Equal(seen, []string{"", "x", "xx", "xxx", "xxxx"}) || cuts != 1 || f.Meta.Tabular.NextCursor != "next" || !f.Meta.Tabular.Truncated {
		t.Errorf("seen %q, %d cuts, %+v", seen, cuts, f.Meta.Tabular)
	}

	failure := errors.New("no")
	f = NewFrame([]Field{{Key: "shown"}}, Hide(OneRecord(hiddenPairs(t, pool, 1)), 1, func(arrow.Record) (int64, error) { return 0, failure }), 1)
	f.WhenCut(func() { t.Error("a failure is no cut") })
	if _, err := f.Next(); !errors.Is(err, failure) {
		t.Error(err)
	}
	f.Close()
}

// A frame that is whole was not cut.
func TestWhenCut(t *testing.T) {
	t.Parallel()
	f := NewFrame([]Field{{Key: "shown"}, {Key: "hidden"}}, OneRecord(hiddenPairs(t, memory.DefaultAllocator, 3)), 3)
	f.WhenCut(func() { t.Error("cut") })
	if settled, err := f.Settle(); !settled || err != nil || f.Meta.Tabular.RowCount != 3 {
		t.Errorf("%v, %v, %+v", settled, err, f.Meta.Tabular)
	}
	f.Close()
}

// While rows are still coming, an Arrow stream says nothing of a next page.
func TestEnvelopeOfThePage(t *testing.T) {
	t.Parallel()
	total := int64(7)
	for _, settle := range []bool{true, false} {
		f := NewFrame([]Field{{Key: "shown", Type: TypeInteger}, {Key: "hidden", Type: TypeString}}, OneRecord(hiddenPairs(t, memory.DefaultAllocator, 3)), 2)
		f.WhenCut(func() { f.Meta.Tabular.NextCursor = "next" })
		f.Meta.Tabular.TotalRows, f.Meta.Tabular.TotalRowsKind = &total, TotalExact
		if settle {
			if _, err := f.Settle(); err != nil {
				t.Fatal(err)
			}
		}
		text, err := f.envelope()
		if err != nil || strings.Contains(text, `"nextCursor":"next"`) != settle || !strings.Contains(text, `"totalRows":7,"totalRowsKind":"exact"`) {
			t.Errorf("settled %v: %s, %v", settle, text, err)
		}
		f.Close()
	}
}

func TestCellText(t *testing.T) {
	t.Parallel()
	floats := array.NewFloat64Builder(memory.DefaultAllocator)
	floats.AppendValues([]float64{math.NaN(), math.Inf(1), math.Inf(-1), math.Copysign(0, -1), 0.1, 5e-324, 1e308}, nil)
	floats.AppendNull()
	texts := array.NewStringBuilder(memory.DefaultAllocator)
	texts.AppendValues([]string{"", "a\x00\xff\"'", "NULL"}, nil)
	digits, err := decimal256.FromString("-1234567890123456789012345678901234567890123456789012345678901234567890.123456", 76, 6)
	if err != nil {
		t.Fatal(err)
	}
	decimals := array.NewDecimal256Builder(memory.DefaultAllocator, &arrow.Decimal256Type{Precision: 76, Scale: 6})
	decimals.Append(digits)
	instants := array.NewTimestampBuilder(memory.DefaultAllocator, &arrow.TimestampType{Unit: arrow.Nanosecond, TimeZone: "UTC"})
	instants.AppendValues([]arrow.Timestamp{-1, math.MaxInt64}, nil)
	dictionary := array.NewDictionaryBuilder(memory.DefaultAllocator, &arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int32, ValueType: arrow.BinaryTypes.String}).(*array.BinaryDictionaryBuilder)
	for _, text := range []string{"b", "a", "b"} {
		if err := dictionary.AppendString(text); err != nil {
			t.Fatal(err)
		}
	}
	dictionary.AppendNull()
	for _, test := range []struct {
		column arrow.Array
		want   []string
	}{
		{floats.NewArray(), []string{"nan", "inf", "-inf", "-0", "0.1", "5e-324", "1e+308", "(null)"}},
		{texts.NewArray(), []string{"", "a\x00\xff\"'", "NULL"}},
		{decimals.NewArray(), []string{"-1234567890123456789012345678901234567890123456789012345678901234567890.123456"}},
		{instants.NewArray(), []string{"1969-12-31T23:59:59.999999999Z", "2262-04-11T23:47:16.854775807Z"}},
		{dictionary.NewArray(), []string{"b", "a", "b", "(null)"}},
		{array.NewNull(1), []string{"(null)"}},
	} {
		for row, want := range test.want {
			got, null, err := CellText(test.column, row)
			if null {
				got = "(null)"
			}
			if err != nil || got != want {
				t.Errorf("%s: %q, %v, want %q", test.column.DataType(), got, err, want)
			}
		}
	}
}

package contracts

import (
	"errors"
	"fmt"
	"io"
	"runtime"
	"slices"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"
)

// batches is a source of rows that hands out records of int64, and then fails or ends.
type batches struct {
	schema  *arrow.Schema
	records []arrow.Record
	end     error
	asked   int
	closed  int
}

var numberSchema = arrow.NewSchema([]arrow.Field{{Name: "n", Type: arrow.PrimitiveTypes.Int64}}, nil)

var numberFields = []Field{{Key: "n", Type: TypeInteger, Provenance: "backend"}}

// numbers makes a source with batches of the given sizes, counting from 0.
func numbers(mem memory.Allocator, end error, sizes ...int) *batches {
	b := &batches{schema: numberSchema, end: end}
	n := int64(0)
	for _, size := range sizes {
		builder := array.NewInt64Builder(mem)
		for range size {
			builder.Append(n)
			n++
		}
		column := builder.NewArray()
		b.records = append(b.records, array.NewRecord(numberSchema, []arrow.Array{column}, int64(size)))
		column.Release()
		builder.Release()
	}
	return b
}

func (b *batches) Schema() *arrow.Schema { return b.schema }

func (b *batches) Next() (arrow.Record, error) {
	b.asked++
	if len(b.records) == 0 {
		return nil, b.end
	}
	record := b.records[0]
	b.records = b.records[1:]
	return record, nil
}

func (b *batches) Close() error { b.closed++; return nil }

// read takes all rows of a frame of numbers.
func read(f *Frame) (rows []int64, err error) {
	for {
		record, err := f.Next()
		if err != nil {
			return rows, err
		}
		rows = append(rows, record.Column(0).(*array.Int64).Int64Values()...)
	}
}

func TestFrameLimit(t *testing.T) {
	t.Parallel()
	tests := []struct {
		limit     int64
		sizes     []int
		rows      int
		truncated bool
	}{
		{NoLimit, nil, 0, false},
		{NoLimit, []int{3, 4}, 7, false},
		{5, nil, 0, false},
		{5, []int{4}, 4, false},
		{5, []int{5}, 5, false},
		{5, []int{6}, 5, true},
		{5, []int{2, 3}, 5, false},
		{5, []int{2, 3, 0}, 5, false},
		{5, []int{2, 3, 1}, 5, true},
		{5, []int{2, 2, 2}, 5, true},
		{5, []int{0, 0, 5, 0, 1}, 5, true},
		{5, []int{1, 1, 1, 1, 1, 1}, 5, true},
		{5, []int{100, 100}, 5, true},
		{0, []int{1}, 0, true},
		{0, nil, 0, false},
	}
	for _, test := range tests {
		t.Run(fmt.Sprint(test.limit, test.sizes), func(t *testing.T) {
			mem := memory.NewCheckedAllocator(memory.DefaultAllocator)
			defer mem.AssertSize(t, 0)
			source := numbers(mem, io.EOF, test.sizes...)
			for _, record := range source.records {
				defer record.Release()
			}
			f := NewFrame(numberFields, source, test.limit)
			rows, err := read(f)
			if err != io.EOF {
				t.Fatal(err)
			}
			want := make([]int64, test.rows)
			for i := range want {
				want[i] = int64(i)
			}
			if !slices.Equal(rows, want) {
				t.Errorf("got rows %d", rows)
			}
			if got := f.Meta.Tabular; got.RowCount != int64(test.rows) || got.Truncated != test.truncated {
				t.Errorf("got %+v, want %d rows, truncated %t", got, test.rows, test.truncated)
			}
			asked := source.asked
			if _, err := f.Next(); err != io.EOF || source.asked != asked {
				t.Errorf("after the end: %v, and the source was asked %d times more", err, source.asked-asked)
			}
			f.Close()
		})
	}
}

// An answer of many rows is read by another goroutine than writes it, which asks whether the
// headers can say how many there are. The race detector sees it if they need more than that.
func TestSettledWhileRead(t *testing.T) {
	t.Parallel()
	source := numbers(memory.DefaultAllocator, io.EOF, 1, 2, 3)
	for _, record := range source.records {
		defer record.Release()
	}
	f := NewFrame(numberFields, source, 5)
	f.WhenCut(func() { f.Meta.Tabular.NextCursor = "next" })
	done := make(chan error)
	go func() {
		_, err := read(f)
		done <- err
	}()
	for !f.Settled() {
		runtime.Gosched()
	}
	if got := f.Meta.Tabular; got.RowCount != 5 || !got.Truncated || got.NextCursor != "next" {
		t.Errorf("a settled frame says %+v", got)
	}
	if err := <-done; err != io.EOF {
		t.Error(err)
	}
	f.Close()
}

// A failure stays a failure however often a reader asks, and never looks like the end.
func TestFrameFailure(t *testing.T) {
	t.Parallel()
	ours := &Error{Code: CodeUnavailable, Detail: "away", Cause: fmt.Errorf("read: %w", io.EOF)}
	tests := []struct {
		name string
		err  error
		code Code
	}{
		{"plain", errors.New("cut"), CodeInternal},
		{"an EOF deep inside", fmt.Errorf("connection: %w", io.EOF), CodeInternal},
		{"an EOF inside an error of ours", ours, CodeUnavailable},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			f := NewFrame(numberFields, numbers(memory.DefaultAllocator, test.err, 2), NoLimit)
			rows, err := read(f)
			if len(rows) != 2 || err == nil || errors.Is(err, io.EOF) {
				t.Fatalf("got %d, %v", rows, err)
			}
			if code := AsError(err).Code; code != test.code {
				t.Errorf("got code %s, want %s", code, test.code)
			}
			f.records = numbers(memory.DefaultAllocator, io.EOF)
			if _, again := f.Next(); again != err {
				t.Errorf("asked again: %v", again)
			}
		})
	}
}

func TestFrameClosedEarly(t *testing.T) {
	t.Parallel()
	source := numbers(memory.DefaultAllocator, io.EOF, 2, 2)
	f := NewFrame(numberFields, source, NoLimit)
	if _, err := f.Next(); err != nil {
		t.Fatal(err)
	}
	f.Close()
	if _, err := f.Next(); err == nil || errors.Is(err, io.EOF) {
		t.Errorf("a closed frame answers %v, which passes for its end", err)
	}
	if source.closed != 1 {
		t.Errorf("the source was closed %d times", source.closed)
	}
}

func TestOneRecord(t *testing.T) {
	t.Parallel()
	mem := memory.NewCheckedAllocator(memory.DefaultAllocator)
	defer mem.AssertSize(t, 0)
	r := OneRecord(numbers(mem, nil, 3).records[0])
	if record, err := r.Next(); err != nil || record.NumRows() != 3 {
		t.Fatal(record, err)
	}
	if _, err := r.Next(); err != io.EOF {
		t.Errorf("a second record: %v", err)
	}
	for range 2 {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestRows(t *testing.T) {
	t.Parallel()
	type row struct {
		N int64 `json:"n"`
	}
	rows, err := Rows[row](NewFrame(numberFields, numbers(memory.DefaultAllocator, io.EOF, 2, 1), NoLimit))
	if err != nil || !slices.Equal(rows, []row{{0}, {1}, {2}}) {
		t.Errorf("got %v, %v", rows, err)
	}
	rows, err = Rows[row](NewFrame(numberFields, numbers(memory.DefaultAllocator, io.EOF), NoLimit))
	if err != nil || rows == nil || len(rows) != 0 {
		t.Errorf("of nothing got %#v, %v", rows, err)
	}
	cut := errors.New("cut")
	source := numbers(memory.DefaultAllocator, cut, 2)
	if rows, err := Rows[row](NewFrame(numberFields, source, NoLimit)); !errors.Is(err, cut) || rows != nil {
		t.Errorf("of a cut frame got %v, %v", rows, err)
	}
	if source.closed == 0 {
		t.Error("the frame was not closed")
	}
	if _, err := Rows[struct{ M int64 }](NewFrame(numberFields, numbers(memory.DefaultAllocator, io.EOF, 1), NoLimit)); err == nil {
		t.Error("a column that the type does not have was dropped")
	}
}

package ingest

import (
	"errors"
	"fmt"
	"io"
	"math"
	"math/big"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/ipc"
	"github.com/apache/arrow/go/v17/arrow/memory"
)

// readArrow reads an Arrow stream, which must end with its mark: a stream that was cut
// between two batches looks whole but for that.
func readArrow(body io.Reader, b *builder) error {
	memory := newBounded(b)
	defer memory.release()
	stream := &checkedMessages{stream: body, most: b.limits.Bytes}
	messages := ipc.NewMessageReader(stream, ipc.WithAllocator(memory))
	defer messages.Release()
	r, err := ipc.NewReaderFromMessageReader(endMark{messages}, ipc.WithAllocator(memory))
	if err != nil {
		return memory.explain(fmt.Errorf("the body is no Arrow stream: %w", err))
	}
	defer r.Release()
	fields := r.Schema().Fields()
	columns, err := b.header(len(fields), func(i int) string { return fields[i].Name })
	if err != nil {
		return err
	}
	for i, field := range fields {
		if !understood(field.Type) {
			return b.headerFault(fields[i].Name, "Cast it to a plain type; a list or map is sent as text that holds JSON.",
				fmt.Sprintf("has the Arrow type %s, which is not understood", field.Type))
		}
	}
	for {
		record, err := r.Read()
		if err == io.EOF {
			break
		}
		if err != nil {
			return memory.explain(fmt.Errorf("the Arrow stream is damaged after row %d: %w", b.row, err))
		}
		if err := b.record(record, columns); err != nil {
			return err
		}
	}
	if n, err := io.Copy(io.Discard, body); n > 0 || err != nil {
		return errors.Join(errors.New("something follows the end of the Arrow stream"), err)
	}
	return b.done()
}

// endMark tells the mark at the end of a stream, for which the library answers io.EOF,
// from bytes that just end.
type endMark struct{ ipc.MessageReader }

func (m endMark) Message() (*ipc.Message, error) {
	message, err := m.MessageReader.Message()
	if err != io.EOF && errors.Is(err, io.EOF) {
		err = errors.New("it ends without the mark of its end")
	}
	return message, err
}

// record takes the rows of a record batch.
func (b *builder) record(record arrow.Record, columns []int) error {
	cells := make([]func(int) value, len(columns))
	for i := range columns {
		column := record.Column(i)
		if int64(column.Len()) != record.NumRows() {
			return errors.New("the columns of the Arrow stream have different lengths")
		}
		cells[i] = arrowCells(column)
	}
	for row := range int(record.NumRows()) {
		if err := b.begin(); err != nil {
			return err
		}
		for i, column := range columns {
			if record.Column(i).IsNull(row) {
				b.set(column, value{})
			} else {
				b.set(column, cells[i](row))
			}
		}
		if err := b.end(); err != nil {
			return err
		}
	}
	return nil
}

// understood tells whether arrowCells reads a type. It is asked before there is a record:
// of what is nested, the library believes how many parts there are.
func understood(t arrow.DataType) bool {
	switch t := t.(type) {
	case *arrow.NullType, *arrow.BooleanType, *arrow.Int8Type, *arrow.Int16Type, *arrow.Int32Type, *arrow.Int64Type,
		*arrow.Uint8Type, *arrow.Uint16Type, *arrow.Uint32Type, *arrow.Uint64Type, *arrow.Float32Type, *arrow.Float64Type,
		*arrow.Decimal128Type, *arrow.Decimal256Type, *arrow.StringType, *arrow.LargeStringType, *arrow.BinaryType, *arrow.LargeBinaryType,
		*arrow.FixedSizeBinaryType, *arrow.Date32Type, *arrow.Date64Type, *arrow.TimestampType, *arrow.Time32Type, *arrow.Time64Type:
		return true
	case *arrow.DictionaryType:
		_, nested := t.ValueType.(*arrow.DictionaryType)
		return !nested && understood(t.ValueType)
	}
	return false
}

// arrowCells reads the cells of a column that are not null. A value lasts until the next one is read.
func arrowCells(column arrow.Array) func(int) value {
	var buffer []byte
	switch column := column.(type) {
	case *array.Null:
		return func(int) value { return value{} }
	case *array.Boolean:
		return func(i int) value { return value{boolean, strconv.AppendBool(buffer[:0], column.Value(i))} }
	case *array.Int8:
		return func(i int) value { return integer(buffer, int64(column.Value(i))) }
	case *array.Int16:
		return func(i int) value { return integer(buffer, int64(column.Value(i))) }
	case *array.Int32:
		return func(i int) value { return integer(buffer, int64(column.Value(i))) }
	case *array.Int64:
		return func(i int) value { return integer(buffer, column.Value(i)) }
	case *array.Uint8:
		return func(i int) value { return natural(buffer, uint64(column.Value(i))) }
	case *array.Uint16:
		return func(i int) value { return natural(buffer, uint64(column.Value(i))) }
	case *array.Uint32:
		return func(i int) value { return natural(buffer, uint64(column.Value(i))) }
	case *array.Uint64:
		return func(i int) value { return natural(buffer, column.Value(i)) }
	case *array.Float32:
		return func(i int) value { return float(buffer, float64(column.Value(i)), 32) }
	case *array.Float64:
		return func(i int) value { return float(buffer, column.Value(i), 64) }
	case *array.Decimal128:
		scale := column.DataType().(*arrow.Decimal128Type).Scale
		return func(i int) value { return decimal(column.Value(i).BigInt(), int(scale)) }
	case *array.Decimal256:
		scale := column.DataType().(*arrow.Decimal256Type).Scale
		return func(i int) value { return decimal(column.Value(i).BigInt(), int(scale)) }
	case *array.String:
		return func(i int) value { return value{text, []byte(column.Value(i))} }
	case *array.LargeString:
		return func(i int) value { return value{text, []byte(column.Value(i))} }
	case *array.Binary:
		return func(i int) value { return value{text, column.Value(i)} }
	case *array.LargeBinary:
		return func(i int) value { return value{text, column.Value(i)} }
	case *array.FixedSizeBinary:
		return func(i int) value { return value{text, column.Value(i)} }
	case *array.Date32:
		return func(i int) value { return at(column.Value(i).ToTime()) }
	case *array.Date64:
		return func(i int) value { return at(column.Value(i).ToTime()) }
	case *array.Timestamp:
		unit := column.DataType().(*arrow.TimestampType).Unit
		return func(i int) value { return at(column.Value(i).ToTime(unit)) }
	case *array.Time32:
		unit := column.DataType().(*arrow.Time32Type).Unit.Multiplier()
		return func(i int) value { return clock(int64(column.Value(i)), unit) }
	case *array.Time64:
		unit := column.DataType().(*arrow.Time64Type).Unit.Multiplier()
		return func(i int) value { return clock(int64(column.Value(i)), unit) }
	case *array.Dictionary:
		words := column.Dictionary()
		cells := arrowCells(words)
		return func(i int) value {
			if n := column.GetValueIndex(i); !words.IsNull(n) {
				return cells(n)
			}
			return value{}
		}
	}
	return nil
}

// Values as another format would write them.

func integer(buffer []byte, n int64) value {
	return value{number, strconv.AppendInt(buffer[:0], n, 10)}
}

func natural(buffer []byte, n uint64) value {
	return value{number, strconv.AppendUint(buffer[:0], n, 10)}
}

// float writes a whole number without an exponent as far as a float tells them all apart:
// pandas makes floats of integers when one of them is missing.
func float(buffer []byte, f float64, bits int) value {
	switch size := math.Abs(f); {
	case math.IsNaN(f):
		return value{number, []byte("nan")}
	case math.IsInf(f, 0):
		return value{number, []byte(map[bool]string{true: "inf", false: "-inf"}[f > 0])}
	case size < 1<<53 && (size >= 1e-9 || size == 0):
		return value{number, strconv.AppendFloat(buffer[:0], f, 'f', -1, bits)}
	}
	return value{number, strconv.AppendFloat(buffer[:0], f, 'g', -1, bits)}
}

func decimal(unscaled *big.Int, scale int) value {
	digits := new(big.Int).Abs(unscaled).String()
	switch {
	case scale < 0 && scale > -100:
		digits += strings.Repeat("0", -scale)
	case scale > 0 && scale < 100:
		if missing := scale + 1 - len(digits); missing > 0 {
			digits = strings.Repeat("0", missing) + digits
		}
		digits = digits[:len(digits)-scale] + "." + digits[len(digits)-scale:]
	}
	if unscaled.Sign() < 0 {
		digits = "-" + digits
	}
	return value{number, []byte(digits)}
}

// at is an instant; midnight is a date, which an instant of that day is read from as well.
func at(t time.Time) value {
	t = t.UTC()
	if t.Hour() == 0 && t.Minute() == 0 && t.Second() == 0 && t.Nanosecond() == 0 {
		return value{instant, t.AppendFormat(nil, time.DateOnly)}
	}
	return value{instant, t.AppendFormat(nil, time.RFC3339Nano)}
}

// clock is a time of day, or at least one of as many days as can be counted in nanoseconds.
func clock(n int64, unit time.Duration) value {
	d, sign := time.Duration(n)*unit, ""
	if d/unit != time.Duration(n) || d == math.MinInt64 {
		return value{instant, strconv.AppendInt(nil, n, 10)} // which is none, and is refused
	}
	if d < 0 {
		sign, d = "-", -d
	}
	s := fmt.Sprintf("%s%02d:%02d:%02d", sign, d/time.Hour, d/time.Minute%60, d/time.Second%60)
	if nanos := d % time.Second; nanos > 0 {
		s += strings.TrimRight(fmt.Sprintf(".%09d", nanos), "0")
	}
	return value{instant, []byte(s)}
}

// bounded is memory for the libraries, which take it as a file says: what is more than a
// body may have, or than there is in the budget, makes them stop.
type bounded struct {
	budget  *Budget
	most    int64
	held    atomic.Int64
	beside  atomic.Int64 // of what the libraries do not ask for
	refused error
	tooMuch error
}

var _ memory.Allocator = (*bounded)(nil)

func newBounded(b *builder) *bounded {
	return &bounded{budget: b.rows.budget, most: b.limits.Bytes, tooMuch: tooLarge(b.limits)}
}

// Allocate implements memory.Allocator.
func (m *bounded) Allocate(size int) []byte {
	if size < 0 || m.held.Load()+int64(size) > m.most {
		m.refused = m.tooMuch
		panic(m.refused)
	}
	if err := m.budget.take(int64(size)); err != nil {
		m.refused = err
		panic(err)
	}
	m.held.Add(int64(size))
	return memory.DefaultAllocator.Allocate(size)
}

// hold takes memory for what the libraries keep beside what they ask for.
func (m *bounded) hold(n int64) error {
	if err := m.budget.take(n); err != nil {
		m.refused = err
		return err
	}
	m.beside.Add(n)
	return nil
}

// Reallocate implements memory.Allocator.
func (m *bounded) Reallocate(size int, b []byte) []byte {
	if size <= cap(b) {
		return b[:size]
	}
	grown := m.Allocate(size)
	copy(grown, b)
	m.Free(b)
	return grown
}

// Free implements memory.Allocator.
func (m *bounded) Free(b []byte) {
	// What was given out once is given back once, whatever its length is by now.
	if m.held.Add(-int64(cap(b))) < 0 {
		m.held.Add(int64(cap(b)))
		return
	}
	m.budget.give(int64(cap(b)))
}

// release gives back what the library kept.
func (m *bounded) release() { m.budget.give(m.held.Swap(0) + m.beside.Swap(0)) }

// explain is why the library failed, if it was for want of memory.
func (m *bounded) explain(err error) error {
	if m.refused != nil {
		return m.refused
	}
	return err
}

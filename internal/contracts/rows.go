package contracts

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"runtime"
	"slices"
	"sync"

	"github.com/apache/arrow/go/v17/arrow"
)

// rowStyle is what tells the formats apart that are written row by row.
type rowStyle struct {
	cells   cellStyle
	before  []lead // what stands before the cell of each column
	end     string // what ends a row
	between string // what stands between two rows
	turn    lead   // what stands between the last cell of a row and the first of the next
}

// lead is a text that is appended again and again.
type lead struct {
	text []byte // with room to read a block from
	size int
}

func newLead(text []byte) lead {
	return lead{append(slices.Clip(text), make([]byte, blockSize)...), len(text)}
}

// chunkRows is how many rows are encoded in one go at most: some hundreds of kilobytes of
// text, large beside the cost of handing it over, and small enough that a client sees the
// first soon. An answer of no more rows is encoded where it is asked for.
const chunkRows = 4096

// chunkBytes is how much of a batch is encoded in one go, so that a few chunks of wide
// rows take no more memory than those of narrow ones.
const chunkBytes = 256 << 10

// chunkOf is the number of rows of a batch that make a chunk.
func chunkOf(record arrow.Record) int {
	return max(1, min(chunkRows, chunkBytes*int(record.NumRows())/sizeOf(record)))
}

// mostEncoders bounds the rows of one answer that are encoded side by side.
const mostEncoders = 4

// newRowStyle returns the style of rows with these cells and separators.
func newRowStyle(cells cellStyle, before [][]byte, end, between string) *rowStyle {
	s := &rowStyle{cells: cells, end: end, between: between, before: make([]lead, len(before))}
	for i, text := range before {
		s.before[i] = newLead(text)
	}
	if len(before) > 0 {
		s.turn = newLead(append([]byte(end+between), before[0]...))
	}
	return s
}

// write appends the rows of a frame to buf, flushing to w as it goes, and returns what
// is not written yet. Batches are encoded side by side on the cores there are and
// written in order; no more than a few chunks are in memory.
func (s *rowStyle) write(w io.Writer, buf []byte, f *Frame) ([]byte, error) {
	first := true
	for {
		record, err := f.Next()
		if err == io.EOF {
			return buf, nil
		}
		if err != nil {
			return buf, err
		}
		cells, err := s.cellsOf(f.Fields, record)
		if err != nil {
			return buf, err
		}
		if record.NumRows() > chunkRows && runtime.GOMAXPROCS(0) > 1 {
			return s.writeSideBySide(w, buf, f, record, cells, first)
		}
		if buf, err = s.writeRows(w, buf, record, cells, first); err != nil {
			return buf, err
		}
		first = first && record.NumRows() == 0
	}
}

func (s *rowStyle) cellsOf(fields []Field, record arrow.Record) ([]cellWriter, error) {
	if int(record.NumCols()) != len(fields) || len(fields) == 0 {
		return nil, fmt.Errorf("frame has %d fields, its records %d columns", len(fields), record.NumCols())
	}
	cells := make([]cellWriter, len(fields))
	for i, field := range fields {
		var err error
		if cells[i], err = newCellWriter(field, record.Column(i), s.cells); err != nil {
			return nil, err
		}
	}
	return cells, nil
}

// runRows is how many rows are encoded at most between two looks at the size of the buffer.
const runRows = 64

// writeRows encodes a batch here and now.
func (s *rowStyle) writeRows(w io.Writer, buf []byte, record arrow.Record, cells []cellWriter, first bool) ([]byte, error) {
	rows, step := int(record.NumRows()), min(runRows, chunkOf(record))
	for row := 0; row < rows; row += step {
		buf = s.append(buf, cells, row, min(row+step, rows), first && row == 0)
		if len(buf) >= flushAt {
			if err := s.cells.broken(); err != nil {
				return buf, err
			}
			if _, err := w.Write(buf); err != nil {
				return buf, err
			}
			buf = buf[:0]
		}
	}
	return buf, s.cells.broken()
}

// broken is the error of a promise that a cell broke.
func (s cellStyle) broken() error {
	if s.unsafe == nil || !s.unsafe.Load() {
		return nil
	}
	return &Error{
		Code:   CodeInternal,
		Detail: "A column that is declared to hold safe integers holds one beyond 2^53. Ask for int64=string.",
		Cause:  errors.New("safe_integer is declared in the catalog for a column that holds an integer beyond ±(2^53-1)"),
	}
}

// append appends the rows from start to end. first tells that no row stands before them.
func (s *rowStyle) append(dst []byte, cells []cellWriter, start, end int, first bool) []byte {
	if start == end {
		return dst
	}
	if !first {
		dst = append(dst, s.between...)
	}
	open := &s.before[0]
	for row := start; row < end; row++ {
		dst = cells[0](appendBlock(dst, open.text, open.size), row)
		for i := 1; i < len(cells); i++ {
			before := &s.before[i]
			dst = cells[i](appendBlock(dst, before.text, before.size), row)
		}
		open = &s.turn
	}
	return append(dst, s.end...)
}

// chunk is a part of a batch on its way to becoming text.
type chunk struct {
	record     arrow.Record
	cells      []cellWriter
	start, end int
	before     []byte // what stands before the first row leaves together with it
	first      bool
	text       *[]byte
	err        error
	done       chan struct{}
}

// chunkTexts are the buffers of chunks; they are larger than those of small answers.
var chunkTexts = sync.Pool{New: func() any { b := make([]byte, 0, chunkTextSize); return &b }}

const chunkTextSize = 2 * chunkBytes

// writeSideBySide is write for an answer of many rows, of which record is the first
// batch not yet written.
func (s *rowStyle) writeSideBySide(w io.Writer, buf []byte, f *Frame, record arrow.Record, cells []cellWriter, first bool) ([]byte, error) {
	encoders := min(runtime.GOMAXPROCS(0), mostEncoders)
	work := make(chan *chunk)
	inOrder := make(chan *chunk, 2*encoders) // what is under way; its capacity bounds memory
	stop := make(chan struct{})
	var running sync.WaitGroup
	var readErr error // written before inOrder is closed

	running.Go(func() {
		defer close(inOrder)
		defer close(work)
		readErr = s.split(f, record, cells, buf, first, func(c *chunk) bool {
			select {
			case inOrder <- c:
			case <-stop:
				return false
			}
			select {
			case work <- c:
				return true
			case <-stop:
				return false
			}
		})
	})
	for range encoders {
		running.Go(func() {
			for c := range work {
				s.encode(c)
			}
		})
	}
	var err error
	for c := range inOrder {
		<-c.done
		if err = cmp.Or(c.err, s.cells.broken()); err != nil {
			break
		}
		if _, err = w.Write(*c.text); err != nil {
			break
		}
		if cap(*c.text) <= 2*chunkTextSize {
			chunkTexts.Put(c.text)
		}
	}
	close(stop)
	running.Wait()
	if err == nil {
		err = readErr
	}
	return buf[:0], err
}

// split hands the rows of the frame on in chunks until there are none or hand refuses.
func (s *rowStyle) split(f *Frame, record arrow.Record, cells []cellWriter, before []byte, first bool, hand func(*chunk) bool) (err error) {
	defer recovered(&err)
	for {
		rows := int(record.NumRows())
		step := chunkOf(record)
		for start := 0; start < rows; start += step {
			record.Retain()
			c := &chunk{
				record: record, cells: cells, before: before, first: first,
				start: start, end: min(start+step, rows),
				text: chunkTexts.Get().(*[]byte),
				done: make(chan struct{}),
			}
			before, first = nil, false
			if !hand(c) {
				return nil
			}
		}
		if record, err = f.Next(); err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
		if cells, err = s.cellsOf(f.Fields, record); err != nil {
			return err
		}
	}
}

func (s *rowStyle) encode(c *chunk) {
	defer close(c.done)
	defer c.record.Release()
	defer recovered(&c.err)
	*c.text = s.append(append((*c.text)[:0], c.before...), c.cells, c.start, c.end, c.first)
}

// recovered turns a panic into an error. In a goroutine of its own it would otherwise
// end the whole server for one malformed batch.
func recovered(err *error) {
	if fault := recover(); fault != nil {
		*err = fmt.Errorf("encode: %v", fault)
	}
}

// writeWhole writes start, the rows of the frame, and nothing after them.
func writeWhole(w io.Writer, start []byte, f *Frame, style *rowStyle) error {
	pooled := buffers.Get().(*[]byte)
	defer buffers.Put(pooled)
	buf, err := style.write(w, append((*pooled)[:0], start...), f)
	if err != nil {
		return err
	}
	if cap(buf) <= mostKept {
		*pooled = buf
	}
	_, err = w.Write(buf)
	return err
}

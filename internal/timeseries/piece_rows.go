package timeseries

import (
	"fmt"
	"io"
	"slices"
	"sort"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"
)

// Pieces keeps pieces of answers for as long as there is room.
type Pieces interface {
	// Piece returns what is kept for a key, or nil.
	Piece(key [32]byte) any
	// KeepPiece keeps a piece that takes so many bytes in place of what is kept for the key.
	KeepPiece(key [32]byte, piece any, bytes int)
}

// keptPiece is the rows of a piece as of a version of its period. Many read it at once, and
// nobody changes or releases it: its memory is collected.
type keptPiece struct {
	version string
	schema  *arrow.Schema
	rows    []arrow.Record
}

// noRows is a piece of a period without rows.
var noRows = &keptPiece{}

// heap is where the rows of pieces are.
var heap = memory.NewGoAllocator()

// copyOf is the first columns of records as one, in memory of its own. Dictionaries are shared.
func copyOf(records []arrow.Record, columns int) (arrow.Record, error) {
	rows := int64(0)
	for _, r := range records {
		rows += r.NumRows()
	}
	copied := make([]arrow.Array, columns)
	for i := range copied {
		all := make([]arrow.Array, len(records))
		for j, r := range records {
			all[j] = r.Column(i)
		}
		var err error
		if copied[i], err = array.Concatenate(all, heap); err != nil {
			return nil, err
		}
	}
	return array.NewRecord(arrow.NewSchema(records[0].Schema().Fields()[:columns], nil), copied, rows), nil
}

// divide divides rows by their last column, the tick at which their buckets begin, into pieces
// of which all but the first begin at these ticks. The rows are in order of time, one way or
// the other.
func (k *keptPiece) divide(begins []int64) ([]*keptPiece, error) {
	columns := k.schema.NumFields() - 1
	schema := arrow.NewSchema(k.schema.Fields()[:columns], nil)
	parts := make([][]arrow.Record, len(begins)+1)
	for _, record := range k.rows {
		marks, ok := record.Column(columns).(*array.Int64)
		if !ok || marks.NullN() > 0 {
			return nil, fmt.Errorf("column %s is %s with %d nulls, not int64", bucketColumn, record.Column(columns).DataType(), marks.NullN())
		}
		ticks := marks.Int64Values()
		for row := 0; row < len(ticks); {
			piece := sort.Search(len(begins), func(i int) bool { return begins[i] > ticks[row] })
			left := ticks[row:]
			end := row + sort.Search(len(left), func(i int) bool {
				return piece > 0 && left[i] < begins[piece-1] || piece < len(begins) && left[i] >= begins[piece]
			})
			parts[piece] = append(parts[piece], record.NewSlice(int64(row), int64(end)))
			row = end
		}
	}
	pieces := make([]*keptPiece, len(parts))
	for i, records := range parts {
		pieces[i] = &keptPiece{schema: schema}
		if len(records) > 0 {
			copied, err := copyOf(records, columns)
			if err != nil {
				return nil, err
			}
			pieces[i].rows = []arrow.Record{copied}
		}
	}
	return pieces, nil
}

// size is about how many bytes the piece takes.
func (k *keptPiece) size() int {
	size := 0
	for _, record := range k.rows {
		size += heldBy(record)
	}
	return size
}

// columnOverhead is about what a column of a record takes besides its cells.
const columnOverhead = 512

// heldBy is the memory that a record holds, its dictionaries included.
func heldBy(record arrow.Record) int {
	size := 0
	var add func(data arrow.ArrayData)
	add = func(data arrow.ArrayData) {
		for _, buffer := range data.Buffers() {
			if buffer != nil {
				size += buffer.Cap()
			}
		}
		for _, child := range data.Children() {
			add(child)
		}
		if d, ok := data.Dictionary().(*array.Data); ok && d != nil {
			add(d)
		}
	}
	for _, column := range record.Columns() {
		size += columnOverhead
		add(column.Data())
	}
	return size
}

// newest are the rows of an answer that is put together, in its order; the newest, if there are
// more than its limit.
func (a *assembly) newest() (*pieceRows, error) {
	r := &pieceRows{}
	left, size := a.limit, 0
	for i := range a.rows {
		piece := a.rows[len(a.rows)-1-i] // the newest first
		if piece.schema != nil && r.schema != nil && !piece.schema.Equal(r.schema) {
			return nil, errWhole
		}
		if r.schema == nil {
			r.schema = piece.schema
		}
		for j := range piece.rows {
			record := piece.rows[j]
			if !a.query.Descending {
				record = piece.rows[len(piece.rows)-1-j]
			}
			if size += heldBy(record); size > mostPiecedBytes {
				return nil, errWhole
			}
			if n := record.NumRows(); n > left {
				r.cut = true
				if record = record.NewSlice(0, left); !a.query.Descending {
					record = piece.rows[len(piece.rows)-1-j].NewSlice(n-left, n)
				}
			}
			if left -= record.NumRows(); record.NumRows() > 0 {
				r.records = append(r.records, record)
			}
		}
	}
	if r.schema == nil {
		return nil, errWhole // there are no rows, and so nobody knows their types
	}
	if !a.query.Descending {
		slices.Reverse(r.records)
	}
	return r, r.join()
}

// joinedRows is how many rows a batch should have: enough that they are written by all cores.
const joinedRows = 32 << 10

// join makes few large records of many small ones.
func (r *pieceRows) join() error {
	var joined []arrow.Record
	for i := 0; i < len(r.records); {
		end, rows := i, int64(0)
		for end < len(r.records) && rows < joinedRows {
			rows += r.records[end].NumRows()
			end++
		}
		record := r.records[i]
		if end > i+1 {
			var err error
			if record, err = copyOf(r.records[i:end], int(record.NumCols())); err != nil {
				return err
			}
		}
		joined = append(joined, record)
		i = end
	}
	r.records = joined
	return nil
}

// pieceRows hands out the rows of pieces.
type pieceRows struct {
	schema  *arrow.Schema
	records []arrow.Record
	cut     bool // whether there are more rows
}

// Schema implements contracts.RecordReader.
func (r *pieceRows) Schema() *arrow.Schema { return r.schema }

// Next implements contracts.RecordReader.
func (r *pieceRows) Next() (arrow.Record, error) {
	if len(r.records) == 0 {
		return nil, io.EOF
	}
	record := r.records[0]
	r.records = r.records[1:]
	return record, nil
}

// Close implements contracts.RecordReader.
func (r *pieceRows) Close() error {
	r.records = nil
	return nil
}

package contracts

import (
	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
)

// Hide hands out records without their last columns, which a statement selects for our own
// use. look sees each record whole, before it is handed out, and returns how many of its
// first rows are to be left out as well. The records are closed with what Hide returns.
func Hide(records RecordReader, columns int, look func(arrow.Record) (skip int64, err error)) RecordReader {
	fields := records.Schema().Fields()
	return &hidden{RecordReader: records, look: look, schema: arrow.NewSchema(fields[:len(fields)-columns], nil)}
}

type hidden struct {
	RecordReader
	look   func(arrow.Record) (int64, error)
	schema *arrow.Schema
	last   arrow.Record
}

func (h *hidden) Schema() *arrow.Schema { return h.schema }

func (h *hidden) Next() (arrow.Record, error) {
	h.release()
	record, err := h.RecordReader.Next()
	if err != nil {
		return nil, err
	}
	skip, err := h.look(record)
	if err != nil {
		return nil, err
	}
	whole := array.NewRecord(h.schema, record.Columns()[:h.schema.NumFields()], record.NumRows())
	defer whole.Release()
	h.last = whole.NewSlice(skip, record.NumRows())
	return h.last, nil
}

func (h *hidden) Close() error {
	h.release()
	return h.RecordReader.Close()
}

func (h *hidden) release() {
	if h.last != nil {
		h.last.Release()
		h.last = nil
	}
}

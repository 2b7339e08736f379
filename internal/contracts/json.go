package contracts

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"sync"

	"github.com/apache/arrow/go/v17/arrow"
)

// JSON writes core.tabular_frame@v1. Meta and source follow the rows, since the
// number of rows and the cut are known only then.
type JSON struct{}

var _ Encoder = JSON{}

// flushAt is how much is gathered before it is written: large enough that a write is
// cheap beside encoding, small enough that a reader does not wait and memory is flat.
const flushAt = 64 << 10

// mostKept is how large a buffer may be that is kept for the next frame. One that a
// huge cell has grown is not.
const mostKept = 4 * flushAt

var buffers = sync.Pool{New: func() any { b := make([]byte, 0, flushAt+flushAt/4); return &b }}

// Encode implements Encoder.
func (JSON) Encode(w io.Writer, f *Frame) error {
	pooled := buffers.Get().(*[]byte)
	defer buffers.Put(pooled)
	buf := append((*pooled)[:0], `{"status":"ready","columns":[`...)
	for i, field := range f.Fields {
		if i > 0 {
			buf = append(buf, ',')
		}
		buf = appendString(buf, field.Key)
	}
	buf = append(buf, `],"fields":`...)
	fields, err := json.Marshal(f.Fields)
	if err != nil {
		return fmt.Errorf("encode fields: %w", err)
	}
	buf = append(append(buf, fields...), `,"rows":`...)
	if buf, err = appendRows(w, buf, f); err != nil {
		return err
	}
	tail, err := json.Marshal(struct {
		Meta   Meta   `json:"meta"`
		Source Source `json:"source"`
	}{f.Meta, f.Source})
	if err != nil {
		return fmt.Errorf("encode meta and source: %w", err)
	}
	buf = append(append(buf, ','), tail[1:]...)
	buf = append(buf, '\n')
	if cap(buf) <= mostKept {
		*pooled = buf
	}
	_, err = w.Write(buf)
	return err
}

// appendRows writes the rows as an array of objects, flushing to w as it goes, and
// returns the buffer with what is not written yet.
func appendRows(w io.Writer, buf []byte, f *Frame) ([]byte, error) {
	keys := rowKeys(f.Fields)
	buf = append(buf, '[')
	first := true
	for {
		record, err := f.Next()
		if err == io.EOF {
			return append(buf, ']'), nil
		}
		if err != nil {
			return buf, err
		}
		cells, err := cellWriters(f.Fields, record)
		if err != nil {
			return buf, err
		}
		for row := range int(record.NumRows()) {
			if !first {
				buf = append(buf, ',')
			}
			first = false
			for i, cell := range cells {
				buf = cell(append(buf, keys[i]...), row)
			}
			buf = append(buf, '}')
			if len(buf) >= flushAt {
				if _, err := w.Write(buf); err != nil {
					return buf, err
				}
				buf = buf[:0]
			}
		}
	}
}

// rowKeys are the pieces of text that stand before each cell.
func rowKeys(fields []Field) [][]byte {
	keys := make([][]byte, len(fields))
	for i, field := range fields {
		open := byte(',')
		if i == 0 {
			open = '{'
		}
		keys[i] = append(appendString([]byte{open}, field.Key), ':')
	}
	return keys
}

func cellWriters(fields []Field, record arrow.Record) ([]cellWriter, error) {
	if int(record.NumCols()) != len(fields) || len(fields) == 0 {
		return nil, fmt.Errorf("frame has %d fields, its records %d columns", len(fields), record.NumCols())
	}
	cells := make([]cellWriter, len(fields))
	for i, field := range fields {
		var err error
		if cells[i], err = newCellWriter(field, record.Column(i)); err != nil {
			return nil, err
		}
	}
	return cells, nil
}

// Rows reads a frame to its end into values of T, whose JSON names are the frame's
// columns, and closes it. It is for answers of a known small size with a shape of
// their own; it fails on a column that T does not have.
func Rows[T any](f *Frame) ([]T, error) {
	defer f.Close()
	var text bytes.Buffer
	rest, err := appendRows(&text, nil, f)
	if err != nil {
		return nil, err
	}
	text.Write(rest)
	decoder := json.NewDecoder(&text)
	decoder.DisallowUnknownFields()
	rows := []T{}
	if err := decoder.Decode(&rows); err != nil {
		return nil, fmt.Errorf("read rows into %T: %w", rows, err)
	}
	return rows, nil
}

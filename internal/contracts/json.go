package contracts

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"unicode/utf8"
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

// replacedWarning tells what JSON could not carry.
const replacedWarning = "Some text holds bytes that are not UTF-8; JSON shows U+FFFD in their place. The formats csv, arrow and parquet carry them as they are."

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
	var replaced atomic.Bool
	if buf, err = jsonRows(f.Fields, "}", ",", &replaced).write(w, append(buf, '['), f); err != nil {
		return err
	}
	if replaced.Load() {
		f.Source.Context.Warnings = append(f.Source.Context.Warnings, replacedWarning)
	}
	tail, err := json.Marshal(struct {
		Meta   Meta   `json:"meta"`
		Source Source `json:"source"`
	}{f.Meta, f.Source})
	if err != nil {
		return fmt.Errorf("encode meta and source: %w", err)
	}
	buf = append(append(buf, ']', ','), tail[1:]...)
	buf = append(buf, '\n')
	if cap(buf) <= mostKept {
		*pooled = buf
	}
	_, err = w.Write(buf)
	return err
}

// jsonRows writes rows as JSON objects. It notes in replaced whether a text had to be
// altered for JSON; nil does not care.
func jsonRows(fields []Field, end, between string, replaced *atomic.Bool) *rowStyle {
	cells := cellStyle{
		null: "null", quote: `"`, float: appendFloat, unsafe: new(atomic.Bool),
		text: func(dst []byte, s string) []byte { return appendNoting(dst, s, appendString, replaced) },
		json: func(dst []byte, s string) []byte { return appendNoting(dst, s, appendJSON, replaced) },
	}
	before := make([][]byte, len(fields))
	for i, field := range fields {
		open := byte(',')
		if i == 0 {
			open = '{'
		}
		before[i] = append(appendString([]byte{open}, field.Key), ':')
	}
	return newRowStyle(cells, before, end, between)
}

// appendNoting appends a text and notes whether its bytes are not UTF-8.
func appendNoting(dst []byte, s string, write func([]byte, string) []byte, replaced *atomic.Bool) []byte {
	if replaced != nil && !utf8.ValidString(s) {
		replaced.Store(true)
	}
	return write(dst, s)
}

// Rows reads a frame to its end into values of T, whose JSON names are the frame's
// columns, and closes it. It is for answers of a known small size with a shape of
// their own; it fails on a column that T does not have.
func Rows[T any](f *Frame) ([]T, error) {
	defer f.Close()
	var text bytes.Buffer
	rest, err := jsonRows(f.Fields, "}", ",", nil).write(&text, []byte{'['}, f)
	if err != nil {
		return nil, err
	}
	text.Write(append(rest, ']'))
	decoder := json.NewDecoder(&text)
	decoder.DisallowUnknownFields()
	rows := []T{}
	if err := decoder.Decode(&rows); err != nil {
		return nil, fmt.Errorf("read rows into %T: %w", rows, err)
	}
	return rows, nil
}

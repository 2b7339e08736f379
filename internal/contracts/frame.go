package contracts

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"sync/atomic"

	"github.com/apache/arrow/go/v17/arrow"
)

// FieldType is the contract's type of a column.
type FieldType string

// The field types of core.tabular_frame@v1.
const (
	TypeString   FieldType = "string"
	TypeNumber   FieldType = "number"
	TypeInteger  FieldType = "integer"
	TypeBoolean  FieldType = "boolean"
	TypeDateTime FieldType = "datetime"
	TypeDate     FieldType = "date"
	TypeTime     FieldType = "time"
	TypeJSON     FieldType = "json"
)

// Field describes a column of a frame.
//
// NativeType is the ClickHouse type. It is left out when a column's cells are
// strings or JSON although its native type sounds numeric or temporal: Command
// Center's table widget formats by that text, and refuses to draw a numeric
// column whose cells are not numbers.
type Field struct {
	Key         string    `json:"key" doc:"Column name"`
	Label       string    `json:"label,omitempty" doc:"Column heading"`
	Description string    `json:"description,omitempty" doc:"What the column holds, with its unit"`
	Type        FieldType `json:"type" enum:"string,number,integer,boolean,datetime,date,time,json,unknown" doc:"How the cells are written: number and integer as JSON numbers, datetime as ISO 8601 in UTC, date as YYYY-MM-DD"`
	Nullable    bool      `json:"nullable" doc:"Whether a cell may be null; floats are, since NaN and infinities are written as null"`
	NativeType  string    `json:"nativeType,omitempty" doc:"ClickHouse type"`
	Provenance  string    `json:"provenance" enum:"backend,manual,inferred,derived" doc:"Where the description comes from"`

	// Safe integers are promised to stay within ±(2^53-1). One that does not fails the
	// answer: a browser would show another number.
	Safe bool `json:"-"`
}

// Source says where a frame's rows come from.
type Source struct {
	Kind        string        `json:"kind" doc:"Always clickhouse"`
	ID          string        `json:"id,omitempty" doc:"Published name"`
	Label       string        `json:"label,omitempty" doc:"Published label"`
	UpdatedAtMs int64         `json:"updatedAtMs,omitempty" doc:"When the data last changed, or that of the range if it has ended, in milliseconds since 1970; absent when unknown"`
	Context     SourceContext `json:"context"`
}

// SourceContext is the contract's free-form part of a source.
type SourceContext struct {
	RequestID string   `json:"requestId,omitempty" doc:"Identifies this answer in the log"`
	Warnings  []string `json:"warnings,omitempty" doc:"What a reader should know about this answer"`
}

// RecordReader hands out the rows of a frame, batch by batch.
type RecordReader interface {
	// Schema is known before the first batch.
	Schema() *arrow.Schema
	// Next returns the next batch, valid until the following call, or io.EOF itself
	// after the last. Any other error, also one that wraps io.EOF, means that the rows
	// so far are not all.
	Next() (arrow.Record, error)
	// Close gives up what is left and everything held; it may be called twice.
	Close() error
}

// Frame is a table on its way to a client: described columns, and rows that are
// still being read. Whoever holds a Frame closes it.
//
// RowCount and Truncated in Meta.Tabular are facts about the rows handed out: they
// are right once Next has returned io.EOF.
type Frame struct {
	Fields []Field
	Meta   Meta
	Source Source

	records RecordReader
	schema  *arrow.Schema
	limit   int64
	whenCut func()
	end     error          // io.EOF or the failure after which there is nothing more
	last    arrow.Record   // the cut batch of a truncated frame
	ahead   []arrow.Record // read by Settle and not handed out yet
	current arrow.Record   // of those, the one handed out last
	// settled is set once Meta says all of what was read. Who writes an answer asks for it
	// while another goroutine reads.
	settled atomic.Bool
}

// NoLimit is the limit of a frame that is handed out whole.
const NoLimit = -1

// NewFrame returns a frame over records, which must have one column for each field,
// in order. At most limit rows are handed out; when there are more, the frame says
// that it was truncated, so a reader that asks its source for limit+1 rows learns
// of the cut for the price of one row.
func NewFrame(fields []Field, records RecordReader, limit int64) *Frame {
	return &Frame{Fields: fields, records: records, schema: records.Schema(), limit: limit}
}

// WhenCut calls do once it is known that there are more rows than are handed out, to say in
// Meta and Source how they can be had.
func (f *Frame) WhenCut(do func()) { f.whenCut = do }

// Schema is the Arrow schema of the batches.
func (f *Frame) Schema() *arrow.Schema { return f.schema }

// Next returns the next batch of rows, valid until the following call, or io.EOF
// when all were handed out. A failure stays: asking again never makes an end of it.
func (f *Frame) Next() (arrow.Record, error) {
	if len(f.ahead) == 0 {
		return f.read()
	}
	f.drop()
	f.current, f.ahead = f.ahead[0], f.ahead[1:]
	return f.current, nil
}

func (f *Frame) read() (arrow.Record, error) {
	if f.end != nil {
		return nil, f.end
	}
	defer func() {
		if f.end == io.EOF {
			f.settled.Store(true)
		}
	}()
	record, err := f.records.Next()
	if err != nil {
		f.end = failure(err)
		// Nothing more is read, and a client may take its time with what was.
		f.records.Close()
		return nil, f.end
	}
	t := &f.Meta.Tabular
	if left := f.limit - t.RowCount; f.limit != NoLimit && record.NumRows() > left {
		// The frame is full. One row past the limit is proof enough that there is
		// more, so what else the source has to say is not waited for.
		f.end, t.Truncated = io.EOF, true
		defer f.records.Close()
		if f.whenCut != nil {
			f.whenCut()
		}
		if left == 0 {
			return nil, io.EOF
		}
		f.last = record.NewSlice(0, left)
		record = f.last
	}
	t.RowCount += record.NumRows()
	return record, nil
}

// errClosed is what a reader gets that goes on after Close: not the end.
var errClosed = errors.New("the frame is closed")

// failure makes sure that io.EOF is found in an error only when it is the end. A
// connection that breaks is an EOF too, deep inside, and a reader that looks there
// would take a part of the rows for all.
func failure(err error) error {
	if err == io.EOF || !errors.Is(err, io.EOF) {
		return err
	}
	e := *AsError(err)
	e.Cause = fmt.Errorf("%w: %s", io.ErrUnexpectedEOF, err)
	return &e
}

// Represent settles how JSON writes the integers of 64 bits and the decimals of the frame.
// int64 is string for text, number for numbers of any size, and anything else for what
// the fields say; decimals is string for text. Formats with types of their own are not
// concerned.
func (f *Frame) Represent(int64s, decimals string) {
	// The catalog's fields are shared by all frames of a table.
	f.Fields = slices.Clone(f.Fields)
	for i, column := range f.Schema().Fields() {
		field := &f.Fields[i]
		typ := column.Type
		if d, ok := typ.(*arrow.DictionaryType); ok {
			typ = d.ValueType
		}
		switch id := typ.ID(); {
		case (id == arrow.INT64 || id == arrow.UINT64) && int64s == "string":
			field.Type, field.NativeType, field.Safe = TypeString, "", false
		case (id == arrow.INT64 || id == arrow.UINT64) && int64s == "number":
			field.Type, field.Safe = TypeInteger, false
		case id == arrow.DECIMAL128 && decimals == "string":
			field.Type, field.NativeType = TypeString, ""
		}
	}
}

// Close gives up the rows not yet read.
func (f *Frame) Close() error {
	f.drop()
	for _, record := range f.ahead {
		record.Release()
	}
	f.ahead = nil
	if f.last != nil {
		f.last.Release()
		f.last = nil
	}
	if f.end == nil {
		f.end = errClosed
	}
	return f.records.Close()
}

// Bounds of what Settle holds in memory: all rows of any answer with the usual limits,
// unless its rows are wide.
const (
	settledRows  = 128 << 10
	settledBytes = 4 << 20
)

// Settle reads ahead, within bounds, for the end of the rows. When it tells that the end
// was found, RowCount and Truncated are known before the first row is handed out, and a
// format that has no place for them after the rows can still say them.
func (f *Frame) Settle() (settled bool, err error) {
	for size := 0; f.end == nil && f.Meta.Tabular.RowCount < settledRows && size < settledBytes; {
		record, err := f.read()
		if err == io.EOF {
			break
		}
		if err != nil {
			return false, err
		}
		record.Retain()
		f.ahead = append(f.ahead, record)
		size += sizeOf(record)
	}
	return f.Settled(), nil
}

// Settled tells whether RowCount and Truncated are final. It may be asked while another
// goroutine calls Next; once it is true, Meta does not change any more.
func (f *Frame) Settled() bool { return f.settled.Load() }

func (f *Frame) drop() {
	if f.current != nil {
		f.current.Release()
		f.current = nil
	}
}

// sizeOf is the memory that a batch takes.
func sizeOf(record arrow.Record) int {
	size := 1
	for _, column := range record.Columns() {
		for _, buffer := range column.Data().Buffers() {
			if buffer != nil {
				size += buffer.Len()
			}
		}
	}
	return size
}

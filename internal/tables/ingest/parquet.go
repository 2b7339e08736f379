package ingest

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math/big"
	"time"

	"github.com/apache/arrow/go/v17/parquet"
	"github.com/apache/arrow/go/v17/parquet/file"
	"github.com/apache/arrow/go/v17/parquet/schema"
)

// readParquet reads a Parquet file with plain columns. It reads column by column in one
// goroutine: the library's way to Arrow uses several, and a file that lies would bring
// down the process where nothing can catch it.
func readParquet(body io.Reader, b *builder) error {
	memory := newBounded(b)
	defer memory.release()
	content, err := readAll(body, b)
	if err != nil {
		return err
	}
	defer func() {
		if fault := recover(); fault != nil {
			panic(memory.explain(fmt.Errorf("the Parquet file is damaged: %v", fault)))
		}
	}()
	r, err := file.NewParquetReader(io.NewSectionReader(content, 0, content.size()), file.WithReadProps(parquet.NewReaderProperties(memory)))
	if err != nil {
		return memory.explain(fmt.Errorf("the body is no Parquet file: %w", err))
	}
	defer r.Close()
	root := r.MetaData().Schema
	for i := range root.NumColumns() {
		if c := root.Column(i); c.MaxRepetitionLevel() > 0 || c.MaxDefinitionLevel() > 1 || len(c.ColumnPath()) != 1 {
			return b.headerFault(c.Path(), "Send lists and maps as text that holds JSON.", "is nested, which is not understood")
		}
	}
	columns, err := b.header(root.NumColumns(), func(i int) string { return root.Column(i).Name() })
	if err != nil {
		return err
	}
	for i := range r.NumRowGroups() {
		if err := b.rowGroup(r, i, content, memory, columns); err != nil {
			return memory.explain(err)
		}
	}
	return b.done()
}

// rowsAtOnce is how many rows of each column are read at a time.
const rowsAtOnce = 1024

// rowGroup takes the rows of a row group.
func (b *builder) rowGroup(r *file.Reader, n int, content pieces, memory *bounded, columns []int) error {
	group := r.RowGroup(n)
	cells := make([]*parquetColumn, len(columns))
	for i := range columns {
		chunk, err := openChunk(group, i, r, content, memory)
		if err != nil {
			return fmt.Errorf("the Parquet file cannot be read: %w", err)
		}
		if cells[i] = newParquetColumn(chunk); cells[i] == nil {
			return b.headerFault(chunk.Descriptor().Name(), "", fmt.Sprintf("has the Parquet type %s, which is not understood", chunk.Descriptor().LogicalType()))
		}
	}
	for left := group.NumRows(); left > 0; {
		n := min(left, rowsAtOnce)
		left -= n
		for _, c := range cells {
			if err := c.fill(n); err != nil {
				return fmt.Errorf("the Parquet file is damaged after row %d: %w", b.row, err)
			}
		}
		for row := range int(n) {
			if err := b.begin(); err != nil {
				return err
			}
			for i, column := range columns {
				b.set(column, cells[i].cell(row))
			}
			if err := b.end(); err != nil {
				return err
			}
		}
	}
	return nil
}

// parquetColumn reads a column, some rows at a time.
type parquetColumn struct {
	// read reads up to n rows: their definition levels, and those values that are not null.
	read     func(n int64, levels []int16) (rows int64, values int, err error)
	value    func(i int) value
	optional bool

	levels [rowsAtOnce]int16
	places [rowsAtOnce]int // of the rows' values; -1 is null
	values int             // read before in this fill
}

// fill reads n rows.
func (c *parquetColumn) fill(n int64) error {
	done := int64(0)
	c.values = 0
	for done < n {
		rows, values, err := c.read(n-done, c.levels[done:n])
		if err != nil {
			return err
		}
		if rows <= 0 || rows > n-done {
			return errors.New("a column has fewer values than there are rows")
		}
		place := c.values
		for i := done; i < done+rows; i++ {
			if c.optional && c.levels[i] == 0 {
				c.places[i] = -1
				continue
			}
			c.places[i] = place
			place++
		}
		if place != c.values+values {
			return errors.New("a column has not as many values as it says")
		}
		c.values, done = place, done+rows
	}
	return nil
}

func (c *parquetColumn) cell(row int) value {
	if c.places[row] < 0 {
		return value{}
	}
	return c.value(c.places[row])
}

// batches is what the readers of all physical types have.
type batches[T any] interface {
	ReadBatch(batchSize int64, values []T, definitions, repetitions []int16) (total int64, read int, err error)
}

func columnOf[T any](chunk file.ColumnChunkReader, reader batches[T], cell func(T) value) *parquetColumn {
	c := &parquetColumn{optional: chunk.Descriptor().MaxDefinitionLevel() > 0}
	values := make([]T, rowsAtOnce)
	c.read = func(n int64, levels []int16) (int64, int, error) {
		return reader.ReadBatch(n, values[c.values:], levels, nil)
	}
	c.value = func(i int) value { return cell(values[i]) }
	return c
}

// newParquetColumn is nil for a type that is not understood.
func newParquetColumn(chunk file.ColumnChunkReader) *parquetColumn {
	var buffer []byte
	logical := chunk.Descriptor().LogicalType()
	switch reader := chunk.(type) {
	case *file.BooleanColumnChunkReader:
		return columnOf(chunk, reader, func(v bool) value { return value{boolean, fmt.Append(buffer[:0], v)} })
	case *file.Int32ColumnChunkReader:
		if cell := whole(logical, 32); cell != nil {
			return columnOf(chunk, reader, func(v int32) value { return cell(int64(v)) })
		}
	case *file.Int64ColumnChunkReader:
		if cell := whole(logical, 64); cell != nil {
			return columnOf(chunk, reader, cell)
		}
	case *file.Int96ColumnChunkReader:
		return columnOf(chunk, reader, func(v parquet.Int96) value { return at(v.ToTime()) })
	case *file.Float32ColumnChunkReader:
		return columnOf(chunk, reader, func(v float32) value { return float(buffer, float64(v), 32) })
	case *file.Float64ColumnChunkReader:
		return columnOf(chunk, reader, func(v float64) value { return float(buffer, v, 64) })
	case *file.ByteArrayColumnChunkReader:
		if cell := raw(logical); cell != nil {
			return columnOf(chunk, reader, func(v parquet.ByteArray) value { return cell(v) })
		}
	case *file.FixedLenByteArrayColumnChunkReader:
		if cell := raw(logical); cell != nil {
			return columnOf(chunk, reader, func(v parquet.FixedLenByteArray) value { return cell(v) })
		}
	}
	return nil
}

// whole reads the types that are stored as integers.
func whole(logical schema.LogicalType, bits int) func(int64) value {
	var buffer []byte
	plain := func(v int64) value { return integer(buffer, v) }
	switch logical := logical.(type) {
	case schema.NoLogicalType, schema.UnknownLogicalType:
		return plain
	case *schema.IntLogicalType:
		if logical.IsSigned() {
			return plain
		}
		return func(v int64) value {
			if bits == 32 {
				return natural(buffer, uint64(uint32(v)))
			}
			return natural(buffer, uint64(v))
		}
	case *schema.DecimalLogicalType:
		return func(v int64) value { return decimal(big.NewInt(v), int(logical.Scale())) }
	case schema.DateLogicalType:
		return func(v int64) value { return at(time.Unix(v*24*60*60, 0)) }
	case *schema.TimestampLogicalType:
		switch logical.TimeUnit() {
		case schema.TimeUnitMillis:
			return func(v int64) value { return at(time.UnixMilli(v)) }
		case schema.TimeUnitMicros:
			return func(v int64) value { return at(time.UnixMicro(v)) }
		case schema.TimeUnitNanos:
			return func(v int64) value { return at(time.Unix(0, v)) }
		}
	case *schema.TimeLogicalType:
		unit := map[schema.TimeUnitType]time.Duration{schema.TimeUnitMillis: time.Millisecond, schema.TimeUnitMicros: time.Microsecond, schema.TimeUnitNanos: 1}[logical.TimeUnit()]
		if unit > 0 {
			return func(v int64) value { return clock(v, unit) }
		}
	}
	return nil
}

// raw reads the types that are stored as bytes.
func raw(logical schema.LogicalType) func([]byte) value {
	switch logical := logical.(type) {
	case schema.NoLogicalType, schema.UnknownLogicalType, schema.StringLogicalType, schema.JSONLogicalType, schema.EnumLogicalType:
		return func(v []byte) value { return value{text, v} }
	case *schema.DecimalLogicalType:
		return func(v []byte) value {
			n := new(big.Int).SetBytes(v)
			if len(v) > 0 && v[0]&0x80 != 0 {
				n.Sub(n, new(big.Int).Lsh(big.NewInt(1), uint(8*len(v))))
			}
			return decimal(n, int(logical.Scale()))
		}
	case schema.UUIDLogicalType:
		return func(v []byte) value {
			s := hex.EncodeToString(v)
			if len(s) != 32 {
				return value{text, v}
			}
			return value{text, []byte(s[:8] + "-" + s[8:12] + "-" + s[12:16] + "-" + s[16:20] + "-" + s[20:])}
		}
	}
	return nil
}

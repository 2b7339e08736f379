package timeseries

import (
	"fmt"
	"io"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"

	"framehouse/internal/contracts"
)

// rowColumn is the last column of a turned query: the number of each row, counted from
// the newest, which is 0. It is taken off before anyone sees it.
const rowColumn = "__framehouse_row"

// counted hands out the rows of a turned query without their numbers, and without the
// surplus row that comes first when there are more rows than the limit.
type counted struct {
	contracts.RecordReader
	schema  *arrow.Schema
	surplus bool // whether there were more rows than the limit
	next    arrow.Record
	last    arrow.Record
}

func newCounted(records contracts.RecordReader, limit int64) (*counted, error) {
	full := records.Schema()
	c := &counted{
		RecordReader: records,
		schema:       arrow.NewSchema(full.Fields()[:full.NumFields()-1], nil),
	}
	for {
		record, err := records.Next()
		if err == io.EOF {
			return c, nil
		}
		if err != nil {
			return nil, err
		}
		numbers, ok := record.Column(full.NumFields() - 1).(*array.Uint64)
		if !ok {
			return nil, fmt.Errorf("column %s is %s, not uint64", rowColumn, full.Field(full.NumFields()-1).Type)
		}
		if record.NumRows() == 0 {
			continue
		}
		skip := int64(0)
		if int64(numbers.Value(0)) >= limit {
			c.surplus, skip = true, 1
		}
		c.next = c.strip(record, skip)
		return c, nil
	}
}

// strip copies nothing: it takes the columns of record but the last, from a row on.
func (c *counted) strip(record arrow.Record, skip int64) arrow.Record {
	columns := record.Columns()
	whole := array.NewRecord(c.schema, columns[:len(columns)-1], record.NumRows())
	defer whole.Release()
	return whole.NewSlice(skip, record.NumRows())
}

// Schema implements contracts.RecordReader.
func (c *counted) Schema() *arrow.Schema { return c.schema }

// Next implements contracts.RecordReader.
func (c *counted) Next() (arrow.Record, error) {
	c.release()
	if c.next == nil {
		record, err := c.RecordReader.Next()
		if err != nil {
			return nil, err
		}
		c.next = c.strip(record, 0)
	}
	c.last, c.next = c.next, nil
	return c.last, nil
}

// Close implements contracts.RecordReader.
func (c *counted) Close() error {
	c.release()
	c.last, c.next = c.next, nil
	c.release()
	return c.RecordReader.Close()
}

func (c *counted) release() {
	if c.last != nil {
		c.last.Release()
		c.last = nil
	}
}

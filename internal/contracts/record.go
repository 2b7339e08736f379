package contracts

import (
	"io"

	"github.com/apache/arrow/go/v17/arrow"
)

// OneRecord is a reader of a record that is all in memory, and takes it over.
func OneRecord(record arrow.Record) RecordReader { return &oneRecord{record: record} }

type oneRecord struct {
	record arrow.Record
	read   bool
}

func (r *oneRecord) Schema() *arrow.Schema { return r.record.Schema() }

func (r *oneRecord) Next() (arrow.Record, error) {
	if r.read {
		return nil, io.EOF
	}
	r.read = true
	return r.record, nil
}

func (r *oneRecord) Close() error {
	if r.record != nil {
		r.record.Release()
		r.record, r.read = nil, true
	}
	return nil
}

package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/url"
	"runtime"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/ipc"

	"framehouse/internal/contracts"
)

const batchRows = 64 << 10

var fields = []contracts.Field{
	{Key: "time", Type: contracts.TypeDateTime, Provenance: "backend"},
	{Key: "unique_identifier", Type: contracts.TypeString, Provenance: "backend"},
	{Key: "open", Type: contracts.TypeNumber, Nullable: true, Provenance: "backend"},
	{Key: "close", Type: contracts.TypeNumber, Nullable: true, Provenance: "backend"},
	{Key: "volume", Type: contracts.TypeInteger, Provenance: "backend", Safe: true},
}

// encoder compares our JSON encoder with that of ClickHouse, each in bytes for a second
// of CPU time: ours inside this process, on batches that are in memory and with nothing
// else running, into nothing; ClickHouse's in its own, from a table that is in memory
// there, on one thread, into a connection.
func (b *bench) encoder(ctx context.Context) error {
	for _, c := range []struct {
		name, table string
		target      target
	}{
		{"two decimals", "prices", target{atLeast: 3}},
		{"random floats", "random", target{atLeast: 2.3}},
	} {
		if err := b.encode(ctx, c.name, c.table, c.target); err != nil {
			return err
		}
	}
	return nil
}

func (b *bench) encode(ctx context.Context, name, table string, t target) error {
	memory := "bench." + table + "_memory"
	if err := b.server.exec(ctx, fmt.Sprintf("CREATE TABLE %s %s ENGINE = Memory", memory, definition)); err != nil {
		return err
	}
	if err := b.server.exec(ctx, fmt.Sprintf("INSERT INTO %s SELECT %s FROM bench.%s ORDER BY %s", memory, columns, table, ordering)); err != nil {
		return err
	}
	batches, err := b.batches(ctx, table)
	if err != nil {
		return err
	}
	query := fmt.Sprintf("SELECT %s FROM %s FORMAT JSONEachRow", columns, memory)
	request := b.server.clickHouse(query, url.Values{"max_threads": {"1"}, "output_format_parallel_formatting": {"0"}})
	var ours, theirs, allocations []float64
	for range b.encodings {
		bytesPerSecond, perRow, err := encodeOnce(batches)
		if err != nil {
			return err
		}
		ours, allocations = append(ours, bytesPerSecond), append(allocations, perRow)

		_, before, err := b.server.cpu()
		if err != nil {
			return err
		}
		a, err := fetch(ctx, request, io.Discard)
		if err != nil {
			return err
		}
		_, after, err := b.server.cpu()
		if err != nil {
			return err
		}
		theirs = append(theirs, float64(a.size)/seconds(after-before))
	}
	b.report.compare("a. encoder, "+name+": bytes per CPU second", ours, theirs, rate, t)
	b.report.alone("a. encoder, "+name+": allocations per row", median(allocations), fraction, target{atMost: 0.01})
	return b.server.exec(ctx, "DROP TABLE "+memory)
}

// encodeOnce encodes all batches several times, so that it takes long enough to be
// measured, and tells bytes per CPU second and allocations per row.
func encodeOnce(batches []arrow.Record) (bytesPerSecond, allocations float64, err error) {
	const turns = 4
	// One thread, as ClickHouse has: two that share a core, as threads of a virtual machine
	// may, take more CPU time for the same work.
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	runtime.GC() // what the measurement before has left behind
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	began, err := cpuTime(0)
	if err != nil {
		return 0, 0, err
	}
	var size counted
	rows := int64(0)
	for range turns {
		frame := contracts.NewFrame(fields, &inMemory{batches: batches}, contracts.NoLimit)
		if err := (contracts.JSON{}).Encode(&size, frame); err != nil {
			return 0, 0, err
		}
		rows += frame.Meta.Tabular.RowCount
	}
	ended, err := cpuTime(0)
	if err != nil {
		return 0, 0, err
	}
	runtime.ReadMemStats(&after)
	return float64(size) / seconds(ended-began), float64(after.Mallocs-before.Mallocs) / float64(rows), nil
}

// batches reads a table as batches of 64k rows, of the types that framehouse reads.
func (b *bench) batches(ctx context.Context, table string) ([]arrow.Record, error) {
	var stream bytes.Buffer
	query := fmt.Sprintf("SELECT %s FROM bench.%s ORDER BY %s FORMAT ArrowStream", columns, table, ordering)
	if _, err := fetch(ctx, b.server.clickHouse(query, url.Values{
		// Sorting, and not just reading in the order of the key, cuts the blocks anew.
		"optimize_read_in_order": {"0"}, "max_block_size": {fmt.Sprint(batchRows)}, "max_threads": {"1"},
		"output_format_arrow_low_cardinality_as_dictionary": {"1"},
		"output_format_arrow_compression_method":            {"none"},
	}), &stream); err != nil {
		return nil, err
	}
	reader, err := ipc.NewReader(&stream)
	if err != nil {
		return nil, err
	}
	defer reader.Release()
	var batches []arrow.Record
	for left := int64(b.rows); left > 0; {
		record, err := reader.Read()
		if err != nil {
			return nil, err
		}
		if record.NumRows() != min(left, batchRows) {
			return nil, fmt.Errorf("a batch of %d rows", record.NumRows())
		}
		record.Retain()
		batches = append(batches, record)
		left -= record.NumRows()
	}
	return batches, nil
}

// inMemory reads batches that are there.
type inMemory struct {
	batches []arrow.Record
	next    int
}

func (m *inMemory) Schema() *arrow.Schema { return m.batches[0].Schema() }
func (m *inMemory) Close() error          { return nil }
func (m *inMemory) Next() (arrow.Record, error) {
	if m.next == len(m.batches) {
		return nil, io.EOF
	}
	m.next++
	return m.batches[m.next-1], nil
}

// counted counts what is written to it.
type counted int64

func (c *counted) Write(p []byte) (int, error) {
	*c += counted(len(p))
	return len(p), nil
}

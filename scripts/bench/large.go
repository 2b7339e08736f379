package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net/url"

	"github.com/apache/arrow/go/v17/arrow/ipc"
	"github.com/apache/arrow/go/v17/parquet/file"
)

// contender is one way to get the rows.
type contender struct {
	name        string
	request     ask
	wall        []float64
	framehouse  []float64 // CPU time
	clickHouse  []float64 // CPU time
	total       []float64 // of both
	answerBytes int64
}

// sample sends the request once and keeps what it cost.
func (b *bench) sample(ctx context.Context, c *contender) error {
	f0, h0, err := b.server.cpu()
	if err != nil {
		return err
	}
	a, err := fetch(ctx, c.request, io.Discard)
	if err != nil {
		return fmt.Errorf("%s: %w", c.name, err)
	}
	f1, h1, err := b.server.cpu()
	if err != nil {
		return err
	}
	// Not all answers are equally long: a frame has a request id.
	if c.answerBytes != 0 && max(a.size-c.answerBytes, c.answerBytes-a.size) > 100 {
		return fmt.Errorf("%s: an answer of %d bytes after one of %d", c.name, a.size, c.answerBytes)
	}
	c.answerBytes = a.size
	c.wall = append(c.wall, seconds(a.took))
	c.framehouse = append(c.framehouse, seconds(f1-f0))
	c.clickHouse = append(c.clickHouse, seconds(h1-h0))
	c.total = append(c.total, seconds(f1-f0+h1-h0))
	return nil
}

// large fetches a whole table, in each format, from framehouse and from ClickHouse: the
// same query, on ClickHouse's default settings. A table is the fair comparison, since a
// node's answer is the newest rows turned round, which is another query.
func (b *bench) large(ctx context.Context) error {
	query := func(format string) ask {
		return b.server.clickHouse(fmt.Sprintf("SELECT %s FROM bench.prices ORDER BY %s LIMIT %d FORMAT %s", columns, ordering, b.rows, format), nil)
	}
	path := func(format string) ask {
		return b.server.framehouse(fmt.Sprintf("/v1/tables/prices/rows?limit=%d&format=%s", b.rows, format))
	}
	if err := b.same(ctx, path, query); err != nil {
		return err
	}
	theirs := func(format string) *contender { return &contender{name: format, request: query(format)} }
	pairs := []struct {
		ours      *contender
		theirs    *contender
		wall, cpu target
	}{
		{&contender{name: "json", request: path("json")}, theirs("JSONEachRow"), target{atMost: 0.9}, target{atMost: 1}},
		{&contender{name: "arrow", request: path("arrow")}, theirs("ArrowStream"), target{atMost: 1.3}, target{}},
		{&contender{name: "ndjson", request: path("ndjson")}, theirs("JSONEachRow"), target{}, target{}},
		{&contender{name: "csv", request: path("csv")}, theirs("CSV"), target{}, target{}},
		{&contender{name: "parquet", request: path("parquet")}, theirs("Parquet"), target{}, target{}},
		{&contender{name: "json, of a node", request: b.server.framehouse(fmt.Sprintf("/v1/nodes/series/rows?limit=%d", b.rows))}, theirs("JSONEachRow"), target{}, target{}},
	}
	for range b.repeats {
		for _, pair := range pairs {
			if err := errors.Join(b.sample(ctx, pair.ours), b.sample(ctx, pair.theirs)); err != nil {
				return err
			}
		}
	}
	for _, pair := range pairs {
		name := fmt.Sprintf("b. %s rows, %s / %s: ", thousands(b.rows), pair.ours.name, pair.theirs.name)
		b.report.compare(name+"time", pair.ours.wall, pair.theirs.wall, milliseconds, pair.wall)
		b.report.compare(name+"CPU of both", pair.ours.total, pair.theirs.total, milliseconds, pair.cpu)
		progress(fmt.Sprintf("%s: CPU time of framehouse %s, of its ClickHouse %s", pair.ours.name,
			milliseconds(median(pair.ours.framehouse)), milliseconds(median(pair.ours.clickHouse))))
	}
	return nil
}

func thousands(n int) string { return fmt.Sprintf("%dk", n/1000) }

// same makes sure that the rows measured are the same: as text they are, once
// ClickHouse writes instants like us, and in the other formats as many.
func (b *bench) same(ctx context.Context, path, query func(format string) ask) error {
	iso := b.server.clickHouse(fmt.Sprintf("SELECT %s FROM bench.prices ORDER BY %s LIMIT %d FORMAT JSONEachRow", columns, ordering, b.rows),
		url.Values{"date_time_output_format": {"iso"}})
	ours, theirs := sha256.New(), sha256.New()
	_, err := fetch(ctx, path("ndjson"), ours)
	_, err2 := fetch(ctx, iso, theirs)
	if err := errors.Join(err, err2); err != nil {
		return err
	}
	if !bytes.Equal(ours.Sum(nil), theirs.Sum(nil)) {
		return errors.New("framehouse's ndjson is not ClickHouse's JSONEachRow: these are not the same rows")
	}
	var body bytes.Buffer
	if _, err := fetch(ctx, path("arrow"), &body); err != nil {
		return err
	}
	stream, err := ipc.NewReader(&body)
	if err != nil {
		return err
	}
	rows := int64(0)
	for stream.Next() {
		rows += stream.Record().NumRows()
	}
	if stream.Err() != nil || rows != int64(b.rows) {
		return fmt.Errorf("framehouse's arrow has %d rows of %d: %w", rows, b.rows, stream.Err())
	}
	body.Reset()
	if _, err := fetch(ctx, path("parquet"), &body); err != nil {
		return err
	}
	parquet, err := file.NewParquetReader(bytes.NewReader(body.Bytes()))
	if err != nil {
		return err
	}
	if parquet.NumRows() != int64(b.rows) {
		return fmt.Errorf("framehouse's parquet has %d rows of %d", parquet.NumRows(), b.rows)
	}
	// A first time, which opens connections and warms caches.
	for _, format := range []string{"ArrowStream", "CSV", "Parquet"} {
		if _, err := fetch(ctx, query(format), io.Discard); err != nil {
			return err
		}
	}
	return nil
}

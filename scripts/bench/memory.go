package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
)

// memory tells how much framehouse grows while it answers with ten million rows. Each
// format has a new process, which has nothing in reserve from the one before.
func (b *bench) memory(ctx context.Context) error {
	for _, f := range []struct {
		name, limit string
		megabytes   float64
	}{
		{"ndjson", "all", 64}, {"csv", "all", 64}, {"arrow", "all", 64}, {"json", fmt.Sprint(b.manyRows), 64}, {"parquet", "all", 160},
	} {
		if err := b.server.restart(ctx); err != nil {
			return err
		}
		grown, err := b.grow(ctx, f.name, f.limit)
		if err != nil {
			return fmt.Errorf("%s: %w", f.name, err)
		}
		b.report.alone(fmt.Sprintf("d. %s rows, %s: growth of resident memory", thousands(b.manyRows), f.name), grown, megabytes, target{atMost: f.megabytes * 1e6})
	}
	return nil
}

// grow is the peak of framehouse's resident memory during an answer, less what it had
// before. A small request in the same format comes first: what every process needs once
// it has answered anything is no growth.
func (b *bench) grow(ctx context.Context, format, limit string) (float64, error) {
	path := "/v1/tables/prices_many/rows?format=" + format + "&limit="
	if _, err := fetch(ctx, b.server.framehouse(path+"10"), io.Discard); err != nil {
		return 0, err
	}
	pid := b.server.cmd.Process.Pid
	if err := resetPeak(pid); err != nil {
		return 0, err
	}
	before, _, err := resident(pid)
	if err != nil {
		return 0, err
	}
	var end tail
	a, err := fetch(ctx, b.server.framehouse(path+limit), &end)
	if err != nil {
		return 0, err
	}
	_, peak, err := resident(pid)
	if err != nil {
		return 0, err
	}
	progress(fmt.Sprintf("%s: %s in %s, resident before %s", format, megabytes(float64(a.size)), a.took.Round(1e6), megabytes(float64(before))))
	return float64(peak - before), complete(a, end, b.manyRows)
}

// complete makes sure that an answer has all rows, by what its format says of them.
func complete(a answer, end tail, rows int) error {
	count := a.header.Get("X-Row-Count") + a.trailer.Get("X-Row-Count")
	switch {
	case count == fmt.Sprint(rows):
	case bytes.HasSuffix(end, []byte("PAR1")): // the end of a footer, written after all rows
	case bytes.Contains(end, fmt.Appendf(nil, `"rowCount":%d,`, rows)):
	default:
		return fmt.Errorf("not %d rows: X-Row-Count is %q, and %d bytes end with %q", rows, count, a.size, end)
	}
	return nil
}

// tail keeps the last bytes written to it.
type tail []byte

const tailSize = 4 << 10

func (t *tail) Write(p []byte) (int, error) {
	if len(p) >= tailSize {
		*t = append((*t)[:0], p[len(p)-tailSize:]...)
		return len(p), nil
	}
	*t = append(*t, p...)
	*t = append((*t)[:0], (*t)[max(0, len(*t)-tailSize):]...)
	return len(p), nil
}

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"
)

// clients are the dashboards that ask at the same time.
const clients = 4

// many is a way to ask for one series after the other.
type many struct {
	name        string
	request     func(series string) ask
	rows        int
	p50, rate   []float64 // of each round
	p95, cpu    []float64
	framehouse  []float64 // its part of the CPU time
	answerBytes int64
}

// small asks for about 1,500 rows by primary key, with several clients at once.
func (b *bench) small(ctx context.Context) error {
	const from, to, inRange = "2026-01-01 01:00:00", "2026-01-02 02:00:00", 25 * 60
	whole := "SELECT " + columns + " FROM bench.prices WHERE unique_identifier = '%s' ORDER BY " + ordering + " LIMIT 2000 FORMAT %s"
	ranged := "SELECT " + columns + " FROM bench.prices WHERE unique_identifier = '%s' AND time >= '" + from + "' AND time < '" + to +
		"' ORDER BY time LIMIT 2000 FORMAT %s"
	contenders := []*many{
		{name: "table", rows: seriesLength, request: func(series string) ask {
			return b.server.framehouse("/v1/tables/prices/rows?limit=2000&unique_identifier=" + series)
		}},
		{name: "table JSON", rows: seriesLength, request: func(series string) ask {
			return b.server.clickHouse(fmt.Sprintf(whole, series, "JSON"), nil)
		}},
		{name: "table JSONEachRow", rows: seriesLength, request: func(series string) ask {
			return b.server.clickHouse(fmt.Sprintf(whole, series, "JSONEachRow"), nil)
		}},
		{name: "node", rows: inRange, request: func(series string) ask {
			return b.server.framehouse("/v1/nodes/series/rows?limit=2000&from=2026-01-01T01:00:00Z&to=2026-01-02T02:00:00Z&identifiers=" + series)
		}},
		{name: "node JSON", rows: inRange, request: func(series string) ask {
			return b.server.clickHouse(fmt.Sprintf(ranged, series, "JSON"), nil)
		}},
		{name: "node JSONEachRow", rows: inRange, request: func(series string) ask {
			return b.server.clickHouse(fmt.Sprintf(ranged, series, "JSONEachRow"), nil)
		}},
	}
	for _, m := range contenders {
		if err := m.check(ctx); err != nil {
			return fmt.Errorf("%s: %w", m.name, err)
		}
	}
	// A round before those that count warms connections and caches.
	for round := range b.rounds + 1 {
		for _, m := range contenders {
			if err := b.drive(ctx, m, round > 0); err != nil {
				return fmt.Errorf("%s: %w", m.name, err)
			}
		}
	}
	for i := 0; i < len(contenders); i += 3 {
		ours := contenders[i]
		progress(fmt.Sprintf("%s: CPU time of framehouse %s a request, of both %s", ours.name, milliseconds(median(ours.framehouse)), milliseconds(median(ours.cpu))))
		for j, theirs := range contenders[i+1 : i+3] {
			p50, rate := target{atMost: 1.1}, target{atLeast: 0.95}
			if j > 0 {
				p50, rate = target{}, target{}
			}
			name := fmt.Sprintf("c. %d rows, %d clients, %s / %s: ", ours.rows, clients, ours.name, theirs.name[len(ours.name)+1:])
			b.report.compare(name+"p50", ours.p50, theirs.p50, milliseconds, p50)
			b.report.compare(name+"requests", ours.rate, theirs.rate, perSecond, rate)
			b.report.compare(name+"p95", ours.p95, theirs.p95, milliseconds, target{})
			b.report.compare(name+"CPU of both per request", ours.cpu, theirs.cpu, milliseconds, target{})
		}
	}
	return nil
}

func series(n int) string { return fmt.Sprintf("ID%05d", n) }

// check counts the rows of one answer.
func (m *many) check(ctx context.Context) error {
	var body bytes.Buffer
	a, err := fetch(ctx, m.request(series(0)), &body)
	if err != nil {
		return err
	}
	m.answerBytes = a.size
	var whole struct{ Rows, Data []json.RawMessage }
	rows := bytes.Count(body.Bytes(), []byte{'\n'})
	// FORMAT JSON spreads a row over several lines; our rows member is a list, and
	// ClickHouse's is a number.
	if json.Unmarshal(bytes.Replace(body.Bytes(), []byte(`"rows": `), []byte(`"count": `), 1), &whole) == nil {
		rows = max(len(whole.Rows), len(whole.Data))
	}
	if rows != m.rows {
		return fmt.Errorf("%d rows instead of %d", rows, m.rows)
	}
	return nil
}

// drive asks for a while with all clients, each as soon as its last answer is there.
func (b *bench) drive(ctx context.Context, m *many, counts bool) error {
	f0, h0, err := b.server.cpu()
	if err != nil {
		return err
	}
	var (
		running sync.WaitGroup
		took    [clients][]float64
		errs    [clients]error
	)
	began := time.Now()
	for c := range clients {
		running.Go(func() {
			for n := c; time.Since(began) < b.round; n += clients {
				a, err := fetch(ctx, m.request(series(n%(b.rows/seriesLength))), io.Discard)
				if err == nil && max(a.size-m.answerBytes, m.answerBytes-a.size) > m.answerBytes/20 {
					err = fmt.Errorf("an answer of %d bytes after one of %d", a.size, m.answerBytes)
				}
				if err != nil {
					errs[c] = err
					return
				}
				took[c] = append(took[c], seconds(a.took))
			}
		})
	}
	running.Wait()
	wall := time.Since(began)
	f1, h1, err := b.server.cpu()
	if err := errors.Join(append(errs[:], err)...); err != nil {
		return err
	}
	var all []float64
	for _, t := range took {
		all = append(all, t...)
	}
	if counts {
		n := float64(len(all))
		m.p50 = append(m.p50, quantile(all, 0.5))
		m.p95 = append(m.p95, quantile(all, 0.95))
		m.rate = append(m.rate, n/seconds(wall))
		m.cpu = append(m.cpu, seconds(f1-f0+h1-h0)/n)
		m.framehouse = append(m.framehouse, seconds(f1-f0)/n)
	}
	return nil
}

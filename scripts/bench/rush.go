package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"
)

// What a dashboard asks for: the same ranges again and again, at one moment.
const (
	widgets = 30
	viewers = 20
)

// repeated is a way to ask for the same small range again and again.
type repeated struct {
	name    string
	request ask
	headers []string
	status  int

	p50, p99, rate []float64 // of each round
}

// rush asks for what is kept: the same range over and over, with several clients at once, and
// all of a dashboard's at one moment.
func (b *bench) rush(ctx context.Context) error {
	const path = "/v1/nodes/series/rows?from=2026-01-01T01:00:00Z&to=2026-01-02T02:00:00Z&identifiers="
	const query = "SELECT " + columns + " FROM bench.prices WHERE unique_identifier = '%s' AND time >= '2026-01-01 01:00:00' AND time < '2026-01-02 02:00:00' ORDER BY time LIMIT 2000 FORMAT JSON"
	b.server.cache = "256MB"
	if err := b.server.restart(ctx); err != nil {
		return err
	}
	one := b.server.framehouse(path + series(0) + "&limit=2000")
	first, err := fetch(ctx, one, discard{})
	if err != nil {
		return err
	}
	tag := first.header.Get("Etag")
	if tag == "" {
		return errors.New("the answer has no ETag")
	}
	theirs := &repeated{name: "JSON", request: b.server.clickHouse(fmt.Sprintf(query, series(0)), nil), status: http.StatusOK}
	packed := &repeated{name: "gzip", request: one, headers: []string{"Accept-Encoding", "gzip"}, status: http.StatusOK}
	plain := &repeated{name: "plain", request: one, status: http.StatusOK}
	unchanged := &repeated{name: "304", request: one, headers: []string{"If-None-Match", tag}, status: http.StatusNotModified}
	for round := range b.rounds/2 + 1 {
		for _, r := range []*repeated{theirs, packed, plain, unchanged} {
			if err := b.again(ctx, r, round > 0); err != nil {
				return fmt.Errorf("%s: %w", r.name, err)
			}
		}
	}
	for _, c := range []struct {
		ours *repeated
		rate target
	}{{packed, target{atLeast: 25}}, {plain, target{atLeast: 10}}, {unchanged, target{atLeast: 50}}} {
		name := fmt.Sprintf("f. the same 1500 rows, %d clients, %s / JSON: ", clients, c.ours.name)
		b.report.compare(name+"requests", c.ours.rate, theirs.rate, perSecond, c.rate)
		b.report.compare(name+"p99 / p50", c.ours.p99, theirs.p50, milliseconds, target{atMost: 1})
	}
	if err := b.dashboard(ctx, path); err != nil {
		return err
	}
	return b.bounded(ctx, path)
}

// discard is io.Discard without what io.Copy makes of it.
type discard struct{}

func (discard) Write(p []byte) (int, error) { return len(p), nil }

// again asks for a while with all clients, each as soon as its last answer is there.
func (b *bench) again(ctx context.Context, r *repeated, counts bool) error {
	var (
		running sync.WaitGroup
		took    [clients][]float64
		errs    [clients]error
	)
	began := time.Now()
	for c := range clients {
		running.Go(func() {
			l, err := dialLean(ctx, r.request, r.headers...)
			if err != nil {
				errs[c] = err
				return
			}
			defer l.close()
			for time.Since(began) < b.round {
				sent := time.Now()
				status, _, err := l.ask()
				if err == nil && status != r.status {
					err = fmt.Errorf("status %d", status)
				}
				if err != nil {
					errs[c] = err
					return
				}
				took[c] = append(took[c], seconds(time.Since(sent)))
			}
		})
	}
	running.Wait()
	wall := time.Since(began)
	if err := errors.Join(errs[:]...); err != nil {
		return err
	}
	var all []float64
	for _, t := range took {
		all = append(all, t...)
	}
	if counts {
		r.p50, r.p99 = append(r.p50, quantile(all, 0.5)), append(r.p99, quantile(all, 0.99))
		r.rate = append(r.rate, float64(len(all))/seconds(wall))
	}
	return nil
}

// dashboard has all viewers ask for all widgets at one moment, of which nothing is kept yet.
// Beside that stands one viewer alone who does so.
func (b *bench) dashboard(ctx context.Context, path string) error {
	var made, last, single, alone, ours, theirs []float64
	round := 0
	fresh := func(w int) ask { // of this round alone, so that nothing is kept of it
		return b.server.framehouse(path + series(w) + "&limit=" + strconv.Itoa(2001+round))
	}
	for range b.rounds/4 + 1 {
		round++
		slowest := 0.0
		for w := range widgets {
			a, err := fetch(ctx, fresh(w), discard{})
			if err != nil {
				return err
			}
			slowest = max(slowest, seconds(a.took))
		}
		single = append(single, slowest)
		round++
		took, _, err := b.instant(ctx, 1, fresh)
		if err != nil {
			return err
		}
		alone = append(alone, took)
		round++
		f0, h0, err := b.server.cpu()
		if err != nil {
			return err
		}
		took, misses, err := b.instant(ctx, viewers, fresh)
		if err != nil {
			return err
		}
		f1, h1, err := b.server.cpu()
		if err != nil {
			return err
		}
		last, made = append(last, took), append(made, misses)
		ours, theirs = append(ours, seconds(f1-f0)), append(theirs, seconds(h1-h0))
	}
	name := fmt.Sprintf("f. %d widgets, %d viewers at one instant: ", widgets, viewers)
	b.report.alone(name+"queries", slices.Max(made), count, target{atMost: widgets})
	b.report.alone(name+"last answer", median(last), milliseconds, target{})
	b.report.alone(name+"CPU of framehouse", median(ours), milliseconds, target{})
	b.report.alone(name+"CPU of its ClickHouse", median(theirs), milliseconds, target{})
	b.report.alone(name+"last answer, by the slowest widget alone", median(last)/median(single), times, target{atMost: 3})
	b.report.alone(name+"last answer, by that of one viewer", median(last)/median(alone), times, target{})
	return nil
}

// instant has viewers ask for all widgets at one moment. It returns when the last had the
// answer, and how many answers were made.
func (b *bench) instant(ctx context.Context, viewers int, widget func(int) ask) (last, made float64, err error) {
	var (
		all   sync.WaitGroup
		mu    sync.Mutex
		start = make(chan struct{})
	)
	for range viewers {
		for w := range widgets {
			l, dialErr := dialLean(ctx, widget(w), "Accept-Encoding", "gzip")
			if dialErr != nil {
				err = dialErr
				break
			}
			all.Go(func() {
				defer l.close()
				<-start
				sent := time.Now()
				status, _, askErr := l.ask()
				if askErr == nil && status != http.StatusOK {
					askErr = fmt.Errorf("status %d", status)
				}
				mu.Lock()
				defer mu.Unlock()
				err, last = errors.Join(err, askErr), max(last, seconds(time.Since(sent)))
				if !l.kept {
					made++
				}
			})
		}
	}
	close(start)
	all.Wait()
	return last, made, err
}

func count(v float64) string { return fmt.Sprintf("%.0f", v) }

// bounded asks for other ranges all the time, and looks at what framehouse takes of memory.
// Beside what is kept there is garbage, which Go collects once it is one and a half times as
// much, and what requests under way need.
func (b *bench) bounded(ctx context.Context, path string) error {
	const size = 64e6
	b.server.cache = "64MB"
	if err := b.server.restart(ctx); err != nil {
		return err
	}
	if _, err := fetch(ctx, b.server.framehouse(path+series(0)+"&limit=2000"), discard{}); err != nil {
		return err
	}
	pid := b.server.cmd.Process.Pid
	if err := resetPeak(pid); err != nil {
		return err
	}
	before, _, err := resident(pid)
	if err != nil {
		return err
	}
	var running sync.WaitGroup
	errs := make([]error, clients)
	asked := make([]int, clients)
	until := time.Now().Add(b.random)
	for c := range clients {
		running.Go(func() {
			r := rand.New(rand.NewPCG(uint64(c), 0))
			for time.Now().Before(until) && errs[c] == nil {
				url := path + series(r.IntN(b.rows/seriesLength)) + "&limit=" + strconv.Itoa(1500+r.IntN(500))
				_, errs[c] = fetch(ctx, b.server.framehouse(url), discard{})
				asked[c]++
			}
		})
	}
	running.Wait()
	if err := errors.Join(errs...); err != nil {
		return err
	}
	_, peak, err := resident(pid)
	if err != nil {
		return err
	}
	all := 0
	for _, n := range asked {
		all += n
	}
	progress(fmt.Sprintf("%d random requests in %s, resident before %s", all, b.random, megabytes(float64(before))))
	b.report.alone(fmt.Sprintf("f. random requests for %s, a cache of 64 MB: growth of resident memory", b.random), float64(peak-before), megabytes, target{atMost: 2.5*size + 64e6})
	return nil
}

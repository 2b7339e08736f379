// Package timing keeps what the parts of an answer took, for the header Server-Timing
// (https://www.w3.org/TR/server-timing/).
//
// A Recorder goes with a request's context. Whatever works for the request adds to it what
// took time or is worth knowing; a context without one takes no note and costs nothing.
package timing

import (
	"context"
	"strconv"
	"sync"
	"time"
)

// Recorder gathers the metrics of one request. It can be used by several goroutines at once,
// and a nil one takes no note.
type Recorder struct {
	began time.Time

	mu      sync.Mutex
	metrics [most]metric // in the order in which they came; not a map, which would be allocated
	used    int
}

// most is how many metrics an answer has; there are few parts that could add one.
const most = 8

type metric struct {
	name        string
	took        time.Duration
	timed       bool
	description string
}

type recorderKey struct{}

// With returns a context with a Recorder of a request that begins now.
func With(ctx context.Context) (context.Context, *Recorder) {
	r := &Recorder{began: time.Now()}
	return context.WithValue(ctx, recorderKey{}, r), r
}

// From is the Recorder of a context, or nil.
func From(ctx context.Context) *Recorder {
	r, _ := ctx.Value(recorderKey{}).(*Recorder)
	return r
}

// Add adds to the time of a metric. Its name is a token of HTTP and part of the program.
func (r *Recorder) Add(name string, took time.Duration) {
	r.change(name, func(m *metric) { m.took, m.timed = m.took+took, true })
}

// Took is the time of a metric so far.
func (r *Recorder) Took(name string) time.Duration {
	if r == nil {
		return 0
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, m := range r.metrics[:r.used] {
		if m.name == name {
			return m.took
		}
	}
	return 0
}

// Since adds the time from then until now.
func (r *Recorder) Since(name string, then time.Time) {
	if r != nil {
		r.Add(name, time.Since(then))
	}
}

// Describe says something of a metric, such as hit of a cache. The description is part of the
// program, or at least no more than letters, digits, and the marks that stand in dates.
func (r *Recorder) Describe(name, description string) {
	r.change(name, func(m *metric) { m.description = description })
}

func (r *Recorder) change(name string, change func(*metric)) {
	if r == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	i := 0
	for i < r.used && r.metrics[i].name != name {
		i++
	}
	if i == most {
		return // a diagnosis that lacks a part is better than a failure
	}
	if i == r.used {
		r.used++
		r.metrics[i].name = name
	}
	change(&r.metrics[i])
}

// Header is the value of Server-Timing at this moment: each metric with its milliseconds, and
// the total since the request began.
func (r *Recorder) Header() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	b := make([]byte, 0, 96)
	for _, m := range r.metrics[:r.used] {
		b = append(b, m.name...)
		if m.description != "" {
			b = append(append(append(b, `;desc="`...), m.description...), '"')
		}
		if m.timed {
			b = appendMilliseconds(b, m.took)
		}
		b = append(b, ", "...)
	}
	return string(appendMilliseconds(append(b, "total"...), time.Since(r.began)))
}

func appendMilliseconds(b []byte, d time.Duration) []byte {
	return strconv.AppendFloat(append(b, ";dur="...), float64(d)/float64(time.Millisecond), 'f', 1, 64)
}

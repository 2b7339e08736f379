package timing

import (
	"context"
	"fmt"
	"regexp"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func TestHeader(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, _ := With(t.Context())
		r := From(ctx)
		r.Add("queue", 1234567*time.Nanosecond)
		r.Add("clickhouse", 2*time.Millisecond)
		r.Describe("cache", "miss")
		began := time.Now()
		time.Sleep(1500 * time.Microsecond)
		r.Since("clickhouse", began)
		const want = `queue;dur=1.2, clickhouse;dur=3.5, cache;desc="miss", total;dur=1.5`
		if got := r.Header(); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	})
}

// Without a recorder nothing is noted, and with many parts the first are.
func TestBounds(t *testing.T) {
	t.Parallel()
	none := From(context.Background())
	none.Add("queue", time.Second)
	none.Since("queue", time.Now())
	none.Describe("cache", "hit")

	ctx, r := With(t.Context())
	var all sync.WaitGroup
	for i := range 4 * most {
		all.Go(func() { From(ctx).Add(fmt.Sprint("m", i%(2*most)), time.Millisecond) })
	}
	all.Wait()
	if got := r.Header(); !regexp.MustCompile(`^(m\d+;dur=[12]\.0, ){8}total;dur=[0-9.]+$`).MatchString(got) {
		t.Error(got)
	}
}

// BenchmarkRecorder is all that an answer of a query costs.
func BenchmarkRecorder(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		ctx, r := With(b.Context())
		From(ctx).Add("queue", time.Microsecond)
		From(ctx).Since("clickhouse", time.Now())
		if r.Header() == "" {
			b.Fatal()
		}
	}
}

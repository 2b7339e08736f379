package fair

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// check holds a queue against what must be true of it at any moment.
func (q *Queue) check(t *testing.T) {
	t.Helper()
	q.mu.Lock()
	defer q.mu.Unlock()
	slots, waiting := 0, 0
	for name, c := range q.callers {
		if c.name != name || c.slots > q.cfg.SlotsOfOne || len(c.line) > q.cfg.WaitingOfOne || c.slots+len(c.line) == 0 {
			t.Errorf("caller %s: %+v", name, *c)
		}
		if (len(c.line) > 0) != slices.Contains(q.rotation, c) {
			t.Errorf("caller %s has %d waiting and is wrongly in or out of the rotation", name, len(c.line))
		}
		if len(c.line) > 0 && q.free > 0 && c.slots < q.cfg.SlotsOfOne {
			t.Errorf("caller %s waits with %d slots free, and has %d", name, q.free, c.slots)
		}
		slots, waiting = slots+c.slots, waiting+len(c.line)
	}
	if q.free < 0 || slots+q.free != q.cfg.Slots || waiting != q.waiting || waiting > q.cfg.Waiting {
		t.Errorf("%d slots taken, %d free of %d; %d waiting, counted as %d of %d", slots, q.free, q.cfg.Slots, waiting, q.waiting, q.cfg.Waiting)
	}
}

// empty tells whether nothing is left behind.
func (q *Queue) empty() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.free == q.cfg.Slots && len(q.callers)+len(q.rotation)+len(q.returning)+q.waiting == 0
}

// Requests of any kind at any time: each invariant holds whatever happens, and in the end
// nothing is left.
func TestAnything(t *testing.T) {
	t.Parallel()
	for seed := range uint64(150) {
		synctest.Test(t, func(t *testing.T) {
			random := rand.New(rand.NewPCG(seed, 1))
			q := New(Config{
				Slots: 1 + random.IntN(6), Waiting: random.IntN(30), WaitingOfOne: random.IntN(20),
				Timeout: time.Duration(random.IntN(300)) * time.Millisecond,
			})
			between := func(most int) time.Duration { return time.Duration(random.IntN(most)) * time.Millisecond }
			callers := 1 + random.IntN(5)
			var all sync.WaitGroup
			var contexts []context.Context
			for range 120 {
				ctx, leave := context.WithTimeout(With(t.Context(), fmt.Sprint("caller", random.IntN(callers))), between(400))
				contexts = append(contexts, ctx)
				works := make([]time.Duration, 1+random.IntN(3))
				for i := range works {
					works[i] = between(40)
				}
				nested, start := random.IntN(2) == 0, between(500)
				all.Go(func() {
					defer leave()
					time.Sleep(start)
					for _, work := range works {
						place, err := q.Enter(ctx)
						q.check(t)
						if err != nil {
							var refused *Refused
							if errors.As(err, &refused) && (refused.After < soonest || refused.After > latest) {
								t.Errorf("to come again after %s", refused.After)
							}
							return
						}
						time.Sleep(work)
						if nested {
							// A second work, which outlives the first.
							began := time.Now()
							inner, err := q.Enter(ctx)
							if err != nil || time.Since(began) > 0 {
								t.Errorf("a second place came after %s: %v", time.Since(began), err)
							}
							place.Leave()
							q.check(t)
							time.Sleep(work)
							inner.Leave()
						}
						place.Leave()
						place.Leave()
						q.check(t)
					}
				})
			}
			for range 40 {
				one, other, start := contexts[random.IntN(len(contexts))], contexts[random.IntN(len(contexts))], between(600)
				all.Go(func() {
					time.Sleep(start)
					Join(one, other)
					q.check(t)
				})
			}
			all.Wait()
			if !q.empty() {
				t.Errorf("seed %d: something is left: %+v", seed, q)
			}
		})
	}
}

// order lets requests come one after the other while the only place is taken, and says in
// which order they were served.
func order(t *testing.T, q *Queue, callers string) string {
	t.Helper()
	first, err := q.Enter(With(t.Context(), "x"))
	if err != nil {
		t.Fatal(err)
	}
	var served strings.Builder
	var all sync.WaitGroup
	seen := map[rune]int{}
	for _, caller := range callers {
		seen[caller]++
		name := fmt.Sprintf("%c%d ", caller, seen[caller])
		all.Go(func() {
			place, err := q.Enter(With(t.Context(), string(caller)))
			if err != nil {
				t.Error(err)
				return
			}
			served.WriteString(name)
			time.Sleep(time.Millisecond)
			place.Leave()
		})
		synctest.Wait()
	}
	first.Leave()
	all.Wait()
	return strings.TrimSpace(served.String())
}

func TestOrder(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ callers, want string }{
		{"aaa", "a1 a2 a3"},
		{"aaaaab", "a1 b1 a2 a3 a4 a5"},
		{"aaabbbc", "a1 b1 c1 a2 b2 a3 b3"},
		{"baaac", "b1 a1 c1 a2 a3"},
	} {
		synctest.Test(t, func(t *testing.T) {
			q := New(Config{Slots: 1, Waiting: 100, WaitingOfOne: 100, Timeout: time.Minute})
			if got := order(t, q, test.callers); got != test.want {
				t.Errorf("%s are served as %s, not %s", test.callers, got, test.want)
			}
		})
	}
}

// A thousand requests of one caller do not make another wait for more than one of them.
func TestNoneStarves(t *testing.T) {
	t.Parallel()
	const slots, work = 4, 100 * time.Millisecond
	synctest.Test(t, func(t *testing.T) {
		q := New(Config{Slots: slots, Waiting: 2000, WaitingOfOne: 1000, Timeout: time.Hour})
		var all sync.WaitGroup
		for range 1000 {
			all.Go(func() {
				place, err := q.Enter(With(t.Context(), "greedy"))
				if err != nil {
					t.Error(err)
					return
				}
				time.Sleep(work)
				place.Leave()
			})
		}
		synctest.Wait()
		for range 20 {
			// As many callers at once as are served in one turn of the slots, and one that waits.
			for i := range slots {
				all.Go(func() {
					began := time.Now()
					place, err := q.Enter(With(t.Context(), fmt.Sprint("modest", i)))
					if took := time.Since(began); err != nil || took > work {
						t.Errorf("a request that is its caller's only one waited for %s: %v", took, err)
					}
					place.Leave()
				})
			}
			time.Sleep(work / 3)
		}
		all.Wait()
	})
}

// What comes again goes first: it has waited before.
func TestReturning(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q := New(Config{Slots: 1, Waiting: 10, WaitingOfOne: 10, Timeout: time.Minute})
		ctx := With(t.Context(), "a")
		place, err := q.Enter(ctx)
		if err != nil {
			t.Fatal(err)
		}
		var all sync.WaitGroup
		for range 5 {
			all.Go(func() {
				place, err := q.Enter(With(t.Context(), "b"))
				if err != nil {
					t.Error(err)
				}
				time.Sleep(time.Second)
				place.Leave()
			})
		}
		synctest.Wait()
		place.Leave() // to the first of the others
		began := time.Now()
		if place, err = q.Enter(ctx); err != nil || time.Since(began) != time.Second {
			t.Errorf("the second work began after %s: %v", time.Since(began), err)
		}
		place.Leave()
		all.Wait()
	})
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	enter := func(t *testing.T, q *Queue, caller string, want Reason) *Refused {
		t.Helper()
		_, err := q.Enter(With(t.Context(), caller))
		var refused *Refused
		if !errors.As(err, &refused) || refused.Reason != want || refused.Error() == "" {
			t.Fatalf("%s: %v", caller, err)
		}
		return refused
	}
	synctest.Test(t, func(t *testing.T) {
		q := New(Config{Slots: 1, Waiting: 3, WaitingOfOne: 2, Timeout: 5 * time.Second})
		place, err := q.Enter(With(t.Context(), "a"))
		if err != nil {
			t.Fatal(err)
		}
		if r := enter(t, q, "a", TimedOut); r.After != 5*time.Second {
			t.Errorf("before any place came free: after %s", r.After)
		}
		errs := map[string]error{}
		var lock sync.Mutex
		var all sync.WaitGroup
		come := func(caller, name string) {
			all.Go(func() {
				place, err := q.Enter(With(t.Context(), caller))
				lock.Lock()
				errs[name] = err
				lock.Unlock()
				time.Sleep(2 * time.Second)
				place.Leave()
			})
			synctest.Wait()
		}
		come("a", "a1")
		come("a", "a2")
		enter(t, q, "a", CallerFull)
		come("b", "b1")
		enter(t, q, "b", Full) // a has one more, and one is what b would have more itself
		come("c", "c1")        // takes the place of a2
		if r := (*Refused)(nil); !errors.As(errs["a2"], &r) || r.Reason != Full {
			t.Errorf("the last of the longest line: %v", errs["a2"])
		}
		place.Leave()
		all.Wait()
		for name, err := range errs {
			if err != nil && name != "a2" {
				t.Errorf("%s: %v", name, err)
			}
		}
		if !q.empty() {
			t.Error("something is left")
		}
	})
}

// A client that is told when to come again, and does, finds a place.
func TestEstimate(t *testing.T) {
	t.Parallel()
	for _, work := range []time.Duration{30 * time.Millisecond, 200 * time.Millisecond, 700 * time.Millisecond} {
		synctest.Test(t, func(t *testing.T) {
			q := New(Config{Slots: 4, Waiting: 40, WaitingOfOne: 40, Timeout: time.Hour})
			var all sync.WaitGroup
			var refused *Refused
			for i := range 60 {
				all.Go(func() {
					time.Sleep(time.Duration(i) * time.Millisecond)
					place, err := q.Enter(With(t.Context(), "a"))
					if err != nil {
						return
					}
					time.Sleep(work)
					place.Leave()
				})
			}
			time.Sleep(3 * work)
			for refused == nil {
				all.Go(func() {
					place, err := q.Enter(With(t.Context(), "a"))
					if err != nil {
						errors.As(err, &refused)
						return
					}
					time.Sleep(work)
					place.Leave()
				})
				synctest.Wait()
			}
			began := time.Now()
			all.Wait()
			// Three places are the caller's. Whole seconds are told, and at least one.
			if drained := time.Since(began); refused.After < drained*8/10 || refused.After > max(2*drained, soonest) {
				t.Errorf("works of %s: told to come after %s, and all was done after %s", work, refused.After, drained)
			}
		})
	}
}

// A context that ended takes its request out at once.
func TestLeaving(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q := New(Config{Slots: 1, Waiting: 10, WaitingOfOne: 10, Timeout: time.Minute})
		place, err := q.Enter(With(t.Context(), "a"))
		if err != nil {
			t.Fatal(err)
		}
		ctx, leave := context.WithCancel(With(t.Context(), "b"))
		go leave()
		if _, err := q.Enter(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("%v", err)
		}
		if q.waiting != 0 || len(q.rotation) != 0 {
			t.Error("it waits still")
		}
		place.Leave()
		if !q.empty() {
			t.Error("something is left")
		}
	})
}

// BenchmarkFree is a request that finds a place free, as nearly all do.
func BenchmarkFree(b *testing.B) {
	q := New(Config{Slots: 8, Waiting: 10, WaitingOfOne: 10, Timeout: time.Second})
	b.ReportAllocs()
	for b.Loop() {
		ctx := With(b.Context(), "127.0.0.1")
		place, err := q.Enter(ctx)
		if err != nil {
			b.Fatal(err)
		}
		place.Leave()
	}
}

// BenchmarkBusy is as many requests of many callers at once as there are goroutines.
func BenchmarkBusy(b *testing.B) {
	q := New(Config{Slots: 8, Waiting: 1000, WaitingOfOne: 1000, Timeout: time.Minute})
	b.ReportAllocs()
	b.SetParallelism(64)
	b.RunParallel(func(pb *testing.PB) {
		caller := fmt.Sprint(rand.IntN(10))
		for pb.Next() {
			place, err := q.Enter(With(b.Context(), caller))
			if err != nil {
				b.Error(err)
				return
			}
			place.Leave()
		}
	})
}

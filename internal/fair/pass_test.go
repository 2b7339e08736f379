package fair

import (
	"context"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// A request that another caller wants too comes when the turn of either does.
func TestJoin(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		lines string // requests as they come, each of the caller that it is called by
		joins string // those that b joins, before they come or while they wait
		early bool
		want  string
	}{
		"nobody":             {"a1 a2 a3 a4", "", false, "a1 a2 a3 a4"},
		"one who waits":      {"a1 a2 a3 a4", "a4", false, "a1 a4 a2 a3"},
		"one who will wait":  {"a1 a2 a3 a4", "a4", true, "a1 a4 a2 a3"},
		"the next":           {"a1 a2 a3 a4", "a1", false, "a1 a2 a3 a4"},
		"two":                {"a1 a2 a3 a4", "a4 a3", false, "a1 a4 a2 a3"},
		"with a longer line": {"a1 a2 a3 b1 b2 b3", "a2", false, "a1 b1 a2 b2 a3 b3"},
		"behind its own":     {"a1 a2 a3 a4 b1", "a4", false, "a1 b1 a2 a4 a3"},
	} {
		synctest.Test(t, func(t *testing.T) {
			q := New(Config{Slots: 1, Waiting: 100, WaitingOfOne: 100, Timeout: time.Minute})
			first, err := q.Enter(With(t.Context(), "x"))
			if err != nil {
				t.Fatal(err)
			}
			b := With(t.Context(), "b")
			contexts := map[string]context.Context{}
			for one := range strings.FieldsSeq(test.lines) {
				contexts[one] = With(t.Context(), one[:1])
			}
			join := func() {
				for one := range strings.FieldsSeq(test.joins) {
					Join(contexts[one], b)
				}
			}
			if test.early {
				join()
			}
			var served []string
			var all sync.WaitGroup
			for one := range strings.FieldsSeq(test.lines) {
				all.Go(func() {
					place, err := q.Enter(contexts[one])
					if err != nil {
						t.Error(err)
						return
					}
					served = append(served, one)
					time.Sleep(time.Millisecond)
					place.Leave()
				})
				synctest.Wait()
			}
			if !test.early {
				join()
			}
			q.check(t)
			first.Leave()
			all.Wait()
			if got := strings.Join(served, " "); got != test.want || !q.empty() {
				t.Errorf("%s: served as %s, not %s", name, got, test.want)
			}
		})
	}
}

// A caller who has as many slots as it may holds nobody up who wants what it waits for, also
// not where that was begun.
func TestJoinOfOneWhoHasAll(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q := New(Config{Slots: 2, SlotsOfOne: 1, Waiting: 10, WaitingOfOne: 10, Timeout: time.Minute})
		enter := func(ctx context.Context) Place {
			place, err := q.Enter(ctx)
			if err != nil {
				t.Error(err)
			}
			return place
		}
		wanted := With(t.Context(), "a")
		begun := enter(wanted)
		begun.Leave()
		long := enter(With(t.Context(), "a"))
		for _, ctx := range []context.Context{With(t.Context(), "a"), wanted} {
			var all sync.WaitGroup
			all.Go(func() {
				began := time.Now()
				place := enter(ctx)
				if took := time.Since(began); took != time.Second {
					t.Errorf("its turn came after %s", took)
				}
				place.Leave()
			})
			time.Sleep(time.Second)
			Join(ctx, With(t.Context(), "b"))
			q.check(t)
			all.Wait()
		}
		long.Leave()
		if !q.empty() {
			t.Error("something is left")
		}
	})
}

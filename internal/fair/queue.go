// Package fair lets a bounded number of works go on at once. Those that wait take turns by
// caller, so that one caller's thousand requests do not stand before another's one.
//
// What it promises: there are never more works with a place of their own than Slots, nor
// more of one caller than SlotsOfOne; callers that wait are served in rotation, and the
// requests of one caller in the order in which they came; whoever gives up waiting, or is
// refused, has left nothing behind; and a request that has a place gets further ones at
// once, so that requests which do several works at a time cannot wait for each other.
package fair

import (
	"context"
	"slices"
	"sync"
	"time"
)

// Config says how much goes on at once, and how much waits.
type Config struct {
	// Slots are the works that go on at once; at least one.
	Slots int
	// SlotsOfOne are those of one caller. Zero means three quarters of Slots, rounded up but
	// not all of them where there are several: a caller who comes while another has as much
	// under way as it may then finds a free slot, and does not wait for the end of a long work.
	SlotsOfOne int
	// Waiting bounds the requests that wait, and WaitingOfOne those of one caller. Where the
	// former is reached, a caller who has fewer waiting than others takes the place of the
	// last request of the longest line.
	Waiting, WaitingOfOne int
	// Timeout is how long a request waits at most.
	Timeout time.Duration
}

// Queue hands out places. Its zero value is not ready; see New.
type Queue struct {
	cfg Config

	mu        sync.Mutex
	free      int // slots
	callers   map[string]*caller
	rotation  []*caller // those who have requests waiting; the first is next
	returning []*waiter // requests that had a place before; they go first
	waiting   int       // in the lines of all callers
	pace      pace
	spare     *caller // kept, since most requests find their caller gone
}

// caller is there while it has a slot or waits for one.
type caller struct {
	name  string
	slots int
	line  []*waiter // first come, first served
}

// waiter is a request that waits.
type waiter struct {
	turn  *Turn
	ready chan struct{} // closed when the waiting is over
	err   error         // why it ended without a place
}

// New returns a Queue.
func New(cfg Config) *Queue {
	cfg.Slots = max(1, cfg.Slots)
	if cfg.SlotsOfOne == 0 {
		cfg.SlotsOfOne = min((3*cfg.Slots+3)/4, max(1, cfg.Slots-1))
	}
	return &Queue{cfg: cfg, free: cfg.Slots, callers: map[string]*caller{}}
}

// Slots are the works that go on at once.
func (q *Queue) Slots() int { return q.cfg.Slots }

// Enter waits for a place. The request, and the caller it belongs to, are those of With. An
// error is a *Refused, or that of a context that ended.
func (q *Queue) Enter(ctx context.Context) (Place, error) {
	turn, _ := ctx.Value(turnKey{}).(*Turn)
	if turn == nil {
		turn = &Turn{}
	}
	place := Place{q, turn}
	q.mu.Lock()
	for _, name := range turn.owned(q) {
		if turn.works == 0 && q.sooner(name, q.ahead(name), turn.caller, q.ahead(turn.caller)) {
			turn.caller = name
		}
	}
	if turn.works > 0 || q.admits(turn.caller) {
		q.admit(turn)
		q.mu.Unlock()
		return place, nil
	}
	w, err := q.wait(turn)
	q.mu.Unlock()
	if err != nil {
		return Place{}, err
	}
	timer := time.NewTimer(q.cfg.Timeout)
	defer timer.Stop()
	select {
	case <-w.ready:
		return place.unless(w.err)
	case <-ctx.Done():
		err = ctx.Err()
	case <-timer.C:
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	select {
	case <-w.ready:
		// Its turn came at the same moment. A context that ended is no reason to refuse what
		// is given: the work will see it, and leaves.
		return place.unless(w.err)
	default:
	}
	if err == nil {
		err = q.refuse(turn.caller, TimedOut)
	}
	q.remove(w)
	return Place{}, err
}

// admits tells whether there is a slot for the caller. While one is free, all who wait belong
// to callers who have as many as they may, so nobody is passed over.
func (q *Queue) admits(name string) bool {
	if q.free == 0 {
		return false
	}
	c := q.callers[name]
	return c == nil || c.slots < q.cfg.SlotsOfOne
}

// admit gives the turn a place.
func (q *Queue) admit(turn *Turn) {
	if turn.works++; turn.works == 1 {
		q.free--
		q.caller(turn.caller).slots++
		turn.served = true
	}
}

// wait puts the turn into its line.
func (q *Queue) wait(turn *Turn) (*waiter, error) {
	w := &waiter{turn: turn, ready: make(chan struct{})}
	if turn.served {
		// There are no more of these than were served, so that no bound is needed.
		q.returning = append(q.returning, w)
		return w, nil
	}
	own := 0
	if c := q.callers[turn.caller]; c != nil {
		own = len(c.line)
	}
	if own >= q.cfg.WaitingOfOne {
		return nil, q.refuse(turn.caller, CallerFull)
	}
	if q.waiting >= q.cfg.Waiting {
		longest := q.longest()
		if longest == nil || len(longest.line) <= own+1 {
			return nil, q.refuse(turn.caller, Full)
		}
		last := longest.line[len(longest.line)-1]
		last.err = q.refuse(longest.name, Full)
		q.remove(last)
		close(last.ready)
	}
	c := q.caller(turn.caller)
	if len(c.line) == 0 {
		q.rotation = append(q.rotation, c)
	}
	c.line = append(c.line, w)
	q.waiting++
	return w, nil
}

func (q *Queue) longest() *caller {
	var longest *caller
	for _, c := range q.rotation {
		if longest == nil || len(c.line) > len(longest.line) {
			longest = c
		}
	}
	return longest
}

// remove takes a waiter out, who may be anywhere in its line.
func (q *Queue) remove(w *waiter) {
	if i := slices.Index(q.returning, w); i >= 0 {
		q.returning = slices.Delete(q.returning, i, i+1)
		return
	}
	c := q.callers[w.turn.caller]
	i := slices.Index(c.line, w)
	c.line = slices.Delete(c.line, i, i+1)
	q.waiting--
	if len(c.line) == 0 {
		q.rotation = slices.DeleteFunc(q.rotation, func(other *caller) bool { return other == c })
		q.forget(c)
	}
}

// leave ends a work of the turn. Its slot is free when none is left.
func (q *Queue) leave(turn *Turn) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if turn.works--; turn.works > 0 {
		return
	}
	q.pace.left(time.Now(), q.waiting+len(q.returning) > 0)
	q.free++
	c := q.callers[turn.caller]
	c.slots--
	q.serve()
	q.forget(c)
}

// serve gives free slots to those who wait.
func (q *Queue) serve() {
	for q.free > 0 {
		w := q.next()
		if w == nil {
			return
		}
		q.admit(w.turn)
		close(w.ready)
	}
}

// next takes the waiter out whose turn it is. A caller who has as many slots as it may keeps
// its place in the rotation, and is passed over.
func (q *Queue) next() *waiter {
	for i, w := range q.returning {
		if w.turn.works > 0 || q.admits(w.turn.caller) {
			q.returning = slices.Delete(q.returning, i, i+1)
			return w
		}
	}
	for i, c := range q.rotation {
		if c.slots >= q.cfg.SlotsOfOne {
			continue
		}
		w := c.line[0]
		c.line = slices.Delete(c.line, 0, 1)
		q.waiting--
		q.rotation = slices.Delete(q.rotation, i, i+1)
		if len(c.line) > 0 {
			q.rotation = append(q.rotation, c)
		}
		return w
	}
	return nil
}

func (q *Queue) caller(name string) *caller {
	if c := q.callers[name]; c != nil {
		return c
	}
	c := q.spare
	if q.spare = nil; c == nil {
		c = &caller{}
	}
	c.name = name
	q.callers[name] = c
	return c
}

// forget drops a caller of whom nothing is left.
func (q *Queue) forget(c *caller) {
	if c.slots == 0 && len(c.line) == 0 && q.callers[c.name] == c {
		delete(q.callers, c.name)
		q.spare = c
	}
}

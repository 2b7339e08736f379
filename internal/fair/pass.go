package fair

import "slices"

// ahead is how many requests wait in the line of a caller.
func (q *Queue) ahead(name string) int {
	if c := q.callers[name]; c != nil {
		return len(c.line)
	}
	return 0
}

// full tells whether a caller has as many slots as it may.
func (q *Queue) full(name string) bool {
	c := q.callers[name]
	return c != nil && c.slots >= q.cfg.SlotsOfOne
}

// sooner tells whether the turn of a request comes sooner in one caller's line, behind so many,
// than in another's.
func (q *Queue) sooner(one string, aheadOfOne int, other string, aheadOfOther int) bool {
	if q.full(one) != q.full(other) {
		return q.full(other)
	}
	return aheadOfOne < aheadOfOther
}

// pass makes a request that waits another caller's, if its turn comes sooner then.
func (q *Queue) pass(turn *Turn, to string) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if turn.works > 0 || turn.caller == to {
		return
	}
	if slices.ContainsFunc(q.returning, func(w *waiter) bool { return w.turn == turn }) {
		if q.sooner(to, 0, turn.caller, 0) {
			turn.caller = to
			q.serve()
		}
		return
	}
	from := q.callers[turn.caller]
	if from == nil {
		return // it does not wait; when it comes to, it has the choice
	}
	var moved []*waiter
	for i, w := range from.line {
		if w.turn != turn {
			continue
		}
		if len(moved) == 0 && !q.sooner(to, q.ahead(to), turn.caller, i) {
			return
		}
		moved = append(moved, w)
	}
	if len(moved) == 0 || q.ahead(to)+len(moved) > q.cfg.WaitingOfOne {
		return
	}
	for _, w := range moved {
		q.remove(w)
	}
	turn.caller = to
	c := q.caller(to)
	if len(c.line) == 0 {
		q.rotation = append(q.rotation, c)
	}
	c.line = append(c.line, moved...)
	q.waiting += len(moved)
	q.serve()
}

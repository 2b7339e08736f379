package fair

import (
	"context"
	"slices"
	"sync"
)

// Turn is one request of a caller, with all the works that it does, one after another or one
// inside of another.
//
// It waits once. While it has a place, further works of it need none, so there are at most
// as many more as a request does at a time: a wait for a second place, by requests that
// hold all the first ones, would never end. When it comes again after its works have ended,
// it goes before all who have not been served yet.
type Turn struct {
	name   string // of the caller who asked
	caller string // whose slot it has, or in whose line it waits
	works  int    // under way
	served bool   // has had a place

	mu     sync.Mutex // is taken after the queue's
	queue  *Queue     // that it has come to
	owners []string   // further callers who want what it does
}

type turnKey struct{}

// With gives the works of a context to one request of a caller. Without it, each work is a
// request of its own, of a caller without a name.
func With(ctx context.Context, caller string) context.Context {
	return context.WithValue(ctx, turnKey{}, &Turn{name: caller, caller: caller})
}

// Join makes the request of a context one of another's caller too. Its turn comes as soon as
// that of the one or of the other would, and is the turn of that one: who waits for what
// another asked for is not behind all else that this other asks for.
func Join(ctx, other context.Context) {
	turn, _ := ctx.Value(turnKey{}).(*Turn)
	owner, _ := other.Value(turnKey{}).(*Turn)
	if turn == nil || owner == nil || turn == owner {
		return
	}
	name := owner.name
	turn.mu.Lock()
	if name != turn.name && !slices.Contains(turn.owners, name) {
		turn.owners = append(turn.owners, name)
	}
	queue := turn.queue
	turn.mu.Unlock()
	if queue != nil {
		queue.pass(turn, name)
	}
}

// owned are the further callers of a turn, which comes to a queue.
func (t *Turn) owned(q *Queue) []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.queue = q
	return t.owners
}

// Place is what a work has while it goes on. The zero Place is none.
type Place struct {
	queue *Queue
	turn  *Turn
}

// unless is the place, or none where there is an error.
func (p Place) unless(err error) (Place, error) {
	if err != nil {
		return Place{}, err
	}
	return p, nil
}

// Leave gives the place back. It may be called more than once, of one copy of the Place.
func (p *Place) Leave() {
	if p.turn == nil {
		return
	}
	queue, turn := p.queue, p.turn
	*p = Place{}
	queue.leave(turn)
}

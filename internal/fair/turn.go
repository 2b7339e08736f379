package fair

import "context"

// Turn is one request of a caller, with all the works that it does, one after another or one
// inside of another.
//
// It waits once. While it has a place, further works of it need none, so there are at most
// as many more as a request does at a time: a wait for a second place, by requests that
// hold all the first ones, would never end. When it comes again after its works have ended,
// it goes before all who have not been served yet.
type Turn struct {
	caller string
	works  int  // under way
	served bool // has had a place
}

type turnKey struct{}

// With gives the works of a context to one request of a caller. Without it, each work is a
// request of its own, of a caller without a name.
func With(ctx context.Context, caller string) context.Context {
	return context.WithValue(ctx, turnKey{}, &Turn{caller: caller})
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

package cache

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
)

// flights are the answers under way.
type flights struct {
	mu    sync.Mutex
	under map[way]*Flight
	held  atomic.Int64 // bytes of bodies that somebody has not had yet, or waits for
}

// way is how an answer is made. What is kept is the same whichever way it was made; a failure
// may be told in other words.
type way struct {
	key Key
	of  string
}

// Flight is an answer under way, for all who asked for it since it began.
//
// It is made by nobody's request, so none that leaves ends it; when the last has left it is
// given up. Whoever asked first, the leader, gets it piece by piece as it is made. The others
// get it when it is whole. If it turns out to be too large to be kept, or all that are under
// way do, they have had nothing of it and ask for themselves; from then on it is made as fast
// as the leader takes it.
type Flight struct {
	cache  *Cache
	way    way
	coding string // that the leader asked for
	ctx    context.Context
	cancel context.CancelFunc

	done     chan struct{} // closed at the end
	outgrown chan struct{} // closed when it has become too large

	mu     sync.Mutex
	moved  chan struct{} // closed, and replaced, when anything of what follows changes
	riders int
	led    bool // whether the leader is among them
	begun  bool
	status int
	header []Field
	body   []byte // from taken on
	taken  int    // bytes that are no longer held
	read   int    // bytes that the leader has had
	held   int64  // that are counted as held
	large  bool
	ended  bool
	whole  bool
	tail   []Field // the header at the end
	kept   *Answer // of a flight that ended, if it is kept
}

// ErrAbandoned is why a flight cannot be written to any longer.
var ErrAbandoned = errors.New("nobody waits for the answer any more")

// Join joins the flight of a key, or begins one, of which the caller then is the leader. of
// names who makes the answer: flights of others are not joined, since what they say of a
// failure may be no word to the caller. make makes the answer, on a goroutine of its own. Its
// context keeps what of ctx are values, and ends when the last rider has left. Instead of a
// flight there may be an answer already, in the coding or in none.
//
// Whoever gets a flight leaves it.
func (c *Cache) Join(ctx context.Context, key Key, of, coding string, make func(context.Context, *Flight)) (f *Flight, leader bool, a *Answer) {
	c.flights.mu.Lock()
	defer c.flights.mu.Unlock()
	way := way{key, of}
	if f := c.board(way); f != nil {
		return f, false, nil
	}
	// One may have landed since the caller looked.
	for _, coding := range [...]string{coding, ""} {
		if a, _ := c.Get(key, coding); a != nil {
			return nil, false, a
		}
	}
	f = &Flight{cache: c, way: way, coding: coding, riders: 1, led: true}
	f.done, f.outgrown, f.moved = newSignal(), newSignal(), newSignal()
	f.ctx, f.cancel = context.WithCancel(context.WithoutCancel(ctx))
	c.flights.under[way] = f
	go func() {
		defer f.end()
		make(f.ctx, f)
	}()
	return f, true, nil
}

// Board joins the flight of a key, as Join does, if there is one.
func (c *Cache) Board(key Key, of string) *Flight {
	c.flights.mu.Lock()
	defer c.flights.mu.Unlock()
	return c.board(way{key, of})
}

// board joins a flight, or nil if there is none. The lock of the flights is held.
func (c *Cache) board(way way) *Flight {
	f := c.flights.under[way]
	if f != nil {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.riders++
	}
	return f
}

func newSignal() chan struct{} { return make(chan struct{}) }

// Context is the one in which the answer is made.
func (f *Flight) Context() context.Context { return f.ctx }

// Leave ends what a rider has to do with the flight.
func (f *Flight) Leave(leader bool) {
	f.cache.flights.mu.Lock()
	defer f.cache.flights.mu.Unlock()
	f.mu.Lock()
	defer f.mu.Unlock()
	f.riders--
	if leader {
		f.led = false
	}
	if f.riders == 0 {
		f.release()
		if !f.ended {
			f.forget()
			f.cancel()
		}
	}
	f.move()
}

// release counts the body as held no longer. The lock is held.
func (f *Flight) release() {
	f.cache.flights.held.Add(-f.held)
	f.held = 0
}

// forget makes the next who asks begin anew. Both locks are held.
func (f *Flight) forget() {
	if f.cache.flights.under[f.way] == f {
		delete(f.cache.flights.under, f.way)
	}
}

func (f *Flight) move() {
	close(f.moved)
	f.moved = newSignal()
}

// Begin says what the answer begins with.
func (f *Flight) Begin(status int, header []Field) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.begun, f.status, f.header = true, status, header
	f.move()
}

// Write implements io.Writer.
func (f *Flight) Write(p []byte) (int, error) {
	if f.grow(p) {
		return len(p), nil
	}
	f.cache.flights.mu.Lock()
	f.mu.Lock()
	if !f.large {
		f.large = true
		f.forget() // who comes now asks for himself, as who waited does
		if len(f.body)+len(p) > f.cache.largest {
			f.cache.kept.Set(place{f.way.key, f.coding}, tooLarge)
		}
		close(f.outgrown)
	}
	f.mu.Unlock()
	f.cache.flights.mu.Unlock()
	// What the leader has had is dropped before more comes, and there is nobody else.
	for {
		f.mu.Lock()
		if !f.led {
			f.mu.Unlock()
			return 0, ErrAbandoned
		}
		if f.read == f.taken+len(f.body) {
			if f.taken == 0 {
				f.body = nil // what was hoped to be kept
				f.release()
			}
			f.taken, f.body = f.read, append(f.body[:0], p...)
			f.move()
			f.mu.Unlock()
			return len(p), nil
		}
		moved := f.moved
		f.mu.Unlock()
		<-moved
	}
}

// smallBody is what a flight may hold however much others do. It is about what a connection
// takes at once, also for a client that reads nothing.
const smallBody = 64 << 10

// grow adds to a body that is not too large yet. Readers that are slow, each of an answer of
// its own, make all of them too large together: there is no bound to how many there are.
func (f *Flight) grow(p []byte) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	length := len(f.body) + len(p)
	if f.large || f.riders == 0 || length > f.cache.largest {
		return false
	}
	if held := &f.cache.flights.held; held.Add(int64(len(p))) > f.cache.underWay && length > smallBody {
		held.Add(int64(-len(p)))
		return false
	}
	f.held += int64(len(p))
	f.body = append(f.body, p...)
	f.move()
	return true
}

// Finish says that the answer is whole, and what its header is now that all of it is known. A
// flight that ends without is broken off.
func (f *Flight) Finish(header []Field) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.whole, f.tail = true, header
}

// statusOK is the only status whose answer is kept.
const statusOK = 200

// end keeps the answer, if it is one to be kept, and lets all know.
func (f *Flight) end() {
	f.cancel()
	f.mu.Lock()
	answer := f.answer()
	f.kept = answer
	f.mu.Unlock()
	if answer != nil {
		// Kept before it is forgotten, so that who comes now finds one or the other.
		f.cache.Put(f.way.key, keptAs(answer, f.coding), answer)
	}
	f.cache.flights.mu.Lock()
	defer f.cache.flights.mu.Unlock()
	f.mu.Lock()
	defer f.mu.Unlock()
	f.forget()
	f.ended = true
	f.move()
	close(f.done)
}

// keptAs is the coding under which an answer is kept: one that was not worth compressing is
// there for all.
func keptAs(a *Answer, coding string) string {
	if a.Coding == "" {
		return ""
	}
	return coding
}

// answer is the answer to be kept, or nil.
func (f *Flight) answer() *Answer {
	if !f.whole || f.large || f.status != statusOK {
		return nil
	}
	a := &Answer{Body: f.body}
	if cap(a.Body)-len(a.Body) > overhead {
		a.Body = slices.Clone(a.Body)
	}
	a.Header = f.tail
	a.Coding = a.Value("Content-Encoding")
	return a
}

// Result is what a flight came to.
type Result struct {
	Status int
	Header []Field
	Body   []byte
	Answer *Answer // of one that is whole and no failure
}

// Wait returns what the flight comes to. ok is false when that is nothing for the caller: it
// was broken off, or has become too large.
func (f *Flight) Wait(ctx context.Context) (r Result, ok bool) {
	select {
	case <-ctx.Done():
		return Result{}, false
	case <-f.outgrown:
		return Result{}, false
	case <-f.done:
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.whole || f.large {
		return Result{}, false
	}
	return Result{f.status, f.header, f.body, f.kept}, true
}

// Head waits for what the answer begins with. ok is false when it ended before.
func (f *Flight) Head(ctx context.Context) (status int, header []Field, ok bool) {
	for {
		f.mu.Lock()
		begun, ended, moved := f.begun, f.ended, f.moved
		f.mu.Unlock()
		switch {
		case begun:
			return f.status, f.header, true
		case ended:
			return 0, nil, false
		}
		select {
		case <-moved:
		case <-ctx.Done():
			return 0, nil, false
		}
	}
}

// Next waits for more of the body than the leader has had. There is no more when it is empty;
// then whole tells whether that was all, and header what is known only now.
func (f *Flight) Next(ctx context.Context) (piece []byte, whole bool, header []Field) {
	for {
		f.mu.Lock()
		piece := f.body[f.read-f.taken:]
		whole, ended, tail, moved := f.whole, f.ended, f.tail, f.moved
		f.mu.Unlock()
		if len(piece) > 0 {
			return piece, false, nil
		}
		if ended {
			return nil, whole, tail
		}
		select {
		case <-moved:
		case <-ctx.Done():
			return nil, false, nil
		}
	}
}

// Had says that the leader has had the next so many bytes.
func (f *Flight) Had(bytes int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.read += bytes
	f.move()
}

// Held is how many bytes of answers under way are held, for those who have not had them yet.
func (c *Cache) Held() int64 { return c.flights.held.Load() }

// Waiting is how many riders the flights have.
func (c *Cache) Waiting() int {
	c.flights.mu.Lock()
	defer c.flights.mu.Unlock()
	riders := 0
	for _, f := range c.flights.under {
		f.mu.Lock()
		riders += f.riders
		f.mu.Unlock()
	}
	return riders
}

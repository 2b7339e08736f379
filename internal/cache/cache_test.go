package cache

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
)

func key(n int) (k Key) {
	binary.LittleEndian.PutUint64(k[:], uint64(n))
	return k
}

// What is kept stays within the bound, whatever is put in, and no single answer takes much.
func TestBound(t *testing.T) {
	t.Parallel()
	const size = 4 << 20
	c := New(size)
	r := rand.New(rand.NewPCG(1, 2))
	for n := range 5000 {
		c.Put(key(n), "", &Answer{Body: make([]byte, r.IntN(size/parts*2))})
		if n%500 == 0 && c.Bytes() > size {
			t.Fatalf("%d bytes are kept after %d answers", c.Bytes(), n)
		}
	}
	if got := c.Bytes(); got > size || got < size/2 {
		t.Errorf("%d bytes are kept of %d", got, size)
	}
	c.Put(key(1), "x", &Answer{Body: make([]byte, size/parts+1)})
	if a, large := c.Get(key(1), "x"); a != nil || large {
		t.Error("an answer that is too large is kept")
	}
}

// Answers that are asked for again and again survive a client that reads everything once.
func TestScan(t *testing.T) {
	t.Parallel()
	c := New(1 << 20)
	body := make([]byte, 8<<10)
	for range 20 {
		for n := range 30 {
			if a, _ := c.Get(key(n), ""); a == nil {
				c.Put(key(n), "", &Answer{Body: body})
			}
		}
	}
	for n := range 10_000 {
		c.Put(key(1000+n), "", &Answer{Body: body})
		c.Get(key(n%30), "")
	}
	c.Bytes()
	left := 0
	for n := range 30 {
		if a, _ := c.Get(key(n), ""); a != nil {
			left++
		}
	}
	if left < 28 {
		t.Errorf("%d of 30 answers are left", left)
	}
}

var fine = []Field{{"Content-Type", "text/plain"}}

// lead reads all that a leader gets.
func lead(f *Flight) (body []byte, whole bool) {
	ctx := context.Background()
	if _, _, ok := f.Head(ctx); !ok {
		return nil, false
	}
	for {
		piece, whole, _ := f.Next(ctx)
		if len(piece) == 0 {
			return body, whole
		}
		body = append(body, piece...)
		f.Had(len(piece))
	}
}

// All who ask while an answer is made get it, and then it is kept.
func TestFlight(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := New(1 << 20)
		land := make(chan struct{})
		made := 0
		make := func(_ context.Context, f *Flight) {
			made++
			f.Begin(200, fine)
			fmt.Fprint(f, "one ")
			<-land
			fmt.Fprint(f, "two")
			f.Finish(append(slices.Clone(fine), Field{"Content-Encoding", "gzip"}))
		}
		leader, first, _ := c.Join(t.Context(), key(1), "get", "gzip", make)
		if !first {
			t.Fatal("who asks first is no leader")
		}
		var group sync.WaitGroup
		for range 3 {
			group.Go(func() {
				f, leader, _ := c.Join(t.Context(), key(1), "get", "", make)
				defer f.Leave(leader)
				r, ok := f.Wait(t.Context())
				if leader || !ok || r.Status != 200 || string(r.Body) != "one two" || r.Answer == nil || r.Answer.Coding != "gzip" {
					t.Errorf("%v %v %+v", leader, ok, r)
				}
			})
		}
		synctest.Wait()
		if piece, _, _ := leader.Next(t.Context()); string(piece) != "one " || c.Waiting() != 4 {
			t.Errorf("the leader has %q; %d wait", piece, c.Waiting())
		}
		close(land)
		if body, whole := lead(leader); string(body) != "one two" || !whole {
			t.Errorf("the leader has %q, %v", body, whole)
		}
		group.Wait()
		leader.Leave(true)
		if a, _ := c.Get(key(1), "gzip"); a == nil || made != 1 || c.Waiting() != 0 {
			t.Errorf("kept: %v, made %d times", a, made)
		}
		if f, _, a := c.Join(t.Context(), key(1), "get", "gzip", make); f != nil || a == nil {
			t.Error("what is kept is made again")
		}
	})
}

// Neither a failure nor what is broken off is kept; the one is everybody's, the other nobody's.
func TestFailures(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := New(1 << 20)
		for _, test := range []struct {
			name  string
			make  func(*Flight)
			share bool
		}{
			{"a failure", func(f *Flight) { f.Begin(503, fine); fmt.Fprint(f, "away"); f.Finish(fine) }, true},
			{"broken off", func(f *Flight) { f.Begin(200, fine); fmt.Fprint(f, "half") }, false},
			{"nothing", func(*Flight) {}, false},
		} {
			begin := make(chan struct{})
			fly := func(_ context.Context, f *Flight) { <-begin; test.make(f) }
			leader, _, _ := c.Join(t.Context(), key(1), "get", "", fly)
			other, _, _ := c.Join(t.Context(), key(1), "get", "", fly)
			close(begin)
			r, ok := other.Wait(t.Context())
			if ok != test.share || ok && (r.Status != 503 || string(r.Body) != "away" || r.Answer != nil) {
				t.Errorf("%s: %v %+v", test.name, ok, r)
			}
			if _, whole := lead(leader); whole != test.share {
				t.Errorf("%s: whole %v", test.name, whole)
			}
			if a, _ := c.Get(key(1), ""); a != nil || c.Waiting() != 0 {
				t.Errorf("%s is kept", test.name)
			}
			leader.Leave(true)
			other.Leave(false)
		}
	})
}

// What grows too large goes to the leader alone, as fast as it takes it.
func TestOutgrown(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const size = 1 << 20
		c := New(size)
		piece := bytes.Repeat([]byte("x"), size/parts/4)
		const pieces = 40
		written := 0
		fly := func(_ context.Context, f *Flight) {
			f.Begin(200, fine)
			for range pieces {
				if _, err := f.Write(piece); err != nil {
					return
				}
				written++
			}
			f.Finish(fine)
		}
		leader, _, _ := c.Join(t.Context(), key(1), "get", "", fly)
		other, first, _ := c.Join(t.Context(), key(1), "get", "", fly)
		if _, ok := other.Wait(t.Context()); ok || first {
			t.Error("one who waits gets what is too large")
		}
		other.Leave(false)
		synctest.Wait()
		if written > 5 {
			t.Errorf("%d pieces are held for a leader that takes none", written)
		}
		if _, large := c.Get(key(1), ""); !large {
			t.Error("that it is too large is forgotten")
		}
		if body, whole := lead(leader); !whole || len(body) != pieces*len(piece) {
			t.Errorf("the leader has %d bytes, %v", len(body), whole)
		}
		leader.Leave(true)

		// Once the leader has left, there is nobody to write for.
		written = 0
		leader, _, _ = c.Join(t.Context(), key(2), "get", "", fly)
		synctest.Wait()
		leader.Leave(true)
		synctest.Wait()
		if written > 5 || c.Waiting() != 0 {
			t.Errorf("%d pieces were written for nobody", written)
		}
	})
}

// It is given up when the last has left, and not before.
func TestLeave(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := New(1 << 20)
		ended := false
		fly := func(ctx context.Context, _ *Flight) { <-ctx.Done(); ended = true }
		ctx, cancel := context.WithCancel(t.Context())
		leader, _, _ := c.Join(ctx, key(1), "get", "", fly)
		other, _, _ := c.Join(t.Context(), key(1), "get", "", fly)
		cancel() // the request of the leader ends
		leader.Leave(true)
		synctest.Wait()
		if ended {
			t.Error("it ended with the leader")
		}
		other.Leave(false)
		synctest.Wait()
		if !ended || c.Waiting() != 0 {
			t.Error("it did not end with the last")
		}
	})
}

// Readers that are slow, each of an answer of its own, do not make us hold more than a bound;
// and what they were held for is held no longer when they have gone, or have had it.
func TestHeld(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const size = 16 << 20
		c := New(size)
		const flights, pieces = 100, 14
		piece := bytes.Repeat([]byte("x"), smallBody)
		fly := func(_ context.Context, f *Flight) {
			f.Begin(200, fine)
			for range pieces { // all of them together fit
				if _, err := f.Write(piece); err != nil {
					return
				}
			}
			f.Finish(fine)
		}
		var leaders []*Flight
		for n := range flights {
			f, _, _ := c.Join(t.Context(), key(n), "get", "", fly)
			leaders = append(leaders, f)
		}
		synctest.Wait()
		if held, most := c.Held(), int64(size/underWayPart+flights*smallBody); held > most || held < size/underWayPart {
			t.Errorf("%d bytes are held for %d readers that take nothing, of at most %d", held, flights, most)
		}
		for n, f := range leaders {
			if n%2 == 0 {
				if body, whole := lead(f); !whole || len(body) != pieces*len(piece) {
					t.Errorf("reader %d has %d bytes, %v", n, len(body), whole)
				}
			}
			f.Leave(true)
			// None was too large, so the next who asks may be luckier.
			if _, large := c.Get(key(n), ""); large {
				t.Errorf("answer %d is taken for too large", n)
			}
		}
		synctest.Wait()
		if c.Held() != 0 || c.Waiting() != 0 {
			t.Errorf("%d bytes are held for nobody", c.Held())
		}
	})
}

// The failure of one way to make an answer is not that of another, but what is kept is for all.
func TestWays(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := New(1 << 20)
		begin := make(chan struct{})
		fly := func(_ context.Context, f *Flight) {
			<-begin
			f.Begin(200, fine)
			fmt.Fprint(f, "small")
			f.Finish(fine)
		}
		a, first, _ := c.Join(t.Context(), key(1), "get", "zstd", fly)
		b, second, _ := c.Join(t.Context(), key(1), "post", "", fly)
		if !first || !second {
			t.Error("two ways are one flight")
		}
		close(begin)
		for _, f := range []*Flight{a, b} {
			if body, whole := lead(f); !whole || string(body) != "small" {
				t.Errorf("%q, %v", body, whole)
			}
			f.Leave(true)
		}
		for _, coding := range []string{"zstd", "", "gzip"} {
			if f, _, answer := c.Join(t.Context(), key(1), "get", coding, fly); f != nil || answer == nil {
				t.Errorf("in %q it is made again", coding)
			}
		}
	})
}

func TestMemory(t *testing.T) {
	t.Parallel()
	m := NewMemory[int](New(32 << 20))
	m.Put("a", 1)
	if v, ok := m.Get("a"); !ok || v != 1 {
		t.Error("nothing is remembered")
	}
	if _, ok := m.Get("b"); ok {
		t.Error("something is made up")
	}
}

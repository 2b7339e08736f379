package catalog

import (
	"context"
	"crypto/rand"
	"slices"
	"sync/atomic"
	"time"

	"framehouse/internal/contracts"
	"framehouse/internal/store"
	"framehouse/internal/store/sql"
)

// divided is what is known of the parts of a table and of their times in one of its columns.
// The times of a part are looked up once, as it never changes.
type divided struct {
	now  *remembered[*Parts]
	lost atomic.Bool // whether since the last there was a time without a version

	// What follows belongs to whoever holds now.asking.
	was     *Parts
	made    string // what the table was that the reaches are of
	reaches map[string]store.Reach
	salt    string    // another one each time that parts were gone, so that they may come back
	after   time.Time // when the times of many rows may be looked up again
}

type dividedKey struct {
	table       sql.Table
	column, typ string
}

func (n *Node) divides() dividedKey {
	return dividedKey{n.Source, n.Time.Name, n.Time.Type.String()}
}

// mostParts bounds what is asked for each second: some two megabytes.
const mostParts = 10_000

// mostAtOnce is how many rows a request may wait for whose times have to be looked up: some
// 100 ms, where they are neither divided nor sorted by time. Those of more are looked up
// meanwhile.
const mostAtOnce = 10_000_000

// How long a request waits for times of rows that are looked up, and how long their look-up may
// take while nobody waits. One that failed is not tried again soon.
const (
	reachAtOnce  = 500 * time.Millisecond
	reachTimeout = time.Minute
	reachPause   = 10 * time.Minute
)

// Parts are those of a node's table that are given out now, or that were asked for since then:
// at least as new as all versions of tables that were given out, so that what is put together
// by them is not kept as newer than it is. They are nil when nobody tells, or not yet, which
// rows are of which time.
func (s *Sizes) Parts(ctx context.Context, node *Node, since time.Time) (*Parts, error) {
	if a := s.sizes.answer.Load(); a != nil && a.came.After(since) {
		since = a.came
	}
	return s.partsSince(ctx, node, since)
}

func (s *Sizes) partsSince(ctx context.Context, node *Node, since time.Time) (*Parts, error) {
	if !node.Dividable() {
		return nil, nil
	}
	c, err := s.live.Current()
	if err != nil {
		return nil, err
	}
	if slices.Contains(c.uncached, node.Source) || len(c.marks[node.Source]) > 0 || slices.Contains(c.computed, node.Source) {
		return nil, nil
	}
	sizes, err := s.all(ctx)
	if err != nil {
		return nil, err
	}
	d := s.divided(node)
	if size := sizes[node.Source]; size.Version == "" || size.Parts > mostParts {
		d.lost.Store(true)
		return nil, nil
	}
	return d.now.get(ctx, since, s.writes.Load, func(ctx context.Context) (*Parts, error) {
		p, err := s.look(ctx, node, d)
		return p, extra(err)
	})
}

func (s *Sizes) divided(node *Node) *divided {
	key := node.divides()
	s.mu.Lock()
	defer s.mu.Unlock()
	d := s.parts[key]
	if d == nil {
		d = &divided{now: newRemembered[*Parts](), reaches: map[string]store.Reach{}}
		s.parts[key] = d
	}
	return d
}

// look asks which parts there are, and for the times of those that are new.
func (s *Sizes) look(ctx context.Context, node *Node, d *divided) (*Parts, error) {
	listed, err := s.timed.Parts(ctx, node.Source)
	if err != nil {
		return nil, err
	}
	if d.lost.Swap(false) || listed.Made != d.made || d.was != nil && d.was.gone(listed.All) {
		d.salt = rand.Text()
	}
	if listed.Made != d.made {
		d.made, d.reaches = listed.Made, map[string]store.Reach{}
	}
	known := make(map[string]store.Reach, len(listed.All))
	var names []string
	rows := int64(0)
	for _, p := range listed.All {
		if reach, ok := d.reaches[p.Name+p.Hash]; ok {
			known[p.Name+p.Hash] = reach
			continue
		}
		names, rows = append(names, p.Name), rows+p.Rows
	}
	d.reaches = known
	if len(names) > 0 {
		late := rows > mostAtOnce
		if !late {
			if late, err = s.lookNow(ctx, node, d, listed, names); err != nil {
				return nil, err
			}
		}
		if late {
			d.lost.Store(true) // nobody sees what comes and goes meanwhile
			s.lookLater(ctx, node, d, listed, names)
			return nil, nil
		}
	}
	p := &Parts{made: listed.Made + d.salt}
	for _, l := range listed.All {
		reach, ok := d.reaches[l.Name+l.Hash]
		if !ok {
			reach = everywhere // the table has changed meanwhile
		}
		p.parts = append(p.parts, newPart(l, reach))
	}
	d.was = p
	return p, nil
}

// learn notes the times of parts that were asked for, if the table is what it was when they were
// listed. Those of which nothing was said have been merged meanwhile, have no row any more, or
// are patches, by which rows of any time may be changed.
func (d *divided) learn(listed store.Parts, names []string, reaches map[string]store.Reach, of string) {
	if listed.Made != d.made || len(reaches) > 0 && of != d.made {
		return
	}
	asked := make(map[string]bool, len(names))
	for _, name := range names {
		asked[name] = true
	}
	for _, p := range listed.All {
		if reach, ok := reaches[p.Name]; ok {
			d.reaches[p.Name+p.Hash] = reach
		} else if asked[p.Name] {
			d.reaches[p.Name+p.Hash] = everywhere
		}
	}
}

// lookNow looks the times of rows up while a request waits. late tells that it takes too long for
// that.
func (s *Sizes) lookNow(ctx context.Context, node *Node, d *divided, listed store.Parts, names []string) (late bool, err error) {
	limited, cancel := context.WithTimeout(ctx, reachAtOnce)
	defer cancel()
	reaches, of, err := s.timed.Reaches(limited, node.Source, node.Time.Ref(), node.Time.Type, names)
	if err != nil && ctx.Err() == nil && (limited.Err() != nil || contracts.AsError(err).Code == contracts.CodeQueryTooExpensive) {
		return true, nil
	}
	if err == nil {
		d.learn(listed, names, reaches, of)
	}
	return false, err
}

// lookLater looks the times of many rows up while nobody waits, of one table after the other: they
// take no turns with requests.
func (s *Sizes) lookLater(ctx context.Context, node *Node, d *divided, listed store.Parts, names []string) {
	if time.Now().Before(d.after) || !s.looking.CompareAndSwap(false, true) {
		return
	}
	d.after = time.Now().Add(reachPause)
	go func() {
		defer s.looking.Store(false)
		limited, cancel := context.WithTimeout(context.WithoutCancel(ctx), reachTimeout)
		defer cancel()
		reaches, of, err := s.timed.Reaches(limited, node.Source, node.Time.Ref(), node.Time.Type, names)
		d.now.asking <- struct{}{}
		defer func() { <-d.now.asking }()
		if err == nil {
			d.learn(listed, names, reaches, of)
			d.after = time.Time{}
		}
	}()
}

package catalog

import (
	"context"
	"crypto/rand"
	"slices"
	"sync/atomic"
	"time"

	"framehouse/internal/store"
	"framehouse/internal/store/sql"
)

// divided is what is known of the parts of a table and of their times in one of its columns.
// The times of a part are looked up once, as it never changes.
type divided struct {
	now    atomic.Pointer[Parts]
	lost   atomic.Bool   // whether since then there was a time without a version
	asking chan struct{} // held by whoever asks

	// Of whoever asks.
	id      string // of the table that the reaches are of
	reaches map[string]store.Reach
	salt    string    // another one each time that parts were gone, so that they may come back
	after   time.Time // when the times of many rows may be looked up again

	looking atomic.Bool // whether they are being looked up
}

type dividedKey struct {
	table       sql.Table
	column, typ string
}

func (n *Node) divides() dividedKey {
	return dividedKey{n.Source, n.Time.Name, n.Time.Type.String()}
}

// mostAtOnce is how many rows a request may wait for whose times have to be looked up: some
// 100 ms, where they are neither divided nor sorted by time. Those of more are looked up
// meanwhile.
const mostAtOnce = 10_000_000

// The look-up of the times of many rows takes as long as this at most. One that failed is not
// tried again soon.
const (
	reachTimeout = time.Minute
	reachPause   = 10 * time.Minute
)

// Parts are those of a node's table as of the version that is given out for it now, or as of
// one that was asked for since then. They are nil when nobody tells, or not yet, which rows
// are of which time.
func (s *Sizes) Parts(ctx context.Context, node *Node, since time.Time) (*Parts, error) {
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
	sizes, err := s.all(ctx, since)
	if err != nil {
		return nil, err
	}
	d := s.divided(node)
	version := sizes[node.Source].Version
	if version == "" {
		d.lost.Store(true)
		return nil, nil
	}
	if p := d.now.Load(); p != nil && p.version == version {
		return p, nil
	}
	limited, cancel := context.WithTimeout(ctx, sizeTimeout)
	defer cancel()
	select {
	case d.asking <- struct{}{}:
		defer func() { <-d.asking }()
	case <-limited.Done():
		return nil, waited(ctx)
	}
	if p := d.now.Load(); p != nil && p.version == version {
		return p, nil
	}
	p, err := s.look(limited, node, d, version, sizes[node.Source].Definition)
	return p, extra(err)
}

func (s *Sizes) divided(node *Node) *divided {
	key := node.divides()
	s.mu.Lock()
	defer s.mu.Unlock()
	d := s.parts[key]
	if d == nil {
		d = &divided{asking: make(chan struct{}, 1), reaches: map[string]store.Reach{}}
		s.parts[key] = d
	}
	return d
}

// look asks which parts there are, and for the times of those that are new. What comes between
// the version and the parts belongs to another version, which has them looked up again.
func (s *Sizes) look(ctx context.Context, node *Node, d *divided, version, definition string) (*Parts, error) {
	listed, id, err := s.timed.Parts(ctx, node.Source)
	if err != nil {
		return nil, err
	}
	if was := d.now.Load(); d.lost.Swap(false) || id != d.id || was != nil && was.gone(listed) {
		d.salt = rand.Text()
	}
	if id != d.id {
		d.id, d.reaches = id, map[string]store.Reach{}
	}
	known := make(map[string]store.Reach, len(listed))
	var names []string
	rows := int64(0)
	for _, p := range listed {
		if reach, ok := d.reaches[p.Name+p.Hash]; ok {
			known[p.Name+p.Hash] = reach
			continue
		}
		names, rows = append(names, p.Name), rows+p.Rows
	}
	d.reaches = known
	if len(names) > 0 && rows > mostAtOnce {
		s.reachLater(ctx, node, d, id, listed)
		return nil, nil
	}
	if len(names) > 0 {
		reaches, of, err := s.timed.Reaches(ctx, node.Source, node.Time.Ref(), node.Time.Type, names)
		if err != nil {
			return nil, err
		}
		d.learn(listed, reaches, of)
	}
	p := &Parts{version: version, made: id + "\x00" + definition + "\x00" + d.salt}
	for _, l := range listed {
		reach, ok := d.reaches[l.Name+l.Hash]
		if !ok {
			// It has been merged meanwhile, or is a patch, of which rows of any time may be changed.
			reach = everywhere
		}
		p.parts = append(p.parts, newPart(l, reach))
	}
	d.now.Store(p)
	return p, nil
}

// learn notes the times of parts of a table.
func (d *divided) learn(listed []store.Part, reaches map[string]store.Reach, id string) {
	for _, p := range listed {
		if reach, ok := reaches[p.Name]; ok && id == d.id {
			d.reaches[p.Name+p.Hash] = reach
		}
	}
}

// reachLater looks the times of many rows up while nobody waits.
func (s *Sizes) reachLater(ctx context.Context, node *Node, d *divided, id string, listed []store.Part) {
	if time.Now().Before(d.after) || !d.looking.CompareAndSwap(false, true) {
		return
	}
	d.after = time.Now().Add(reachPause)
	var names []string
	for _, p := range listed {
		if _, ok := d.reaches[p.Name+p.Hash]; !ok {
			names = append(names, p.Name)
		}
	}
	go func() {
		defer d.looking.Store(false)
		limited, cancel := context.WithTimeout(context.WithoutCancel(ctx), reachTimeout)
		defer cancel()
		reaches, of, err := s.timed.Reaches(limited, node.Source, node.Time.Ref(), node.Time.Type, names)
		d.asking <- struct{}{}
		defer func() { <-d.asking }()
		if err == nil && of == id {
			d.learn(listed, reaches, of)
			d.after = time.Time{}
		}
	}()
}

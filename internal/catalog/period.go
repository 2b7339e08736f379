package catalog

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"math"
	"math/bits"
	"slices"
	"time"

	"framehouse/internal/store"
	"framehouse/internal/store/sql"
)

// Period is a stretch of a node's time, in ticks of its time column; both ends belong to it.
type Period struct {
	Node        string
	First, Last int64
}

// The ends of periods that are open.
const (
	FirstTick = math.MinInt64
	LastTick  = math.MaxInt64
)

// Dividable tells whether what is read of a period depends on the rows of that period alone.
// It does not where rows are left out for others that may be of another time.
func (n *Node) Dividable() bool {
	return !n.computed && n.Version == "" && (!n.Final || n.timeInKey)
}

// Parts are the parts that a node's table has at a moment, each with the time that its rows
// are from. They tell when what is read of a period changes: a part never does, so that it takes
// another set of parts that reach into the period.
type Parts struct {
	made  string // the table's definition, and what else tells these parts from others of their names
	parts []part
}

type part struct {
	store.Part
	store.Reach
	digest [2]uint64
}

// everywhere is the reach of a part of which nobody knows the times.
var everywhere = store.Reach{First: FirstTick, Last: LastTick}

func newPart(p store.Part, reach store.Reach) part {
	sum := sha256.Sum256([]byte(p.Partition + "\x00" + p.Name + "\x00" + p.Hash))
	return part{p, reach, [2]uint64{binary.BigEndian.Uint64(sum[:8]), binary.BigEndian.Uint64(sum[8:16])}}
}

func (p *part) reaches(first, last int64) bool {
	return p.First <= last && p.Last >= first && p.First <= p.Last
}

// Within is what there is of the table in the period between two ticks.
type Within struct {
	// Version is another one after anything that changes what is read of the period. It is
	// empty when no part reaches into it: that it is empty now looks like that it was before.
	Version   string
	Rows      int64     // of the parts, which may have rows of other times too
	UpdatedAt time.Time // zero when there is no part
}

// Within looks the period between two ticks up.
func (p *Parts) Within(first, last int64) Within {
	var w Within
	var sum [2]uint64
	var carry uint64
	count := uint64(0)
	for i := range p.parts {
		part := &p.parts[i]
		if !part.reaches(first, last) {
			continue
		}
		// The sum does not depend on the order, in which ClickHouse tells them as it likes.
		sum[1], carry = bits.Add64(sum[1], part.digest[1], 0)
		sum[0], _ = bits.Add64(sum[0], part.digest[0], carry)
		w.Rows += part.Rows
		count++
		if part.Modified.After(w.UpdatedAt) {
			w.UpdatedAt = part.Modified
		}
	}
	if count > 0 {
		text := make([]byte, 0, 24)
		text = binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(text, sum[0]), sum[1])
		w.Version = p.made + "\x00" + hex.EncodeToString(binary.AppendUvarint(text, count))
	}
	return w
}

// Bounds are the first and the last tick that there are rows of, as far as that is known; first
// lies after last when nothing is.
func (p *Parts) Bounds() (first, last int64) {
	first, last = LastTick, FirstTick
	for i := range p.parts {
		if r := p.parts[i].Reach; r.First <= r.Last && r != everywhere {
			first, last = min(first, r.First), max(last, r.Last)
		}
	}
	return first, last
}

// gone tells whether a part is neither there any more nor is another in its place. Then a set
// of parts that there was may come back.
func (p *Parts) gone(now []store.Part) bool {
	there := make(map[string]bool, len(now))
	for _, is := range now {
		there[is.Name] = true
	}
	return slices.ContainsFunc(p.parts, func(was part) bool {
		return !there[was.Name] && !slices.ContainsFunc(now, func(is store.Part) bool { return is.Covers(was.Part) })
	})
}

// within is what there is of a period now, and the table that it is of. It is nothing when
// nobody tells.
func (s *Sizes) within(ctx context.Context, period *Period) (Within, sql.Table, error) {
	if period == nil {
		return Within{}, sql.Table{}, nil
	}
	c, err := s.live.Current()
	if err != nil {
		return Within{}, sql.Table{}, err
	}
	node, err := c.Node(period.Node)
	if err != nil {
		return Within{}, sql.Table{}, nil // it is published no more
	}
	parts, err := s.partsSince(ctx, node, time.Time{})
	if err != nil || parts == nil {
		return Within{}, sql.Table{}, err
	}
	return parts.Within(period.First, period.Last), node.Source, nil
}

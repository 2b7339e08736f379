package timeseries

import (
	"fmt"
	"math/bits"
	"time"

	"framehouse/internal/catalog"
	"framehouse/internal/contracts"
	"framehouse/internal/store/sql"
)

// A long range of buckets is read in pieces, which are kept. Of those whose rows are as they
// were nothing is read again: mostly that is all of the past, and what is read is the newest.
//
// Pieces begin and end where buckets do, at times that do not depend on the range, so that
// ranges which overlap share them. Where the range itself begins or ends within a bucket, that
// bucket is a piece alone, which is never kept.

// pieced is what a plan of buckets needs to be read in pieces.
type pieced struct {
	*extent
	earliest, latest time.Time // that the time column's type is said to hold
	// Whether rows are left out for lying before the range, or after it. A column may hold more
	// than its type is said to, of which a range that reaches so far leaves out nothing.
	tooEarly, tooLate bool
	made              []aggregate
}

// piece is some buckets of a range: the rows from one tick to another, both of which belong to
// it.
type piece struct {
	first, last int64
	partial     bool // whether it is a part of a bucket
}

// Bounds of what is read in pieces.
const (
	// fewestRows are those that surely take ClickHouse less to read than to say which parts there
	// are; see piecesFrom.
	fewestRows = 100_000
	// mostPieces bounds what has to be looked up for a request. There are half as many or more,
	// so that the newest one is a hundredth of the range or two.
	mostPieces = 128
	// mostPiecedRows and mostPiecedBytes bound what is held of an answer before it is sent.
	mostPiecedRows  = 256 << 10
	mostPiecedBytes = 16 << 20
)

// cuttable is what it takes to read the plan in pieces; nil when it cannot be.
func (p *plan) cuttable(b Buckets, e *extent, made []aggregate) *pieced {
	filled := b.Fill != "" && b.Fill != fillNone
	if filled || e.empty || p.perSeries || p.limit > mostPiecedRows || p.limit == contracts.NoLimit ||
		!p.node.Dividable() {
		return nil
	}
	_, earliest, latest := p.node.Time.Type.Reach()
	c := &pieced{extent: e, earliest: earliest, latest: latest, made: made}
	for _, condition := range p.where[:p.inRange] {
		if bound, ok := condition.(sql.Compare); ok {
			c.tooEarly, c.tooLate = c.tooEarly || bound.Operator[0] == '>', c.tooLate || bound.Operator[0] == '<'
		}
	}
	return c
}

// pieceKey is that of all which decides what stands in a piece but its time.
func (p *plan) pieceKey() (catalog.Key, error) {
	rows := p.node.Read()
	rows.Where, rows.Settings = p.where[p.inRange:], p.settings
	for _, a := range p.pieced.made {
		rows.Columns = append(rows.Columns, sql.Column{Expr: a.expr, As: a.result.Name})
	}
	origin := ""
	if at := p.resolved.Origin; at != nil {
		origin = at.Format(time.RFC3339Nano)
	}
	r, err := catalog.NewReading(&p.node.Table, p.columns, rows.Build(), []string{
		"piece", p.resolved.Interval, p.resolved.Label, p.zone.String(), origin, fmt.Sprint(p.order),
	}, nil)
	if err != nil {
		return catalog.Key{}, err
	}
	return r.Key, nil
}

// cut cuts the range into pieces, in order of time, and returns the ticks at which all but the
// first begin. There are rows from the tick first to the tick last: those before and after are of
// the outer pieces, wherever these are cut. It returns nothing when there are no rows in the
// range.
func (c *pieced) cut(first, last int64) (pieces []piece, begins []int64) {
	// Nobody may know which rows there are. Calendars, and milliseconds, do not reach further.
	first, last = max(first, c.tick.count(c.earliest)), min(last, c.tick.count(c.latest))
	if first > last {
		return nil, nil
	}
	begin, end := c.tick.time(first), c.tick.time(last)
	var partialFirst, partialLast bool
	if c.from.After(begin) {
		begin = c.from
		partialFirst = !c.start(begin).Equal(begin)
	}
	if !c.to.IsZero() && !c.to.After(end) {
		end = c.to.Add(-time.Duration(c.tick))
		partialLast = !c.start(c.to).Equal(c.to)
	}
	if end.Before(begin) {
		return nil, nil
	}
	add := func(t time.Time) {
		at := c.tick.count(t)
		if n := len(begins); t.After(begin) && !t.After(end) && (n == 0 || at > begins[n-1]) {
			begins = append(begins, at)
		}
	}
	if partialFirst {
		add(c.next(c.start(begin)))
	}
	step := c.step(begin, end)
	for at := (begin.UnixMilli() - mod(begin.UnixMilli(), step)) + step; at <= end.UnixMilli(); at += step {
		add(c.start(time.UnixMilli(at).UTC()))
	}
	if partialLast {
		add(c.start(c.to))
	}
	pieces = make([]piece, len(begins)+1)
	pieces[0].first, pieces[len(begins)].last = catalog.FirstTick, catalog.LastTick
	if c.tooEarly {
		pieces[0].first = c.tick.count(c.from)
	}
	if c.tooLate {
		pieces[len(begins)].last = c.tick.count(c.to) - 1
	}
	for i, at := range begins {
		pieces[i].last, pieces[i+1].first = at-1, at
	}
	pieces[0].partial = partialFirst
	pieces[len(begins)].partial = pieces[len(begins)].partial || partialLast
	return pieces, begins
}

// month is about that, in milliseconds, for buckets that have no one length.
const month = 30 * 24 * 60 * 60 * 1000

// class is about how long the range is, and about where: what takes as long, and has as many rows,
// as others of it.
func (c *pieced) class(now time.Time) string {
	from, to := c.from, c.to
	if to.IsZero() {
		to = now
	}
	if from.IsZero() {
		return "open"
	}
	length := bits.Len64(uint64(max(0, to.UnixMilli()-from.UnixMilli())))
	return fmt.Sprint(length, from.UnixMilli()>>length)
}

// step is about how long pieces of the time between are, in milliseconds: a bucket, or that
// doubled so often that there are not too many of them.
func (c *pieced) step(begin, end time.Time) int64 {
	// Not by nominal, which the longest have none of.
	step := int64(c.months)*month + int64(c.days)*24*time.Hour.Milliseconds() + c.length.Milliseconds()
	for (end.UnixMilli()-begin.UnixMilli())/step > mostPieces {
		step *= 2
	}
	return step
}

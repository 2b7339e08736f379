package timeseries

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"framehouse/internal/catalog"
	"framehouse/internal/contracts"
	"framehouse/internal/store/sql"
)

// The methods by which points are reduced. All but mean keep rows that were observed.
const (
	auto = "auto"
	raw  = "raw" // what auto does when there are no more rows than points
	m4   = "m4"
	lttb = "lttb"
	mean = "mean"
)

var methods = []string{auto, m4, lttb, mean}

const (
	// Two points are a line; one is none.
	fewestPoints = 2
	// A screen has some thousand columns, and a dashboard takes no more rows than this of all
	// series together.
	mostPoints = catalog.DefaultMaxRows
	// A column of a chart that M4 keeps has up to this many points.
	pointsOfColumn = 4
)

// What auto goes by when there are more rows than points.
const (
	// With fewer points M4 has so few columns that LTTB draws the better line.
	fewPoints = 100
	// LTTB holds all points in ClickHouse's memory, M4 only those that it keeps.
	mostTriangles = 2_000_000
)

// downsample reduces the plan's rows to about so many points a series.
//
// One value column decides which rows are kept: the node's main value if it is selected, or
// the first column of numbers. Rows are kept whole. Those without a finite number there draw
// nothing, and are left out once rows are reduced.
func (s *Service) downsample(ctx context.Context, p *plan, q Query) error {
	if err := p.reducible(q); err != nil || q.Points == 0 {
		return err
	}
	method := cmp.Or(q.Downsample, auto)
	said := &contracts.Downsample{Method: method, Points: q.Points}
	p.resolved.Downsample = said
	value := mainValue(p.node, p.values())
	var size extents
	start, end, closed := p.closed()
	if !closed || method == auto {
		var err error
		if size, err = s.extents(ctx, p, method == auto, !closed); err != nil {
			return err
		}
	}
	if closed {
		size.first, size.last = start, end-1
	} else {
		p.closing(&size)
	}
	if method == auto {
		said.RowsBefore = size.rows
		switch {
		case size.longest <= q.Points:
			said.Method = raw
			return nil
		case q.Points < fewPoints && size.rows <= mostTriangles:
			said.Method = lttb
		default:
			said.Method = m4
		}
	}
	if size.last-size.first < 0 && size.last > size.first {
		// Their difference is more than 64 bits count.
		return contracts.Invalid("query.points", q.Points, "Ask for less than 292 years, or leave points out.", "The times of %s are in nanoseconds, and the range is too long to divide.", p.node.Name)
	}
	if q.Shape == "wide" && said.Method != mean {
		return contracts.Invalid("query.points", q.Points, "Leave out points or shape, or ask for downsample=mean or an interval.",
			"points and shape=wide contradict each other: %s keeps rows of other times for each series, which leaves most cells empty.", said.Method)
	}
	if value == nil {
		return contracts.Invalid("query.points", q.Points, "Select a column of numbers, or leave points out.", "There are more rows than points, and which to keep is decided by a column of numbers, of which none is selected.")
	}
	if said.Method == mean {
		return p.averaged(size, q.Points)
	}
	said.Column = value.Name
	if size.last < size.first {
		return nil // of nothing, nothing is kept
	}
	r := reduction{plan: p, value: value, points: q.Points, start: size.first, length: size.last - size.first + 1}
	if said.Method == m4 {
		r.m4()
	} else {
		r.lttb()
	}
	if size.series > 0 && p.limit != contracts.NoLimit && size.series*max(q.Points, pointsOfColumn) <= p.limit {
		p.bounded = true
	}
	return nil
}

// reducible checks what a request says of points before any row is looked at, and sets the
// limit that goes with them.
func (p *plan) reducible(q Query) error {
	if q.Points == 0 {
		if q.Downsample != "" {
			return contracts.Invalid("query.downsample", q.Downsample, "Add points, such as points=1000, or leave downsample out.", "downsample needs points: it says how they are chosen.")
		}
		return nil
	}
	if q.Points < fewestPoints || q.Points > mostPoints {
		return contracts.Invalid("query.points", q.Points, "A chart has about as many points as columns of pixels, such as 1000.", "points must lie between %d and %d.", fewestPoints, mostPoints)
	}
	if p.derived != nil {
		return contracts.Invalid("query.points", q.Points, "Leave out points, or interval and what goes with it.", "points and interval contradict each other: both say how observations are put together.")
	}
	method := cmp.Or(q.Downsample, auto)
	if !slices.Contains(methods, method) {
		return contracts.Invalid("query.downsample", method, "Write one of "+strings.Join(methods, ", ")+".", "There is no way %q to choose points.", method)
	}
	if method == m4 && q.Points < pointsOfColumn {
		return contracts.Invalid("query.points", q.Points, "Ask for 4 points or more, or for downsample=lttb.", "m4 keeps up to four points of each column of a chart.")
	}
	if q.Limit == 0 {
		// Points bound the rows of each series; the usual limit would cut what they chose.
		p.limit = p.node.MaxRows
	}
	return nil
}

// values are the value columns of the plan.
func (p *plan) values() []*catalog.Column { return p.columns[1+len(p.node.Dimensions):] }

// extents are how much there is to reduce, in time by ticks of the time column.
type extents struct {
	first, last   int64
	rows, longest int64 // of all series and of the longest; not known unless they were counted
	series        int64
}

// extents asks for the numbers of rows, of each series if they are to be counted, and for
// the times of the first and last row if these are wanted.
func (s *Service) extents(ctx context.Context, p *plan, counted, timed bool) (extents, error) {
	at := p.node.Time
	inner := p.read()
	inner.Columns = []sql.Column{{Expr: sql.Call("count"), As: "rows"}}
	outer := sql.Select{Alias: catalog.Alias}
	whole := func(function string, args ...sql.Expr) {
		outer.Columns = append(outer.Columns, sql.Column{Expr: sql.Call("toInt64", sql.Call(function, args...)), As: fmt.Sprintf("number%d", len(outer.Columns))})
	}
	whole("sum", ref("rows"))
	whole("max", ref("rows"))
	whole("count")
	if timed {
		inner.Columns = append(inner.Columns,
			sql.Column{Expr: at.Type.Ticks(sql.Call("min", at.Ref())), As: "first"},
			sql.Column{Expr: at.Type.Ticks(sql.Call("max", at.Ref())), As: "last"})
		whole("min", ref("first"))
		whole("max", ref("last"))
	}
	if counted {
		for _, d := range p.node.Dimensions {
			inner.GroupBy = append(inner.GroupBy, d.Ref())
		}
	}
	outer.From = inner
	n, err := s.integers(ctx, outer)
	if err != nil {
		return extents{}, err
	}
	e := extents{rows: n[0]}
	if counted {
		e.longest, e.series = n[1], n[2]
	}
	if timed {
		e.first, e.last = n[3], n[4]
	}
	if e.rows == 0 {
		e.last = e.first - 1
	}
	return e, nil
}

// closed is the range of the request in ticks of the time column, [start, end), if both of
// its ends are given. It divides the same way however the data changes.
func (p *plan) closed() (start, end int64, ok bool) {
	r := p.resolved
	if r.From == nil || r.To == nil || p.perSeries {
		return 0, 0, false
	}
	start, end = p.ticksOf(*r.From), p.ticksOf(*r.To)+1
	if r.Inclusive == "left" || r.Inclusive == "neither" {
		tick, _, _ := p.node.Time.Type.Reach()
		end = p.ticksOf(r.To.Add(tick - 1))
	}
	return start, max(start, end), true
}

// closing puts the ends of the request's range in the place of those of the data, as far as
// they are given.
func (p *plan) closing(e *extents) {
	if p.perSeries || e.last < e.first {
		return
	}
	if p.resolved.From != nil {
		e.first = min(e.first, p.ticksOf(*p.resolved.From))
	}
	if p.resolved.To != nil {
		e.last = max(e.last, p.ticksOf(*p.resolved.To))
	}
}

// ticksOf is an instant in ticks of the time column, rounded down.
func (p *plan) ticksOf(t time.Time) int64 {
	tick, first, last := p.node.Time.Type.Reach()
	at := onColumn(p.node.Time, t, p.zone)
	return ticker(tick).count(earlier(later(at, first), last))
}

// lengths are those of the buckets that a mean may be of, from short to long: parts of a
// minute, an hour and a day, and what a calendar has.
var lengths = []struct {
	text   string
	length time.Duration
}{
	{"1ms", time.Millisecond}, {"2ms", 2 * time.Millisecond}, {"5ms", 5 * time.Millisecond},
	{"10ms", 10 * time.Millisecond}, {"20ms", 20 * time.Millisecond}, {"50ms", 50 * time.Millisecond},
	{"100ms", 100 * time.Millisecond}, {"200ms", 200 * time.Millisecond}, {"500ms", 500 * time.Millisecond},
	{"1s", time.Second}, {"2s", 2 * time.Second}, {"5s", 5 * time.Second}, {"10s", 10 * time.Second}, {"15s", 15 * time.Second}, {"30s", 30 * time.Second},
	{"1m", time.Minute}, {"2m", 2 * time.Minute}, {"5m", 5 * time.Minute}, {"10m", 10 * time.Minute}, {"15m", 15 * time.Minute}, {"30m", 30 * time.Minute},
	{"1h", time.Hour}, {"2h", 2 * time.Hour}, {"3h", 3 * time.Hour}, {"6h", 6 * time.Hour}, {"12h", 12 * time.Hour},
	{"1d", day}, {"2d", 2 * day}, {"1w", 7 * day}, {"2w", 14 * day}, {"1mo", 28 * day}, {"1q", 90 * day},
	{"1y", 365 * day}, {"2y", 730 * day}, {"5y", 1826 * day}, {"10y", 3652 * day}, {"50y", 18262 * day}, {"100y", 36524 * day},
}

const day = 24 * time.Hour

// averaged makes buckets of the shortest length with which there are no more than so many.
func (p *plan) averaged(size extents, points int64) error {
	tick, _, _ := p.node.Time.Type.Reach()
	chosen := lengths[len(lengths)-1].text
	for _, l := range lengths {
		if l.length%tick != 0 {
			continue
		}
		// A range that begins within a bucket ends within another.
		if (size.last-size.first)/int64(l.length/tick)+2 <= points {
			chosen = l.text
			break
		}
	}
	said := p.resolved.Downsample
	if err := p.bucketed(Buckets{Interval: chosen, Agg: []string{mean}}); err != nil {
		return err
	}
	p.resolved.Downsample = said
	p.tail = nil // buckets have none
	return nil
}

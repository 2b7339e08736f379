package timeseries

import (
	"cmp"
	"slices"
	"time"

	"framehouse/internal/catalog"
	"framehouse/internal/contracts"
	"framehouse/internal/store/sql"
)

// Buckets put observations together: those of each series in each bucket become one row.
type Buckets struct {
	Interval   string   // length of a bucket, such as 5m, 1d or 1mo; empty for no buckets
	Origin     string   // an instant at which a bucket begins; empty for as the calendar has it
	Label      string   // left or right: the time of a bucket is its start or its end; empty for left
	Agg        []string // aggregations: of all columns, or column:aggregation
	Fill       string   // none, null, previous, linear or a number; empty for none
	MarkFilled bool     // adds a column that tells filled rows
}

const intervals = "Write a number and a unit: ms, s, m, h, d, w, mo, q or y, such as 5m, 1h, 1d or 1mo."

// unused finds a parameter that means nothing without an interval.
func (b Buckets) unused() error {
	mark := ""
	if b.MarkFilled {
		mark = "true"
	}
	agg := ""
	if len(b.Agg) > 0 {
		agg = b.Agg[0]
	}
	for _, p := range []struct{ name, value string }{{"fill", b.Fill}, {"agg", agg}, {"origin", b.Origin}, {"label", b.Label}, {"mark_filled", mark}} {
		if p.value != "" && !(p.name == "fill" && p.value == fillNone) {
			return contracts.Invalid("query."+p.name, p.value, "Add an interval such as interval=1h, or leave "+p.name+" out.", "%s needs interval: it is about buckets.", p.name)
		}
	}
	return nil
}

// bucketed makes buckets of the plan's observations.
func (p *plan) bucketed(b Buckets) error {
	if b.Interval == "" {
		return b.unused()
	}
	length, err := parseInterval(b.Interval)
	if err != nil {
		return contracts.Invalid("query.interval", b.Interval, intervals, "interval is no length of a bucket: %v.", err)
	}
	if b.Label != "" && b.Label != "left" && b.Label != "right" {
		return contracts.Invalid("query.label", b.Label, "Write left or right.", "label says whether the time of a bucket is its start or its end.")
	}
	extent, err := p.extent(length, b.Origin)
	if err != nil {
		return err
	}
	values := slices.DeleteFunc(slices.Clone(p.columns), func(c *catalog.Column) bool {
		return c == p.node.Time || slices.Contains(p.node.Dimensions, c)
	})
	made, err := aggregates(p.node, values, p.explicit, b.Agg)
	if err != nil {
		return err
	}
	f, err := p.fill(b, made, extent)
	if err != nil {
		return err
	}
	begin := extent.first
	if f.kind == fillPrevious && p.resolved.From != nil && !extent.empty {
		begin = p.lookBack(f)
	}
	g := newGrid(extent.calendar, begin, extent.last, extent.tick)
	g.count(p.noneBefore(begin, extent))
	rows := p.aggregated(g, made)
	if f.kind != fillNone {
		if rows, err = f.over(g, rows); err != nil {
			return err
		}
		p.settings = append(p.settings, sql.Setting{Name: "allow_custom_error_code_in_throwif", Value: 1})
	}
	p.relabel(rows, g, b.Label == "right", f)

	r := p.resolved
	r.Interval, r.Label, r.Fill = b.Interval, cmp.Or(b.Label, "left"), f.said()
	r.PartialFirstBucket, r.PartialLastBucket = extent.partialFirst, extent.partialLast
	r.Aggregation = map[string]string{}
	for _, a := range made {
		r.Aggregation[a.result.Name] = a.source.Name + ":" + a.function
	}
	p.pieced = p.cuttable(b, extent, made)
	return nil
}

// extent is the time that buckets are made of, on the clock of the node's time column: for
// a date that is the calendar of the zone, as if it were UTC.
type extent struct {
	calendar
	tick        ticker
	first, last time.Time // where the first bucket begins, and a time in the last
	from, to    time.Time // [from, to), rounded to what the column can tell apart; zero when open
	empty       bool      // whether no time is in the range

	partialFirst, partialLast bool
}

func (p *plan) extent(length interval, origin string) (*extent, error) {
	column := p.node.Time
	tick, first, last := column.Type.Reach()
	e := &extent{tick: ticker(tick), first: first, last: last}
	isDate := column.FieldType() == contracts.TypeDate
	if length.length%tick != 0 {
		finest := "seconds: 1s is the shortest interval, and others are whole seconds"
		if isDate {
			finest = "days: 1d is the shortest interval"
		} else if tick < time.Second {
			finest = tick.String() + ": an interval is a multiple of that"
		}
		return nil, contracts.Invalid("query.interval", length.text, "Ask for a longer interval.", "The times of %s are in %s.", p.node.Name, finest)
	}
	zone := p.zone
	if isDate {
		zone = time.UTC
	}
	var begin *time.Time
	if origin != "" {
		t, err := p.instant("query.origin", origin)
		if err != nil && p.node.Column("origin") != nil {
			return nil, contracts.Invalid("query.origin", origin, "For the column of that name write where.origin.", "With an interval, origin is an instant at which a bucket begins.")
		}
		if err != nil {
			return nil, err
		}
		at := onColumn(column, t, p.zone)
		if unit := max(tick, time.Millisecond); !at.Truncate(unit).Equal(at) {
			return nil, contracts.Invalid("query.origin", origin, "Give an instant without a smaller part.", "origin is finer than %s.", unit)
		}
		p.resolved.Origin, begin = &t, &at
		p.relative = p.relative || relative(origin)
	}
	e.calendar = newCalendar(length, zone, begin)

	r := p.resolved
	if r.From != nil {
		e.from = e.after(onColumn(column, *r.From, p.zone), r.Inclusive == "left" || r.Inclusive == "both")
		e.first = later(e.first, e.from)
	}
	if r.To != nil {
		e.to = e.after(onColumn(column, *r.To, p.zone), r.Inclusive == "left" || r.Inclusive == "neither")
		e.last = earlier(e.last, e.to.Add(-tick))
	}
	if e.last.Before(e.first) {
		// Buckets of nothing. Any grid will do.
		e.empty, e.last = true, e.first
	}
	begins := e.start(e.first)
	if !e.empty {
		ends := e.next(e.start(e.last))
		now := onColumn(column, p.now, p.zone)
		e.partialFirst = r.From != nil && begins.Before(e.from)
		e.partialLast = r.To != nil && ends.After(e.to) || ends.After(now)
		// Later the last bucket will have ended. One of now, whose end is open, never has.
		p.relative = p.relative || r.To != nil && !ends.After(e.to) && ends.After(now)
		if r.To == nil {
			e.partialLast = !e.start(now).Equal(now)
		}
	}
	e.first = later(begins, earliestLabel)
	return e, p.cutSeries(e, length, origin)
}

// noneBefore tells whether no observation that is read can lie before the time at which
// buckets begin, and whether all times are small numbers, since none is before 1970.
func (p *plan) noneBefore(begin time.Time, e *extent) (none, small bool) {
	_, earliest, _ := p.node.Time.Type.Reach()
	small = earliest.Unix() == 0
	none = small && !begin.After(earliest)
	if p.resolved.From != nil && !p.perSeries {
		none = none || !begin.After(e.from)
	}
	return none, small
}

// earliestLabel is what a time column of buckets reaches back to.
var earliestLabel = time.Date(1900, 1, 1, 0, 0, 0, 0, time.UTC)

// after is the first time of the column from an instant on, or after it if it must not be
// that itself.
func (e *extent) after(t time.Time, itself bool) time.Time {
	down := t.Truncate(time.Duration(e.tick))
	if itself && down.Equal(t) {
		return t
	}
	return down.Add(time.Duration(e.tick))
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

// aggregated are the buckets that have observations: where they begin, in ticks, the
// dimensions, and the values.
func (p *plan) aggregated(g grid, made []aggregate) sql.Select {
	at := p.node.Time.Type.Ticks(p.node.Time.Ref())
	observed := p.read()
	observed.Columns = []sql.Column{
		{Expr: g.keyOf(at), As: keyColumn},
		{Expr: upper(at), As: orderColumn},
	}
	together := sql.Select{Alias: catalog.Alias, Columns: []sql.Column{{Expr: g.startOfKey(ref(keyColumn)), As: bucketColumn}}, GroupBy: []sql.Expr{ref(keyColumn)}}
	for _, d := range p.node.Dimensions {
		observed.Columns = append(observed.Columns, sql.Column{Expr: d.Ref(), As: d.Name})
		together.Columns = append(together.Columns, sql.Column{Expr: d.Ref(), As: d.Name})
		together.GroupBy = append(together.GroupBy, d.Ref())
	}
	read := map[*catalog.Column]bool{}
	for _, a := range made {
		if !read[a.source] {
			read[a.source] = true
			observed.Columns = append(observed.Columns, sql.Column{Expr: a.source.Ref(), As: a.source.Name})
		}
		together.Columns = append(together.Columns, sql.Column{Expr: a.expr, As: a.result.Name})
	}
	together.From = observed
	return together
}

// relabel makes the buckets the plan's rows, each with its time.
func (p *plan) relabel(rows sql.Select, g grid, right bool, f *filling) {
	label := sql.Expr(ref(bucketColumn))
	if right {
		label = g.endOf(label)
	}
	column := *p.node.Time
	column.Type = column.Type.Widened()
	labelled := sql.Select{
		Columns: []sql.Column{{Expr: p.node.Time.Type.FromTicks(label), As: column.Name}},
		From:    rows, Alias: catalog.Alias,
	}
	p.columns = append([]*catalog.Column{&column}, p.node.Dimensions...)
	p.columns = append(p.columns, f.results...)
	for _, c := range p.columns[1:] {
		labelled.Columns = append(labelled.Columns, sql.Column{Expr: c.Ref(), As: c.Name})
	}
	labelled.Columns = append(labelled.Columns, p.mark()...)
	p.derived = &labelled
}

func ref(column string) sql.Ref { return sql.Ref{Table: catalog.Alias, Column: column} }

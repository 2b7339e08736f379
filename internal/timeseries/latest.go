package timeseries

import (
	"context"
	"slices"
	"time"

	"framehouse/internal/catalog"
	"framehouse/internal/contracts"
	"framehouse/internal/store/sql"
)

// Latest says which observation of a series is its last.
type Latest struct {
	At     string // none later counts; a bare date means through its end; empty for no bound
	MaxAge string // a span; a series without an observation since is stale
	Stale  string // drop leaves stale series out; null keeps them with nulls for their values
}

// Latest reads a frame with the last observation of each series, ordered by series. Of several
// at the same time the one counts whose values are greatest, compared column by column in
// the order of the answer.
func (s *Service) Latest(q Query) (*catalog.Reading, error) {
	l := q.Latest
	q.Range = Range{To: l.At, ToName: "at", Inclusive: "both", Timezone: q.Range.Timezone}
	p, err := s.plan(q)
	if err != nil {
		return nil, err
	}
	if err := p.age(l); err != nil {
		return nil, err
	}
	p.order = p.order[1:]
	r, err := s.reading(p, p.latest(), []string{"latest"}, func(ctx context.Context, p *plan) (*contracts.Frame, error) {
		frame, err := s.latest(ctx, p)
		if err != nil {
			return nil, err
		}
		frame.Meta.Range = p.resolved
		return frame, nil
	})
	if err == nil && len(p.node.Dimensions) > 0 {
		r.Later = "In a large node this looks at a short time before the end; queries that go further back follow, as long as a series is not found."
	}
	return r, err
}

// age deals with stale series.
func (p *plan) age(l Latest) error {
	if l.MaxAge == "" {
		if l.Stale != "" {
			return contracts.Invalid("query.stale", l.Stale, "Add max_age, such as max_age=1h, or leave stale out.", "stale needs max_age: it says when a series is stale.")
		}
		return nil
	}
	if l.Stale != "" && l.Stale != "drop" && l.Stale != "null" {
		return contracts.Invalid("query.stale", l.Stale, "Write drop or null.", "stale says what becomes of stale series.")
	}
	reference := p.now
	if p.resolved.To != nil {
		reference = *p.resolved.To
	} else {
		p.relative = true
	}
	since, err := shift(reference, "-"+l.MaxAge, p.zone)
	if err != nil || since.Year() < 0 {
		return contracts.Invalid("query.max_age", l.MaxAge, "Write a span such as 90s, 15m, 24h or 7d.", "max_age must be a span of time.")
	}
	if p.relative {
		if at, ok := p.onTick(since, true); ok {
			since = at
		}
	}
	p.resolved.From = &since
	fresh := bound(p.node.Time, ">=", since, p.zone)
	switch {
	case fresh == nil:
	case l.Stale == "null":
		p.fresh = fresh
		p.columns = slices.Clone(p.columns)
		for i := range p.values() {
			c := *p.columns[1+len(p.node.Dimensions)+i]
			c.Type.Nullable = true
			p.columns[1+len(p.node.Dimensions)+i] = &c
		}
	default:
		p.where = append(p.where, fresh)
	}
	return nil
}

// latest reads the newest row of each series.
//
// First ClickHouse finds the last time of each series, from key columns that are small and
// often sorted, and then reads rows of these times only.
func (p *plan) latest() sql.Select {
	newest := p.read()
	newest.Columns = p.raw()
	newest.OrderBy = []sql.Order{{Expr: p.node.Time.Ref(), Descending: true}}
	for _, c := range p.values() {
		if c.Type.Comparable() {
			newest.OrderBy = append(newest.OrderBy, sql.Order{Expr: c.Ref(), Descending: true})
		}
	}
	outer := sql.Select{Alias: catalog.Alias, OrderBy: p.ordering(false)[1:], Limit: p.limit + 1}
	for _, c := range p.columns {
		cell := c.Type.Wire(c.Ref())
		if p.fresh != nil && slices.Contains(p.values(), c) {
			cell = sql.Call("if", p.fresh, cell, sql.Text("NULL"))
		}
		outer.Columns = append(outer.Columns, sql.Column{Expr: cell, As: c.Name})
	}
	if len(p.node.Dimensions) == 0 {
		newest.Limit = 1
		outer.From = newest
		return outer
	}
	series := p.seriesKey()
	last := p.read()
	last.Columns, last.GroupBy = keyed(series), series
	last.Columns = append(last.Columns, sql.Column{Expr: sql.Call("max", p.node.Time.Ref()), As: lastColumn})
	newest.Where = append(slices.Clip(newest.Where), sql.InSelect{Exprs: append(slices.Clip(series), p.node.Time.Ref()), From: last})
	newest.LimitBy = series
	outer.From = newest
	return outer
}

const lastColumn = "__framehouse_last"

const (
	// A node with fewer rows is read through sooner than searched.
	fewRows = 200_000
	// Each step back in time is so many times as long as the one before. All steps together
	// then read little more than the last, and a dozen lead from a second to a century.
	stepBack = 8
	// A first step over the time of some observations mostly finds one of each series.
	firstObservations = 4
	longestStep       = 30 * 365 * day // times stepBack is still a time.Duration
)

// latest looks for the last observations where they mostly are, near the end, and goes back
// in growing steps until there is one of each series. So neither a key by time nor one by
// series needs to be read through, but for the columns that tell series apart, which are
// read to know how many there are. If one has long fallen silent the steps find all but it,
// and the whole node is read.
func (s *Service) latest(ctx context.Context, p *plan) (*contracts.Frame, error) {
	size, known, err := s.Sizes.Of(ctx, &p.node.Table)
	if err != nil {
		return nil, err
	}
	if len(p.node.Dimensions) == 0 || known && size.Rows <= fewRows {
		return s.run(ctx, p, p.latest(), false)
	}
	end := p.now
	if p.resolved.To != nil {
		end = *p.resolved.To
	}
	_, earliest, _ := p.node.Time.Type.Reach()
	series := int64(0) // as far as they were counted
	for step := firstStep(p.node.Frequency); step < longestStep; step *= stepBack {
		begin := end.Add(-step)
		if begin.Before(earliest) || p.fresh == nil && p.resolved.From != nil && begin.Before(*p.resolved.From) {
			break
		}
		part := *p
		if recent := bound(p.node.Time, ">=", begin, p.zone); recent != nil {
			part.where = append(slices.Clip(p.where), recent)
		}
		frame, err := s.run(ctx, &part, part.latest(), false)
		if err != nil {
			return nil, err
		}
		settled, err := frame.Settle()
		if err != nil {
			frame.Close()
			return nil, err
		}
		found := frame.Meta.Tabular.RowCount
		cut := !settled || frame.Meta.Tabular.Truncated
		// Series that are new since they were found are counted too, so when there are no more
		// than were found these are all.
		if !cut && found > 0 && found >= series {
			if series, err = s.series(ctx, p); err == nil && found == series {
				return frame, nil
			}
		}
		frame.Close()
		if err != nil {
			return nil, err
		}
		if cut {
			break
		}
	}
	return s.run(ctx, p, p.latest(), false)
}

// firstStep is how far back is looked first.
func firstStep(frequency string) time.Duration {
	epoch := time.Unix(0, 0).UTC()
	if next, err := shift(epoch, "+"+frequency, time.UTC); err == nil {
		return firstObservations * next.Sub(epoch)
	}
	return time.Hour
}

// series counts the series of the plan's rows.
func (s *Service) series(ctx context.Context, p *plan) (int64, error) {
	each := p.read()
	each.Columns = []sql.Column{{Expr: sql.Text("1"), As: "series"}}
	each.GroupBy = p.seriesKey()
	n, err := s.integers(ctx, sql.Select{
		Columns: []sql.Column{{Expr: sql.Call("toInt64", sql.Call("count")), As: "series"}},
		From:    each, Alias: catalog.Alias,
	})
	if err != nil {
		return 0, err
	}
	return n[0], nil
}

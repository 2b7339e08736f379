package timeseries

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/apache/arrow/go/v17/arrow"

	"framehouse/internal/catalog"
	"framehouse/internal/contracts"
	"framehouse/internal/store/sql"
)

// AsOf asks for what other nodes held at the times of a node's rows.
type AsOf struct {
	With      []string // node:column; the node alone for its main value
	Tolerance string   // how old a value may be; empty for any age
}

// Each node is read beside the others.
const mostJoined = 8

// Columns of the statements that join.
const (
	atColumn  = "__framehouse_at"  // the time in the finer ticks of both sides
	oneColumn = "__framehouse_one" // matches where there is no dimension
)

// AsOf reads as Rows does, with more columns: node.column holds, for the time of each row, the value of
// the last observation of another node at that time or before it, of the series with the
// same dimensions. A node that lacks some of these, or all, matches whatever they are. The
// value is null when there is none, or none within the tolerance. Of several at one time the
// one counts whose values are greatest, compared in the order in which they are asked for.
//
// A date stands for the start of its day, in the zone of the request.
func (s *Service) AsOf(q Query, a AsOf) (*catalog.Reading, error) {
	p, err := s.plan(q)
	if err != nil {
		return nil, err
	}
	joined, err := s.joined(p, a)
	if err != nil {
		return nil, err
	}
	// First the newest rows, and only for these what others held.
	rows := p.read()
	rows.Columns, rows.OrderBy, rows.Limit = p.raw(), p.ordering(true), p.limit+1
	if p.limit == contracts.NoLimit {
		rows.Limit = 0
	}
	row := ref(rowColumn)
	numbered := sql.Select{From: rows, Alias: catalog.Alias, Columns: append(p.raw(),
		sql.Column{Expr: sql.Call("rowNumberInAllBlocks"), As: rowColumn}, sql.Column{Expr: sql.Call("toUInt8", sql.Text("1")), As: oneColumn})}
	query := sql.Select{Columns: catalog.Selection(p.columns), From: numbered, Alias: catalog.Alias}
	columns := slices.Clip(p.columns)
	for i, j := range joined {
		alias := fmt.Sprintf("r%d", i)
		join, selected := j.join(p, alias)
		query.Joins = append(query.Joins, join)
		query.Columns = append(query.Columns, selected...)
		columns = append(columns, j.results...)
	}
	p.columns = columns
	query.Columns = append(query.Columns, sql.Column{Expr: row, As: rowColumn})
	newest := q.Descending || p.limit == contracts.NoLimit
	query.OrderBy = []sql.Order{{Expr: row, Descending: !q.Descending}}
	p.hidden = 0
	if newest {
		p.hidden = 1
	}
	return s.reading(p, query, []string{"asof"}, func(ctx context.Context, p *plan) (*contracts.Frame, error) {
		frame, err := s.run(ctx, p, query, !newest)
		if err != nil {
			return nil, err
		}
		frame.Meta.Range = p.resolved
		return frame, nil
	})
}

// other is a node whose values are joined.
type other struct {
	node      *catalog.Node
	columns   []*catalog.Column
	results   []*catalog.Column // what the answer calls them
	tolerance time.Duration     // negative for none
}

// joined reads which columns of which nodes are wanted.
func (s *Service) joined(p *plan, a AsOf) ([]*other, error) {
	tolerance := time.Duration(-1)
	if a.Tolerance != "" {
		epoch := time.Unix(0, 0).UTC()
		end, err := shift(epoch, "+"+a.Tolerance, time.UTC)
		if err != nil || strings.ContainsAny(strings.ReplaceAll(a.Tolerance, "ms", ""), "oqy") {
			return nil, contracts.Invalid("query.tolerance", a.Tolerance, "Write a span such as 500ms, 5m, 12h, 7d or 2w. Months and years have no one length.", "tolerance must be a span of time.")
		}
		tolerance = end.Sub(epoch)
	}
	if len(a.With) == 0 {
		return nil, contracts.Invalid("query.with", nil, "Write with=node:column, such as with=sp500:close; several are separated by commas.", "asof needs with: what to join.")
	}
	var joined []*other
	taken := map[string]bool{}
	for _, c := range p.columns {
		taken[c.Name] = true
	}
	for _, item := range a.With {
		name, column, named := strings.Cut(item, ":")
		i := slices.IndexFunc(joined, func(o *other) bool { return o.node.Name == name })
		if i < 0 {
			node, err := s.node(name)
			if err != nil {
				return nil, relocated(err, "query.with")
			}
			if err := matchable(p.node, node, item); err != nil {
				return nil, err
			}
			i = len(joined)
			joined = append(joined, &other{node: node, tolerance: tolerance})
		}
		o := joined[i]
		c := o.node.Value
		if named {
			picked, err := o.node.Pick("query.with", []string{column})
			if err != nil {
				return nil, err
			}
			c = picked[0]
		}
		if c == nil {
			return nil, contracts.Invalid("query.with", item, "Write "+name+":column.", "%s has no main value.", name)
		}
		result := *c
		result.Name, result.Label, result.Type.Nullable = name+"."+c.Name, o.node.Label+": "+c.Label, true
		if taken[result.Name] {
			return nil, contracts.Invalid("query.with", item, "Name each column once.", "There would be two columns %q.", result.Name)
		}
		taken[result.Name] = true
		o.columns, o.results = append(o.columns, c), append(o.results, &result)
	}
	if len(joined) > mostJoined {
		return nil, contracts.Invalid("query.with", len(joined), "Ask for less at once.", "with names %d nodes, and at most %d are joined at once.", len(joined), mostJoined)
	}
	return joined, nil
}

// relocated says where in the request an error has its cause.
func relocated(err error, location string) error {
	e := *contracts.AsError(err)
	e.Issues = slices.Clone(e.Issues)
	for i := range e.Issues {
		e.Issues[i].Location = location
	}
	return &e
}

// matchable makes sure that there is at most one series of a node for each of another.
func matchable(node, with *catalog.Node, item string) error {
	for _, d := range with.Dimensions {
		i := slices.IndexFunc(node.Dimensions, func(c *catalog.Column) bool { return c.Name == d.Name })
		if i < 0 {
			return contracts.Invalid("query.with", item, "Join a node whose dimensions are among those of "+node.Name+".",
				"%s has the dimension %q, which %s has not, so it is not known which of its series to join.", with.Name, d.Name, node.Name)
		}
		if !d.Type.Matches(node.Dimensions[i].Type) {
			return contracts.Invalid("query.with", item, "Join a node whose dimensions have the same types.",
				"The dimension %q is a %s in %s and a %s in %s.", d.Name, d.Type, with.Name, node.Dimensions[i].Type, node.Name)
		}
	}
	return nil
}

// join joins the node's observations under an alias, and is what is selected of them.
func (o *other) join(p *plan, alias string) (sql.Join, []sql.Column) {
	left, right := p.columns[0], o.node.Time
	tick, _, _ := left.Type.Reach()
	rightTick, _, _ := right.Type.Reach()
	tick = min(tick, rightTick)
	zone := p.zone
	if left.FieldType() == right.FieldType() {
		zone = time.UTC // of two dates it makes no difference
	}
	at := inTicks(left, tick, zone)

	rows := o.node.Read()
	rows.Columns = []sql.Column{
		{Expr: inTicks(right, tick, zone), As: atColumn},
		{Expr: sql.Call("toUInt8", sql.Text("1")), As: oneColumn},
	}
	rows.OrderBy = []sql.Order{{Expr: right.Ref()}}
	rows.LimitBy = []sql.Expr{right.Ref()}
	join := sql.Join{AsOf: true, Alias: alias}
	for i, d := range o.node.Dimensions {
		match := func(name string, of func(sql.Expr) sql.Expr) {
			rows.Columns = append(rows.Columns, sql.Column{Expr: of(d.Ref()), As: name})
			join.On = append(join.On, sql.Compare{Left: of(ref(d.Name)), Operator: "=", Right: sql.Ref{Table: alias, Column: name}})
		}
		own := slices.IndexFunc(p.node.Dimensions, func(c *catalog.Column) bool { return c.Name == d.Name })
		if d.Type.Nullable || p.node.Dimensions[own].Type.Nullable {
			// A null is a series too, but in a comparison it equals nothing.
			match(fmt.Sprintf("__framehouse_null%d", i), func(e sql.Expr) sql.Expr { return sql.Call("isNull", e) })
			match(fmt.Sprintf("__framehouse_text%d", i), func(e sql.Expr) sql.Expr {
				return sql.Call("ifNull", sql.Call("toString", e), sql.Text("''"))
			})
		} else {
			match(d.Name, func(e sql.Expr) sql.Expr { return e })
		}
		rows.LimitBy = append(rows.LimitBy, d.Ref())
	}
	if len(join.On) == 0 {
		join.On = append(join.On, sql.Compare{Left: ref(oneColumn), Operator: "=", Right: sql.Ref{Table: alias, Column: oneColumn}})
	}
	then := sql.Ref{Table: alias, Column: atColumn}
	join.On = append(join.On, sql.Compare{Left: at, Operator: ">=", Right: then})

	// What lies outside of the range, less the tolerance, is the answer to no row.
	add := func(operator string, end *time.Time, less time.Duration) {
		if end != nil {
			if condition := bound(right, operator, end.Add(-less), p.zone); condition != nil {
				rows.Where = append(rows.Where, condition)
			}
		}
	}
	if o.tolerance >= 0 {
		// A day more, since dates of one side may be those of another zone.
		add(">=", p.resolved.From, o.tolerance+day)
	}
	add("<=", p.resolved.To, -day)

	var selected []sql.Column
	for i, c := range o.columns {
		as := fmt.Sprintf("__framehouse_value%d", i)
		rows.Columns = append(rows.Columns, sql.Column{Expr: c.Type.Wire(c.Ref()), As: as})
		if c.Type.Comparable() {
			rows.OrderBy = append(rows.OrderBy, sql.Order{Expr: c.Ref(), Descending: true})
		}
		cell := sql.Expr(sql.Ref{Table: alias, Column: as})
		near := sql.Expr(sql.Call("isNotNull", then))
		if o.tolerance >= 0 {
			near = sql.Compare{Left: minus(at, then), Operator: "<=", Right: number(int64(o.tolerance / tick))}
		}
		selected = append(selected, sql.Column{Expr: sql.Call("if", near, cell, sql.Text("NULL")), As: o.results[i].Name})
	}
	join.From = rows
	return join, selected
}

// inTicks is the time of a column in ticks that may be finer than its own; of a date, when
// its day begins in a zone. A time that is too far away for these stands as far away as
// there is.
func inTicks(column *catalog.Column, tick time.Duration, zone *time.Location) sql.Expr {
	own, first, last := column.Type.Reach()
	ticks := column.Type.Ticks(column.Ref())
	if own == day && zone != time.UTC {
		days, offsets := dayOffsets(first, last, zone)
		ticks = minus(times(ticks, number(86400)), sql.Call("transform", sql.Call("roundDown", ticks, numbers(days)), numbers(days), numbers(offsets), number(0)))
		own = time.Second
	}
	ratio := int64(own / tick)
	if ratio == 1 {
		return ticks
	}
	// Half of what there is, so that differences of two have room.
	most := math.MaxInt64 / ratio
	return times(sql.Call("greatest", sql.Call("least", ticks, number(most)), number(-most)), number(ratio))
}

// dayOffsets tell when days begin in a zone: so many seconds before they do in UTC, from
// each of the days, counted since 1970, until the next.
func dayOffsets(first, last time.Time, zone *time.Location) (days, offsets []int64) {
	next := first
	add := func(midnight time.Time) {
		if midnight.Before(next) || midnight.After(last) {
			return
		}
		next = midnight.AddDate(0, 0, 1)
		offset := midnight.Unix() - fromWall(midnight, zone).Unix()
		if n := len(offsets); n == 0 || offsets[n-1] != offset {
			days, offsets = append(days, midnight.Unix()/86400), append(offsets, offset)
		}
	}
	add(first)
	for _, at := zoneBounds(first, zone); !at.IsZero() && at.Before(last); _, at = zoneBounds(at, zone) {
		// Clocks that skip a midnight make the start of that day differ from those around it.
		shown := wall(at, zone).Truncate(day)
		for i := range 4 {
			add(shown.AddDate(0, 0, i-2))
		}
	}
	return days, offsets
}

// pass is for contracts.Hide: it leaves out no row.
func pass(arrow.Record) (int64, error) { return 0, nil }

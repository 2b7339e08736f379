package timeseries

import (
	"context"
	"fmt"
	"slices"
	"time"

	"framehouse/internal/catalog"
	"framehouse/internal/contracts"
	"framehouse/internal/store"
	"framehouse/internal/store/sql"
)

// Coverage reads a frame with one row a series, ordered by series: the times of its first and
// last observation, how many there are, and the longest time between two that follow each
// other, in seconds; null when there are not two. Range and filters apply.
//
// The longest gap cannot be found without holding the times of a series, eight bytes each.
func (s *Service) Coverage(q Query) (*catalog.Reading, error) {
	p, err := s.plan(q)
	if err != nil {
		return nil, err
	}
	query, err := p.coverage()
	if err != nil {
		return nil, err
	}
	return s.reading(p, query, []string{"coverage"}, func(ctx context.Context, p *plan) (*contracts.Frame, error) {
		frame, err := s.run(ctx, p, query, false)
		if err != nil {
			return nil, err
		}
		frame.Meta.Range, frame.Meta.TimeSeries = p.resolved, nil
		frame.Meta.Tabular.PrimaryKeyFields = p.node.Key[1:]
		return frame, nil
	})
}

// coverage makes series the plan's rows.
func (p *plan) coverage() (sql.Select, error) {
	at := p.node.Time
	ticks := at.Type.Ticks(at.Ref())
	tick, _, _ := at.Type.Reach()
	gap := sql.Expr(sql.Call("arrayMax", sql.Call("arrayDifference", sql.Call("arraySort", sql.Call("groupArray", ticks)))))
	seconds := "Int64"
	if tick >= time.Second {
		gap = times(gap, number(int64(tick/time.Second)))
	} else {
		seconds = fmt.Sprintf("Decimal(38, %d)", at.Type.Precision())
		gap = sql.Call("divide", sql.Call("toDecimal128", gap, sql.Text(fmt.Sprint(at.Type.Precision()))), number(int64(time.Second/tick)))
	}
	gap = sql.Call("if", sql.Compare{Left: sql.Call("count"), Operator: ">", Right: sql.Text("1")}, gap, sql.Text("NULL"))

	query := p.read()
	columns := slices.Clone(p.node.Dimensions)
	query.Columns, query.GroupBy = catalog.Selection(columns), nil
	for _, d := range p.node.Dimensions {
		query.GroupBy = append(query.GroupBy, d.Ref())
	}
	for _, c := range []struct {
		name, label, description, typ, unit string
		expr                                sql.Expr
	}{
		{"first", "First", "Time of the first observation.", at.Type.String(), "", at.Type.Wire(sql.Call("min", at.Ref()))},
		{"last", "Last", "Time of the last observation.", at.Type.String(), "", at.Type.Wire(sql.Call("max", at.Ref()))},
		{"count", "Count", "Number of observations.", "UInt64", "", sql.Call("count")},
		{"longest_gap", "Longest gap", "Longest time between two observations that follow each other; null when there are not two.", "Nullable(" + seconds + ")", "s", gap},
	} {
		typ, err := store.ParseType(c.typ)
		if err != nil {
			return query, err
		}
		if slices.ContainsFunc(p.node.Dimensions, func(d *catalog.Column) bool { return d.Name == c.name }) {
			c.name = "coverage_" + c.name
		}
		made := &catalog.Column{Name: c.name, Label: c.label, Description: c.description, Unit: c.unit, Type: typ, SafeInteger: typ.Wide()}
		columns = append(columns, made)
		query.Columns = append(query.Columns, sql.Column{Expr: c.expr, As: c.name})
	}
	if len(p.node.Dimensions) == 0 {
		// Of nothing there is no coverage, rather than one from 1970 on.
		query.GroupBy = []sql.Expr{sql.Call("tuple")}
	}
	query.OrderBy, query.Limit = p.ordering(false)[1:], p.limit+1
	p.columns, p.order = columns, p.order[1:]
	return query, nil
}

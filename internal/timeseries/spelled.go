package timeseries

import (
	"slices"

	"framehouse/internal/catalog"
	"framehouse/internal/store"
	"framehouse/internal/store/sql"
)

// Derived rows are sorted with their columns spelled out, and get their dictionaries back in
// the outermost statement; see store.Type.SpelledOut. Observations are not: those that are
// stored in order need no sorting, and ClickHouse would spell out the others after it.

// spelledOut is the statement of derived rows with their columns spelled out. It is done there,
// and in all that the rows are told apart by, since whatever else is known of a row when it is
// sorted is sorted with it.
func (p *plan) spelledOut() sql.Select {
	rows := *p.derived
	rows.Columns, rows.LimitBy = slices.Clone(rows.Columns), slices.Clone(rows.LimitBy)
	for i, made := range rows.Columns {
		named := func(c *catalog.Column) bool { return c.Name == made.As }
		if at := slices.IndexFunc(p.columns, named); at >= 0 {
			rows.Columns[i].Expr = p.columns[at].Type.SpelledOut(made.Expr)
		}
	}
	for i, told := range rows.LimitBy {
		for _, d := range p.node.Dimensions {
			if told == sql.Expr(d.Ref()) {
				rows.LimitBy[i] = d.Type.SpelledOut(told)
			}
		}
	}
	return rows
}

// packed selects the columns for the answer, of which those of derived rows are spelled out.
func (p *plan) packed() []sql.Column {
	if p.derived == nil {
		return catalog.Selection(p.columns)
	}
	packed := store.Type.Packed
	if p.marked {
		packed = store.Type.Joinable
	}
	columns := make([]sql.Column, len(p.columns))
	for i, c := range p.columns {
		columns[i] = sql.Column{Expr: c.Type.Wire(packed(c.Type, c.Ref())), As: c.Name}
	}
	return append(columns, p.mark()...)
}

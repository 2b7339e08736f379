package timeseries

import (
	"slices"
	"strings"
	"time"

	"framehouse/internal/catalog"
	"framehouse/internal/contracts"
	"framehouse/internal/store/sql"
)

// plan is a query that was found to be sound.
type plan struct {
	node     *catalog.Node
	columns  []*catalog.Column
	where    []sql.Expr
	order    []catalog.Order // of the answer: time first, then series
	limit    int64
	resolved *contracts.Range
}

func newPlan(node *catalog.Node, q Query, now time.Time) (*plan, error) {
	p := &plan{node: node, limit: q.Limit}
	if p.limit == 0 {
		p.limit = min(DefaultLimit, node.MaxRows)
	}
	if err := node.CheckLimit(p.limit); err != nil {
		return nil, err
	}
	var err error
	if p.columns, err = pick(node, q.Select); err != nil {
		return nil, err
	}
	if p.resolved, err = q.Range.resolve(now); err != nil {
		return nil, err
	}
	for _, condition := range within(node.Time, p.resolved) {
		if condition != nil {
			p.where = append(p.where, condition)
		}
	}
	if len(q.Identifiers) > 0 {
		if len(node.Dimensions) == 0 {
			return nil, contracts.Invalid("query.identifiers", strings.Join(q.Identifiers, ","), "Leave identifiers out.", "%s is a single series, which has no identifiers.", node.Name)
		}
		condition, err := node.Equal("query.identifiers", node.Dimensions[0].Name, q.Identifiers)
		if err != nil {
			return nil, err
		}
		p.where = append(p.where, condition)
	}
	conditions, err := node.Where(q.Where)
	if err != nil {
		return nil, err
	}
	p.where = append(p.where, conditions...)
	for _, o := range node.Order {
		p.order = append(p.order, catalog.Order{Column: o.Column, Descending: q.Descending})
	}
	return p, nil
}

// pick returns time, dimensions and the selected value columns, in that order.
func pick(node *catalog.Node, selected []string) ([]*catalog.Column, error) {
	columns := append([]*catalog.Column{node.Time}, node.Dimensions...)
	values, err := node.Pick("query.select", selected)
	if err != nil {
		return nil, err
	}
	for _, c := range values {
		if !slices.Contains(columns, c) {
			columns = append(columns, c)
		}
	}
	return columns, nil
}

// raw selects the columns as they are, for an outer statement to represent.
func (p *plan) raw() []sql.Column {
	columns := make([]sql.Column, len(p.columns))
	for i, c := range p.columns {
		columns[i] = sql.Column{Expr: c.Ref(), As: c.Name}
	}
	return columns
}

func (p *plan) ordering(descending bool) []sql.Order {
	var steps []sql.Order
	for _, o := range p.node.Order {
		steps = append(steps, sql.Order{Expr: p.node.Column(o.Column).Ref(), Descending: descending})
	}
	return steps
}

// newestFirst reads the newest rows, and one more than the limit to know of others.
func (p *plan) newestFirst() sql.Select {
	query := p.node.Read()
	query.Columns = catalog.Selection(p.columns)
	query.Where, query.OrderBy, query.Limit = p.where, p.ordering(true), p.limit+1
	return query
}

// turned gives the newest rows oldest first. Each gets its number, counted from the
// newest, so turning is exact also among equal rows, and the very first row of the
// answer tells how many there are.
func (p *plan) turned(newest sql.Select) sql.Select {
	newest.Columns = p.raw()
	row := sql.Ref{Table: catalog.Alias, Column: rowColumn}
	numbered := sql.Select{
		Columns: append(p.raw(), sql.Column{Expr: sql.Call("rowNumberInAllBlocks"), As: rowColumn}),
		From:    newest, Alias: catalog.Alias,
	}
	return sql.Select{
		Columns: append(catalog.Selection(p.columns), sql.Column{Expr: row, As: rowColumn}),
		From:    numbered, Alias: catalog.Alias,
		OrderBy: []sql.Order{{Expr: row, Descending: true}},
	}
}

// latest reads the newest row of each series.
func (p *plan) latest() sql.Select {
	newest := p.node.Read()
	newest.Columns = p.raw()
	newest.Where, newest.OrderBy = p.where, p.ordering(true)[:1]
	outer := sql.Select{
		Columns: catalog.Selection(p.columns),
		Alias:   catalog.Alias,
		OrderBy: p.ordering(false)[1:],
		Limit:   p.limit + 1,
	}
	if len(p.node.Dimensions) == 0 {
		newest.Limit = 1
	}
	for _, d := range p.node.Dimensions {
		newest.LimitBy = append(newest.LimitBy, d.Ref())
	}
	outer.From = newest
	return outer
}

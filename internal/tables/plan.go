package tables

import (
	"slices"

	"framehouse/internal/catalog"
	"framehouse/internal/contracts"
	"framehouse/internal/store/sql"
	"framehouse/internal/tables/filter"
)

// plan is a query that was found to be sound.
type plan struct {
	table *catalog.Table // what the columns are of; of an aggregate, the table that it makes
	// all reads every row that the filter matches, with nothing selected yet.
	all     sql.Select
	columns []picked
	order   ordering
	limit   int64
	begin   position // after which the page begins; without marks for the first
	binding []byte
	only    bool // there is one page, and no way to ask for another
}

func newPlan(table *catalog.Table, q Query) (*plan, error) {
	if kinds := []string{"", CountNone, CountExact, CountEstimate}; !slices.Contains(kinds, q.Count) {
		return nil, contracts.Invalid(q.at("count", "count"), shown(q.Count), "", "count must be none, exact or estimate.")
	}
	all := table.Read()
	var err error
	if all.Where, err = filter.Compile(table, q.Where); err != nil {
		return nil, err
	}
	if q.aggregates() {
		g, err := newGroups(table, q.Group, q.Aggregates, q.Body)
		if err != nil {
			return nil, err
		}
		table, all = g.table, g.read(all)
		if all.Where, err = filter.Compile(table, q.Having); err != nil {
			return nil, having(err)
		}
	} else if q.Having != nil {
		return nil, contracts.Invalid(q.at("having", "having"), nil, "Add group or agg, or use where.", "having is a condition on groups and aggregates, and there are none.")
	}
	return planOver(table, all, q)
}

// planOver plans the reading of rows of which all reads every one.
func planOver(table *catalog.Table, all sql.Select, q Query) (*plan, error) {
	p := &plan{table: table, all: all, limit: q.Limit}
	if p.limit == 0 {
		p.limit = min(DefaultLimit, table.MaxRows)
	}
	if err := table.CheckLimit(p.limit); err != nil {
		return nil, q.place(err)
	}
	var err error
	if p.columns, err = pick(table, q.at("select", "select"), q.Select); err != nil {
		return nil, err
	}
	if p.order, err = newOrdering(table, q); err != nil {
		return nil, err
	}
	p.all.InOrder = table.StoredInOrder(p.order.stored(), filter.Pinned(q.Where))
	p.binding = binding(q.Table, p.counted().Build(), p.order.binding())
	if q.Cursor == "" {
		return p, nil
	}
	ok := p.pageable()
	if ok {
		p.begin, ok = readCursor(q.Cursor, p.binding, len(p.order.steps))
	}
	if ok {
		// A column may have got another type since.
		_, err = p.order.after(p.begin)
		ok = err == nil
	}
	if !ok {
		return nil, contracts.Invalid(q.at("cursor", "cursor"), shown(q.Cursor),
			"Leave cursor out to begin at the first page. A cursor goes with the table, filter and order of the answer that it came with; limit, select and format may change.",
			"The cursor does not belong to this request.")
	}
	return p, nil
}

// pageable tells whether there is an order that a cursor can hold a place in.
func (p *plan) pageable() bool {
	return !p.only && len(p.order.steps) > 0 && p.order.unpageable() == nil
}

// counted counts the rows on all pages.
func (p *plan) counted() sql.Select {
	query := p.all
	query.Columns = []sql.Column{{Expr: sql.Call("count"), As: "count"}}
	return query
}

// hidden are the columns of the order that are not selected. The end of a page needs them.
func (p *plan) hidden() []*catalog.Column {
	if !p.pageable() || p.limit == contracts.NoLimit && p.begin.alike == 0 {
		return nil
	}
	var hidden []*catalog.Column
	for _, s := range p.order.steps {
		if !slices.ContainsFunc(p.columns, func(c picked) bool { return c.column == s.column }) {
			hidden = append(hidden, s.column)
		}
	}
	return hidden
}

// query reads the page, and one row more, which tells whether there is another page.
func (p *plan) query() (sql.Select, error) {
	query := p.all
	query.Where = slices.Clip(query.Where)
	query.OrderBy = p.order.sql()
	if p.limit != contracts.NoLimit {
		query.Limit = p.limit + 1
	}
	if p.begin.marks != nil {
		after, err := p.order.after(p.begin)
		if err != nil {
			return query, err
		}
		query.Where = append(query.Where, after...)
		if !p.order.unique && query.Limit > 0 {
			query.Limit += p.begin.alike
		}
	}
	var joins joins
	var selection []sql.Column
	for _, c := range p.columns {
		selection = append(selection, sql.Column{Expr: joins.wire(c), As: c.column.Name})
	}
	selection = append(selection, catalog.Selection(p.hidden())...)
	if len(joins.joined) == 0 {
		query.Columns = selection
		return query, nil
	}
	// First the rows of the page, then what they refer to: of a page the join makes no more
	// and no fewer rows, and works for no row that is not on it. A join keeps no order.
	for _, c := range p.inner(joins) {
		query.Columns = append(query.Columns, sql.Column{Expr: c.Ref(), As: c.Name})
	}
	return sql.Select{Columns: selection, From: query, InOrder: query.InOrder, Alias: catalog.Alias, Joins: joins.sql(), OrderBy: p.order.sql()}, nil
}

// inner are the columns of the table itself that a statement with joins needs.
func (p *plan) inner(joins joins) []*catalog.Column {
	var columns []*catalog.Column
	need := func(c *catalog.Column) {
		if !slices.Contains(columns, c) {
			columns = append(columns, c)
		}
	}
	for _, c := range p.columns {
		if len(c.path) == 0 {
			need(c.column)
		}
	}
	for _, s := range p.order.steps {
		need(s.column)
	}
	for _, c := range p.order.ties {
		need(c)
	}
	for _, j := range joins.joined {
		if j.after == nil {
			for _, c := range j.relation.From {
				need(c)
			}
		}
	}
	return columns
}

// frame is a frame over the records of the plan's query.
func (p *plan) frame(records contracts.RecordReader) (*contracts.Frame, error) {
	columns := make([]*catalog.Column, len(p.columns))
	names := make([]string, len(p.columns))
	for i, c := range p.columns {
		columns[i], names[i] = c.column, c.column.Name
	}
	hidden := p.hidden()
	for _, c := range hidden {
		names = append(names, c.Name)
	}
	var pages *page
	if p.pageable() && (p.limit != contracts.NoLimit || p.begin.alike > 0) {
		pages = newPage(p.order, names, max(0, p.limit), p.begin)
		records = contracts.Hide(records, len(hidden), pages.look)
	}
	frame, err := catalog.NewFrame(columns, records, p.limit)
	if err != nil {
		return nil, err
	}
	frame.Meta.Tabular.Limit = max(0, p.limit)
	frame.Meta.Tabular.PrimaryKeyFields = p.identifying()
	frame.Meta.Tabular.OrderedBy = p.order.names()
	frame.WhenCut(func() {
		cursor, warning := p.next(pages)
		frame.Meta.Tabular.NextCursor = cursor
		if warning != "" {
			frame.Source.Context.Warnings = append(frame.Source.Context.Warnings, warning)
		}
	})
	return frame, nil
}

// identifying are the fields that tell the rows of the answer apart, if there are any: the
// key, where no two rows have the same and all of it is in the answer.
func (p *plan) identifying() []string {
	for _, name := range p.table.Key {
		selected := func(c picked) bool { return len(c.path) == 0 && c.column.Name == name }
		if !p.table.Unique || !slices.ContainsFunc(p.columns, selected) {
			return nil
		}
	}
	return p.table.Key
}

// next is where the next page begins, or why nobody can ask for it.
func (p *plan) next(pages *page) (cursor, warning string) {
	switch {
	case p.only:
		return "", ""
	case len(p.order.steps) == 0:
		return "", "There are more rows, in no order that pages could follow: the table has no key. Ask for an order."
	case pages == nil:
		c := p.order.unpageable()
		return "", "There are more rows, but no next page: they are ordered by " + c.Name + ", which is a " + c.Type.String() + ". Ask for another order."
	}
	if _, err := p.order.after(pages.last); err != nil {
		return "", "There are more rows, but no next page: the last row holds a value that cannot be asked for. Ask for another order."
	}
	cursor, ok := pages.last.cursor(p.binding)
	if !ok {
		return "", "There are more rows, but no next page: what tells them apart is too long for a cursor. Ask for an order by shorter columns, or for a higher limit."
	}
	return cursor, ""
}

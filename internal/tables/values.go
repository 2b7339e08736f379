package tables

import (
	"cmp"

	"framehouse/internal/catalog"
	"framehouse/internal/contracts"
	"framehouse/internal/store/sql"
	"framehouse/internal/tables/filter"
)

// ValuesQuery asks for the distinct values of a column, with how often each occurs.
type ValuesQuery struct {
	Table  string
	Column string
	Place  string // of the column in the request, for errors; empty for path.column
	Where  filter.Expr
	Search string // keeps values that contain it as text, capital or small
	Limit  int64  // zero for DefaultValues
}

// A picker shows some values, and is searched when there are more than a person would read.
const (
	DefaultValues = 100
	MostValues    = 10_000
)

// Values reads a frame of the distinct values of a column, the most frequent first and then in
// their order, a null among them if there is one. Its fields are value and count.
func (s *Service) Values(q ValuesQuery) (*catalog.Reading, error) {
	table, err := s.Table(q.Table)
	if err != nil {
		return nil, err
	}
	return s.ValuesOf(table, q)
}

// ValuesOf is Values of a table that was looked up, which may be a node's.
func (s *Service) ValuesOf(table *catalog.Table, q ValuesQuery) (*catalog.Reading, error) {
	p, err := newValues(table, q)
	if err != nil {
		return nil, err
	}
	return s.reading(table, p, Query{})
}

func newValues(table *catalog.Table, q ValuesQuery) (*plan, error) {
	q.Place = cmp.Or(q.Place, "path.column")
	c := table.Column(q.Column)
	if c == nil {
		return nil, table.NoColumn(q.Place, q.Column)
	}
	if !c.Type.Comparable() {
		return nil, contracts.Invalid(q.Place, q.Column, "Ask for a column that holds one plain value, such as a text, a number or a date.",
			"The values of %q, which is a %s, cannot be told apart.", c.Name, c.Type)
	}
	if q.Limit < 0 || q.Limit > MostValues {
		return nil, contracts.Invalid("query.limit", q.Limit, "Search for what the value contains.", "limit must lie between 1 and %d for values.", MostValues)
	}
	all := table.Read()
	var err error
	if all.Where, err = filter.Compile(table, q.Where); err != nil {
		return nil, err
	}
	if q.Search != "" {
		// As text is what JSON shows, but for the T and Z of an instant.
		all.Where = append(all.Where, sql.Compare{
			Left:     sql.Call("positionCaseInsensitiveUTF8", sql.Call("toString", c.Type.Wire(c.Ref())), sql.Value{Type: "String", Text: q.Search}),
			Operator: ">", Right: sql.Text("0"),
		})
	}
	g := newAggregate(table)
	value := *c
	value.Name = "value"
	if err := g.group(picked{nil, c, &value}, ""); err != nil {
		return nil, err
	}
	if err := g.add(made("count", "Count", "Number of rows with the value.", "UInt64"), sql.Call("count"), ""); err != nil {
		return nil, err
	}
	g.table.MaxRows = MostValues
	if q.Limit == 0 {
		q.Limit = DefaultValues
	}
	p, err := planOver(g.table, g.read(all), Query{
		Table: table.Name, Limit: q.Limit,
		Order: []Order{{Column: "count", Descending: true}, {Column: "value"}},
	})
	if err == nil {
		p.only = true
	}
	return p, err
}

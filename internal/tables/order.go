package tables

import (
	"fmt"
	"slices"
	"strings"

	"framehouse/internal/catalog"
	"framehouse/internal/contracts"
	"framehouse/internal/store/sql"
)

// Order is a step of an ordering that a request asks for: in the words of a URL, or member
// by member.
type Order struct {
	// Text is a column, with - before it for descending, and .nullsfirst or .nullslast
	// behind it. A column that has such a name itself is meant first.
	Text string

	Column     string
	Descending bool
	NullsFirst bool
}

// OrderBy is an ordering in the words of a URL.
func OrderBy(texts ...string) []Order {
	order := make([]Order, len(texts))
	for i, text := range texts {
		order[i].Text = text
	}
	return order
}

const (
	nullsFirst = ".nullsfirst"
	nullsLast  = ".nullslast"
)

// step is a step of an ordering whose column was found. Nulls come last in either direction
// unless they are asked for first, and a NaN stands between the nulls and the numbers.
type step struct {
	column                 *catalog.Column
	descending, nullsFirst bool
}

func (s step) String() string {
	text := catalog.Order{Column: s.column.Name, Descending: s.descending}.String()
	if s.nullsFirst {
		text += nullsFirst
	}
	return text
}

// first tells whether nulls or NaN, where the column can hold any, come before the values.
// Nothing is said of other columns: what is said keeps ClickHouse from reading in order.
func (s step) first() bool { return s.nullsFirst && s.column.Type.MayBeNull() }

// ordering is how the rows of a plan are ordered.
type ordering struct {
	steps []step
	// ties tell rows apart that are alike in all steps, but for what a cell of another
	// column shows. They cannot be compared with a value.
	ties []*catalog.Column
	// unique promises that no two rows are alike in all steps.
	unique bool
}

// newOrdering orders by what was asked for, or else by the table's default, and then by the
// key. Where that does not tell all rows apart and they are to be read in pages, every other
// column follows. Nothing orders a table that has no key when nobody asks: it would be read
// to its end for the first few rows.
func newOrdering(table *catalog.Table, q Query) (ordering, error) {
	o := ordering{unique: table.Unique}
	for i, asked := range q.Order {
		s, err := asked.find(table, q.at(fmt.Sprintf("order[%d].column", i), "order"))
		if err != nil {
			return o, err
		}
		if slices.ContainsFunc(o.steps, func(other step) bool { return other.column == s.column }) {
			return o, contracts.Invalid(q.at(fmt.Sprintf("order[%d].column", i), "order"), s.column.Name, "Name each column once.", "The rows are ordered by %q twice.", s.column.Name)
		}
		o.steps = append(o.steps, s)
	}
	if len(q.Order) == 0 {
		for _, d := range table.Order {
			o.add(step{column: table.Column(d.Column), descending: d.Descending})
		}
	}
	for _, name := range table.Key {
		o.add(step{column: table.Column(name)})
	}
	if o.unique || len(o.steps) == 0 || q.Limit == contracts.NoLimit && q.Cursor == "" {
		return o, nil
	}
	for _, c := range table.Columns {
		if c.Type.Comparable() {
			o.add(step{column: c})
		} else if !o.has(c) {
			o.ties = append(o.ties, c)
		}
	}
	return o, nil
}

func (o *ordering) has(c *catalog.Column) bool {
	return slices.ContainsFunc(o.steps, func(s step) bool { return s.column == c })
}

func (o *ordering) add(s step) {
	if !o.has(s.column) {
		o.steps = append(o.steps, s)
	}
}

// find is the step that is meant.
func (o Order) find(table *catalog.Table, location string) (step, error) {
	if o.Text == "" {
		return o.step(table, location)
	}
	bare, first := strings.CutSuffix(o.Text, nullsFirst)
	if !first {
		bare, _ = strings.CutSuffix(o.Text, nullsLast)
	}
	meanings := []Order{{Column: o.Text}, {Column: bare, NullsFirst: first}}
	if name, found := strings.CutPrefix(o.Text, "-"); found {
		meanings = append(meanings, Order{Column: name, Descending: true}, Order{Column: bare[1:], Descending: true, NullsFirst: first})
	}
	for _, m := range meanings {
		if table.Column(m.Column) != nil {
			return m.step(table, location)
		}
	}
	return meanings[len(meanings)-1].step(table, location)
}

func (o Order) step(table *catalog.Table, location string) (step, error) {
	c := table.Column(o.Column)
	if c == nil {
		if relation, _, dotted := strings.Cut(o.Column, "."); dotted && table.Relation(relation) != nil {
			return step{}, contracts.Invalid(location, shown(o.Column), "Order by columns of "+table.Name+" itself.",
				"Rows cannot be ordered by %q, which is a column of another table.", shown(o.Column))
		}
		return step{}, table.NoColumn(location, shown(o.Column))
	}
	if !c.Type.Comparable() {
		return step{}, contracts.Invalid(location, c.Name, "Order by a column that holds one plain value, such as a number, a text or a time.",
			"Rows cannot be ordered by %q, which is a %s.", c.Name, c.Type)
	}
	return step{column: c, descending: o.Descending, nullsFirst: o.NullsFirst}, nil
}

// sql is the ordering as part of a statement that reads under catalog.Alias.
func (o ordering) sql() []sql.Order {
	var order []sql.Order
	for _, s := range o.steps {
		order = append(order, sql.Order{Expr: s.column.Ref(), Descending: s.descending, NullsFirst: s.first()})
	}
	for _, c := range o.ties {
		order = append(order, sql.Order{Expr: c.Type.Wire(c.Ref())})
	}
	return order
}

// stored is the ordering as the catalog reckons with it.
func (o ordering) stored() []catalog.Order {
	var order []catalog.Order
	for _, s := range o.steps {
		order = append(order, catalog.Order{Column: s.column.Name, Descending: s.descending})
	}
	return order
}

func (o ordering) names() []string {
	var names []string
	for _, s := range o.steps {
		names = append(names, s.String())
	}
	return names
}

// binding is the ordering as a cursor is bound to it. names would not do: -x and x.nullsfirst
// may be names of columns.
func (o ordering) binding() []string {
	var texts []string
	for _, s := range o.steps {
		text := s.column.Name
		if s.descending {
			text += "\x00descending"
		}
		if s.nullsFirst {
			text += "\x00nulls first"
		}
		texts = append(texts, text)
	}
	return texts
}

// unpageable is the first step that no cursor can hold a value of, or nil.
func (o ordering) unpageable() *catalog.Column {
	for _, s := range o.steps {
		if !s.column.Type.Comparable() {
			return s.column
		}
	}
	return nil
}

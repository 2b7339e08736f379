package tables

import (
	"fmt"
	"slices"

	"framehouse/internal/store/sql"
)

// The order has three kinds of values, which come one after the other: values, NaN and null,
// or, with nulls first, null, NaN and values. That is how ClickHouse sorts.
type kind byte

const (
	isValue kind = 'v'
	isNaN   kind = 'n'
	isNull  kind = '0'
)

// mark is the value of a column in the last row of a page.
type mark struct {
	kind kind
	text string // of a value, as contracts.CellText has it
}

// position is where a page ended: the values of its last row in the columns of the order.
type position struct {
	marks []mark
	// alike is how many rows with these values the pages so far have held. It matters only
	// where the order does not tell all rows apart.
	alike int64
}

// after are the conditions, joined by AND, of the rows that follow a position: those that are
// greater in the first column, or alike in the first and greater in the second, and so on.
// The columns stand bare and the values are constants, so that the primary key is used.
func (o ordering) after(p position) ([]sql.Expr, error) {
	var beyond sql.Or
	for i, s := range slices.Backward(o.steps) {
		c, err := s.conditions(p.marks[i])
		if err != nil {
			return nil, err
		}
		switch {
		case len(beyond) > 0:
			c.beyond = append(c.beyond, sql.And{c.alike, either(beyond)})
		case i == len(o.steps)-1 && !o.unique:
			// Rows that were seen are among these, and are left out one by one.
			c.beyond = append(c.beyond, c.alike)
		}
		beyond = c.beyond
	}
	conditions := []sql.Expr{either(beyond)}
	// Said once more for the first column, so that ClickHouse can check it by itself before
	// it reads the others.
	if s := o.steps[0]; len(o.steps) > 1 && !s.column.Type.MayBeNull() {
		value, err := s.value(p.marks[0].text)
		if err != nil {
			return nil, err
		}
		conditions = append([]sql.Expr{sql.Compare{Left: s.column.Ref(), Operator: s.operator() + "=", Right: value}}, conditions...)
	}
	return conditions, nil
}

func either(parts sql.Or) sql.Expr {
	if len(parts) == 1 {
		return parts[0]
	}
	return parts
}

// conditions are those of rows beyond a mark in a column, of which there may be none, and of
// rows that are alike in it.
type conditions struct {
	beyond sql.Or
	alike  sql.Expr
}

func (s step) conditions(m mark) (conditions, error) {
	column := s.column.Ref()
	null, nan := sql.Call("isNull", column), sql.Call("isNaN", column)
	nullable, float := s.column.Type.Nullable, s.column.Type.Float()
	var c conditions
	switch m.kind {
	case isNull:
		if !nullable {
			return c, fmt.Errorf("%s cannot be null", s.column.Name)
		}
		c.alike = null
		if s.nullsFirst {
			c.beyond = sql.Or{sql.Call("isNotNull", column)}
		}
	case isNaN:
		if !float {
			return c, fmt.Errorf("%s cannot be NaN", s.column.Name)
		}
		c.alike = nan
		switch {
		case s.nullsFirst:
			c.beyond = sql.Or{sql.And{sql.Call("isNotNull", column), sql.Not{Expr: nan}}}
		case nullable:
			c.beyond = sql.Or{null}
		}
	default:
		value, err := s.value(m.text)
		if err != nil {
			return c, err
		}
		c.alike = sql.Compare{Left: column, Operator: "=", Right: value}
		c.beyond = sql.Or{sql.Compare{Left: column, Operator: s.operator(), Right: value}}
		if float && !s.nullsFirst {
			c.beyond = append(c.beyond, nan)
		}
		if nullable && !s.nullsFirst {
			c.beyond = append(c.beyond, null)
		}
	}
	return c, nil
}

func (s step) operator() string {
	if s.descending {
		return "<"
	}
	return ">"
}

// value reads a value of the column back. What a request may not ask for, but a column may
// hold, are infinities.
func (s step) value(text string) (sql.Value, error) {
	if s.column.Type.Float() && (text == "inf" || text == "-inf") {
		return sql.Value{Type: "Float64", Text: text}, nil
	}
	return s.column.Type.Literal(text)
}

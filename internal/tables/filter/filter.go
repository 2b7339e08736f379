// Package filter holds conditions on the rows of a published table as values: a tree that a
// program builds in Go, that a URL and a JSON body are read into, and that becomes SQL.
//
// It promises three things. Logic has two values: a condition is true or false of a row. A
// null satisfies isnull, ne, nin and any negation, and nothing else, so that a filter and its
// negation together are all rows. A NaN counts as null, as which it is written; infinities
// are values. A name that reaches SQL is the catalog's, and a value is a parameter. And a
// condition that a key can answer is written so that ClickHouse uses the key.
package filter

import (
	"framehouse/internal/catalog"
	"framehouse/internal/store"
)

// Expr is a condition on rows: an And, Or, Not, Has or Condition. A nil Expr is true of every
// row.
type Expr interface{ isExpr() }

// And is true of rows of which all its parts are; without parts, of every row. Parts that are
// Conditions on columns of the same relation, with a dot in their names, speak of the same
// related row.
type And []Expr

// Or is true of rows of which one of its parts is; without parts, of none.
type Or []Expr

// Not is true of rows of which its part is not.
type Not struct{ Expr Expr }

// Has is true of rows with a related row of which Where is true. It does not matter how many
// there are: a row is there once.
type Has struct {
	Relation string
	Where    Expr // in terms of the related table
	place    place
}

// Condition is a question to one column. The column of a related table has the name of the
// relation and a dot before its own.
type Condition struct {
	Column   string
	Operator Operator
	Values   []string // as text; see Operator for how many
	place    place
}

func (And) isExpr()       {}
func (Or) isExpr()        {}
func (Not) isExpr()       {}
func (Has) isExpr()       {}
func (Condition) isExpr() {}

// At is the condition with the part of a request that it stands for, which is named when
// something is wrong with it.
func (c Condition) At(location string) Condition {
	c.place = place{path: location}
	return c
}

// place is where in a request a condition stands.
type place struct {
	path string
	// body marks one that is an object of a JSON body, whose members have places of their own.
	body bool
}

// of is the place of a member of a condition: column, op, value, has.
func (p place) of(member string) string {
	if p.body {
		return p.path + "." + member
	}
	return p.path
}

// Operator is what a Condition asks. Most take one value, in and nin any number from one on,
// between two, and isnull the value true or false.
type Operator = catalog.Operator

// Operators are what can be asked of columns of a type, as they are written in a request.
func Operators(t store.Type) []string {
	var names []string
	for _, o := range catalog.Operators(t) {
		names = append(names, string(o))
	}
	return names
}

package tables

import (
	"net/url"
	"slices"
	"strings"

	"framehouse/internal/catalog"
	"framehouse/internal/contracts"
	"framehouse/internal/store/sql"
	"framehouse/internal/tables/filter"
)

// An aggregate is read like any table: one whose columns are those that rows are grouped by,
// which are its key, and the aggregates. So select, having, order, pages and counts of it
// mean what they mean for a table.
//
// Null and NaN are left out of every aggregate but the count of rows, and are one group. An
// aggregate of no values is null. Sums are exact and never wrap: of integers that are text in
// JSON they are text, of others decimals, of decimals decimals with more digits; only sums of
// floats are floats. Means and medians are floats of 64 bits, and a median between two values
// is their mean. -0 and 0 are one group and one distinct value.

// mostGroups bounds what ClickHouse holds in memory for one answer, in each of its threads: a
// million groups take some 100 MB.
const mostGroups = 1_000_000

// groups is an aggregate of a table.
type groups struct {
	table   *catalog.Table // that it makes
	columns []sql.Column
	by      []sql.Expr
	joins   joins
}

// newGroups groups rows by columns and computes aggregates, each written as function or
// function:column.
func newGroups(table *catalog.Table, group, aggregates []string, body bool) (*groups, error) {
	prefix := "query."
	if body {
		prefix = "body."
	}
	g := newAggregate(table)
	for _, name := range group {
		p, err := pickOne(table, prefix+"group", name)
		if err != nil {
			return nil, err
		}
		if !p.origin.Type.Comparable() {
			return nil, contracts.Invalid(prefix+"group", name, "Group by a column that holds one plain value, such as a text, a number or a date.",
				"Rows cannot be grouped by %q, which is a %s.", name, p.origin.Type)
		}
		if err := g.group(p, prefix+"group"); err != nil {
			return nil, err
		}
	}
	for _, text := range aggregates {
		c, expr, err := aggregate(table, text)
		if err != nil {
			return nil, contracts.Invalid(prefix+"agg", shown(text), err.hint, "%s", err.message)
		}
		if err := g.add(c, expr, prefix+"agg"); err != nil {
			return nil, err
		}
	}
	return g, nil
}

func newAggregate(table *catalog.Table) *groups {
	made := *table
	made.Columns, made.Key, made.Order, made.Relations = nil, nil, nil, nil
	made.Final, made.Unique = false, true
	return &groups{table: &made}
}

// read reads the groups of the rows that all reads.
func (g *groups) read(all sql.Select) sql.Select {
	all.Columns, all.GroupBy, all.Joins = g.columns, g.by, g.joins.sql()
	all.Settings = []sql.Setting{{Name: "max_rows_to_group_by", Value: mostGroups}}
	return sql.Select{From: all, Alias: catalog.Alias}
}

func (g *groups) group(p picked, location string) error {
	c := *p.column
	expr := g.joins.expr(p)
	if c.Type.Float() {
		// NaN, of which there are many, counts as null, and -0 as 0.
		expr, c.Type = plainFloat(expr, c.Type.Name), nullable(c.Type)
	}
	g.by = append(g.by, expr)
	g.table.Key = append(g.table.Key, c.Name)
	return g.add(&c, expr, location)
}

func (g *groups) add(c *catalog.Column, expr sql.Expr, location string) error {
	if g.table.Column(c.Name) != nil {
		return contracts.Invalid(location, c.Name, "Leave one of them out.", "Two columns of the answer would be named %q.", c.Name)
	}
	g.table.Columns = append(g.table.Columns, c)
	g.columns = append(g.columns, sql.Column{Expr: expr, As: c.Name})
	return nil
}

func plainFloat(expr sql.Expr, typ string) sql.Expr {
	return sql.Call("if", sql.Call("isNaN", expr), sql.Text("NULL"), sql.Call("to"+typ, sql.Compare{Left: expr, Operator: "+", Right: sql.Text("0")}))
}

// Having reads a filter on the groups of a query from the parameters having, an expression,
// and having.<column>, with an operator or not.
func (s *Service) Having(q Query, parameters url.Values) (filter.Expr, error) {
	if len(parameters) == 0 {
		return nil, nil
	}
	if !q.aggregates() {
		return nil, contracts.Invalid("query.having", nil, "Add group or agg.", "having is a filter on groups and aggregates, and there are none.")
	}
	table, err := s.Grouped(q)
	if err != nil {
		return nil, err
	}
	conditions := url.Values{}
	for name, values := range parameters {
		conditions["where"+strings.TrimPrefix(name, "having")] = values
	}
	e, err := filter.FromQuery(table, conditions, nil)
	if err != nil {
		return nil, having(err)
	}
	return e, nil
}

// having moves the place of an error: the conditions of a having are written as if they were
// filters of a table.
func having(err error) error {
	e := *contracts.AsError(err)
	e.Issues = slices.Clone(e.Issues)
	for i := range e.Issues {
		for _, prefix := range []string{"query.", "body."} {
			if rest, found := strings.CutPrefix(e.Issues[i].Location, prefix+"where"); found {
				e.Issues[i].Location = prefix + "having" + rest
			}
		}
	}
	return &e
}

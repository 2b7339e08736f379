// Package sql builds ClickHouse statements as values. Two things hold for every
// statement that it builds: an identifier is always quoted, and a value that came
// from outside is always a parameter, never text of the statement.
//
// The package does no I/O. What a function like Select.Build returns depends on its
// receiver alone, so statements are tested by reading them.
package sql

import (
	"slices"
	"strconv"
	"strings"
)

// Statement is a built statement and the parameters that it refers to.
type Statement struct {
	Text     string
	Params   []Param
	Settings []Setting
	Limits   Limits
	InOrder  bool // see Select
	// Tables are those that the statement names, each once.
	Tables []Table
}

// Param is a value in the text form that ClickHouse reads a parameter of Type from.
type Param struct {
	Name, Type, Value string
}

// Expr is a piece of a statement.
type Expr interface {
	write(b *builder)
}

// Column is a selected expression and the name it gets.
type Column struct {
	Expr Expr
	As   string
}

// Order is one step of an ordering. Unless told otherwise nulls come last in either
// direction, and a NaN stands between the nulls and the numbers.
type Order struct {
	Expr       Expr
	Descending bool
	NullsFirst bool
}

// Select is a SELECT statement. From is a Table or another Select.
type Select struct {
	Columns []Column
	From    Source
	Final   bool   // rows of From that a later one replaces or deletes are left out
	Alias   string // names From; columns are referred to as Ref{Alias, column}
	Joins   []Join
	Where   []Expr // joined by AND
	GroupBy []Expr
	OrderBy []Order
	LimitBy []Expr // with these, the first row of each group alone is kept
	Limit   int64  // zero is no limit
	// InOrder tells that rows are stored in the order that they are asked for, so that there
	// is nothing to be won by sorting before all columns are read.
	InOrder bool
	// Settings go with the statement, also from inside another one, to servers that know them
	// and let us choose.
	Settings []Setting
	// Limits go with the statement too, also from inside of From.
	Limits Limits
}

// Join gives each row so far the columns of at most one row of From, or nulls when there
// is none: it neither adds rows nor takes any away.
//
// With AsOf the last of On is no equality but >=, and of the rows of From that satisfy it
// the one is taken that comes closest.
type Join struct {
	AsOf  bool
	From  Source
	Alias string
	On    []Expr // joined by AND
}

// Setting is a setting of ClickHouse for one statement; its name is part of the program.
type Setting struct {
	Name  string
	Value int64
}

// Source is what a Select reads from.
type Source interface {
	writeSource(b *builder)
}

// Table is a table of a database.
type Table struct {
	Database, Name string
}

func (t Table) writeSource(b *builder) {
	if !slices.Contains(b.tables, t) {
		b.tables = append(b.tables, t)
	}
	b.identifier(t.Database)
	b.text(".")
	b.identifier(t.Name)
}

func (s Select) writeSource(b *builder) {
	b.text("(")
	s.write(b)
	b.text(")")
}

// Build returns the statement.
func (s Select) Build() Statement {
	var b builder
	s.write(&b)
	return Statement{Text: b.out.String(), Params: b.params, Settings: b.settings, Limits: s.limits(), InOrder: s.InOrder, Tables: b.tables}
}

func (s Select) write(b *builder) {
	b.text("SELECT ")
	for i, c := range s.Columns {
		b.comma(i)
		c.Expr.write(b)
		b.text(" AS ")
		b.identifier(c.As)
	}
	b.text(" FROM ")
	s.From.writeSource(b)
	if s.Alias != "" {
		b.text(" AS ")
		b.identifier(s.Alias)
	}
	if s.Final {
		b.text(" FINAL")
	}
	for _, j := range s.Joins {
		if j.AsOf {
			b.text(" ASOF LEFT JOIN ")
		} else {
			b.text(" LEFT ANY JOIN ")
		}
		j.From.writeSource(b)
		b.text(" AS ")
		b.identifier(j.Alias)
		b.list(" ON ", " AND ", j.On)
	}
	b.list(" WHERE ", " AND ", s.Where)
	b.list(" GROUP BY ", ", ", s.GroupBy)
	for i, o := range s.OrderBy {
		if i == 0 {
			b.text(" ORDER BY ")
		}
		b.comma(i)
		o.Expr.write(b)
		if o.Descending {
			b.text(" DESC")
		}
		if o.NullsFirst {
			b.text(" NULLS FIRST")
		}
	}
	if len(s.LimitBy) > 0 {
		b.list(" LIMIT 1 BY ", ", ", s.LimitBy)
	}
	if s.Limit > 0 {
		b.text(" LIMIT " + strconv.FormatInt(s.Limit, 10))
	}
	b.settings = append(b.settings, s.Settings...)
}

// builder gathers text and parameters. Parameters are numbered in the order in which
// they appear, so equal queries have equal text.
type builder struct {
	out    strings.Builder
	params []Param
	// settings of all parts
	settings []Setting
	tables   []Table
	bare     string // what a Delete's columns call its table
}

func (b *builder) text(s string) { b.out.WriteString(s) }

func (b *builder) comma(i int) {
	if i > 0 {
		b.text(", ")
	}
}

func (b *builder) list(before, between string, exprs []Expr) {
	for i, e := range exprs {
		if i == 0 {
			b.text(before)
		} else {
			b.text(between)
		}
		e.write(b)
	}
}

// identifier writes a quoted identifier. Inside backticks ClickHouse knows backslash
// escapes, so a backslash is doubled like a backtick.
func (b *builder) identifier(name string) {
	b.text("`")
	b.text(identifierEscapes.Replace(name))
	b.text("`")
}

var identifierEscapes = strings.NewReplacer("\\", "\\\\", "`", "\\`")

func (b *builder) param(typ, value string) {
	name := "p" + strconv.Itoa(len(b.params))
	b.params = append(b.params, Param{Name: name, Type: typ, Value: value})
	b.text("{" + name + ":" + typ + "}")
}

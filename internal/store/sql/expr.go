package sql

import "strings"

// Ref is a column of the source that Table names. It is always qualified: in a
// statement that gives an expression the name of a column, the bare name would mean
// the expression, and a filter on that cannot use the primary key.
type Ref struct {
	Table, Column string
}

func (r Ref) write(b *builder) {
	if r.Table != b.bare {
		b.identifier(r.Table)
		b.text(".")
	}
	b.identifier(r.Column)
}

// Value is a value from outside, as a parameter of a ClickHouse type. Text is the
// value as ClickHouse reads it in a tab-separated file, before escaping.
type Value struct {
	Type, Text string
}

func (v Value) write(b *builder) { b.param(v.Type, escape(v.Text)) }

// Param is the value as a named parameter of a statement that is written by hand.
func (v Value) Param(name string) Param {
	return Param{Name: name, Type: v.Type, Value: escape(v.Text)}
}

// escape protects what would end or alter a parameter's value, which the server reads
// like one field of a tab-separated file. The driver sends it as it is.
func escape(s string) string {
	if !strings.ContainsAny(s, "\\\t\n\r\b\f\x00'") {
		return s
	}
	return valueEscapes.Replace(s)
}

var valueEscapes = strings.NewReplacer(
	"\\", "\\\\", "\t", "\\t", "\n", "\\n", "\r", "\\r",
	"\b", "\\b", "\f", "\\f", "\x00", "\\0", "'", "\\'",
)

// Func is a call of a ClickHouse function; its name is part of the program.
type Func struct {
	Name string
	Args []Expr
}

func (f Func) write(b *builder) {
	b.text(f.Name)
	b.text("(")
	b.list("", ", ", f.Args)
	b.text(")")
}

// Call is a short way to write a Func.
func Call(name string, args ...Expr) Func { return Func{name, args} }

// Text is a part of the statement that the program itself wrote, such as a constant.
// It must never hold anything that came from outside.
type Text string

func (t Text) write(b *builder) { b.text(string(t)) }

// Compare is a comparison; its operator is part of the program.
type Compare struct {
	Left     Expr
	Operator string
	Right    Expr
}

func (c Compare) write(b *builder) {
	c.Left.write(b)
	b.text(" " + c.Operator + " ")
	c.Right.write(b)
}

// In is true for rows whose expression equals one of the values.
type In struct {
	Expr   Expr
	Values []Value
}

func (in In) write(b *builder) {
	if len(in.Values) == 1 {
		Compare{in.Expr, "=", in.Values[0]}.write(b)
		return
	}
	in.Expr.write(b)
	b.text(" IN (")
	for i, v := range in.Values {
		b.comma(i)
		v.write(b)
	}
	b.text(")")
}

// And is true for rows for which all its parts are; without parts for every row.
type And []Expr

func (a And) write(b *builder) { b.group(" AND ", "1", a) }

// Or is true for rows for which one of its parts is; without parts for none.
type Or []Expr

func (o Or) write(b *builder) { b.group(" OR ", "0", o) }

func (b *builder) group(between, empty string, parts []Expr) {
	if len(parts) == 0 {
		b.text(empty)
		return
	}
	b.text("(")
	b.list("", between, parts)
	b.text(")")
}

// Not is true where its part is false. Of a part that is null it is null: where that can
// be, the part decides first what null means.
type Not struct{ Expr Expr }

func (n Not) write(b *builder) {
	b.text("NOT (")
	n.Expr.write(b)
	b.text(")")
}

// InSelect is true for rows whose expressions together are a row of a statement. On a
// cluster the statement is run once and its rows are sent to the shards.
type InSelect struct {
	Exprs []Expr
	From  Select
}

func (in InSelect) write(b *builder) {
	if len(in.Exprs) == 1 {
		in.Exprs[0].write(b)
	} else {
		b.group(", ", "", in.Exprs)
	}
	b.text(" GLOBAL IN (")
	in.From.write(b)
	b.text(")")
}

package filter

import (
	"strings"

	"framehouse/internal/catalog"
	"framehouse/internal/contracts"
	"framehouse/internal/store/sql"
)

// longestStatement bounds the text of the conditions, since ClickHouse reads 256 KB of a
// statement (max_query_size). Only columns of very long names come near it.
const longestStatement = 200_000

// Compile is the filter as conditions that are joined by AND, on the table under the name
// catalog.Alias. Each may also be null, which is false there. It fails for what Resolve fails
// for, for operators that do not fit a column's type, and for values that a column cannot hold.
func Compile(table *catalog.Table, e Expr) ([]sql.Expr, error) {
	e, err := Resolve(table, e)
	if err != nil {
		return nil, err
	}
	conditions, err := compileWhere(table, e)
	if err != nil {
		return nil, err
	}
	read := table.Read()
	read.Where = conditions
	if len(read.Build().Text) > longestStatement {
		return nil, contracts.Invalid(placeOf(e).path, nil, "Use fewer conditions.", "The filter is too long for ClickHouse.")
	}
	return conditions, nil
}

// compileWhere is an expression as conditions that are joined by AND.
func compileWhere(table *catalog.Table, e Expr) ([]sql.Expr, error) {
	if e == nil {
		return nil, nil
	}
	compiled, err := compile(table, e, false)
	var flat []sql.Expr
	var add func(sql.Expr)
	add = func(e sql.Expr) {
		if and, ok := e.(sql.And); ok {
			for _, part := range and {
				add(part)
			}
			return
		}
		flat = append(flat, e)
	}
	add(compiled)
	return flat, err
}

// compile is an expression that is true of the rows of which e is, or, negated, of those of
// which it is not. Where it is not true it is false or null. Negations go down to the
// conditions: these alone know what is null, and what is left of them is what ClickHouse can
// look up in a key.
func compile(table *catalog.Table, e Expr, negated bool) (sql.Expr, error) {
	switch e := e.(type) {
	case And:
		parts, err := compileAll(table, e, negated)
		if negated {
			return sql.Or(parts), err
		}
		return sql.And(parts), err
	case Or:
		parts, err := compileAll(table, e, negated)
		if negated {
			return sql.And(parts), err
		}
		return sql.Or(parts), err
	case Not:
		return compile(table, e.Expr, !negated)
	case Has:
		return compileHas(table.Relation(e.Relation), e.Where, negated)
	case Condition:
		return e.compile(table.Column(e.Column), negated)
	}
	return sql.And{}, nil
}

func compileAll(table *catalog.Table, parts []Expr, negated bool) ([]sql.Expr, error) {
	all := make([]sql.Expr, len(parts))
	for i, part := range parts {
		var err error
		if all[i], err = compile(table, part, negated); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// compileHas looks the row's key up among those of the related rows, so that it does not
// matter how many of them there are. A key with a null in it refers to nothing.
func compileHas(relation *catalog.Relation, where Expr, negated bool) (sql.Expr, error) {
	related := relation.Table.Read()
	var in sql.InSelect
	var unknown sql.Or
	for i, from := range relation.From {
		to := relation.To[i]
		in.Exprs = append(in.Exprs, from.Ref())
		related.Columns = append(related.Columns, sql.Column{Expr: to.Ref(), As: to.Name})
		if from.Type.Nullable {
			unknown = append(unknown, sql.Call("isNull", from.Ref()))
		}
		if to.Type.Nullable {
			related.Where = append(related.Where, sql.Call("isNotNull", to.Ref()))
		}
	}
	conditions, err := compileWhere(relation.Table, where)
	if err != nil {
		return nil, err
	}
	related.Where = append(related.Where, conditions...)
	in.From = related
	switch {
	case !negated:
		return in, nil
	case len(unknown) == 0:
		return sql.Not{Expr: in}, nil
	}
	return append(sql.Or{sql.Not{Expr: in}}, unknown...), nil
}

// comparisons are the operators that compare with one value, and what is true instead where
// they are false.
var comparisons = map[Operator]struct{ is, isNot string }{
	catalog.Equal:          {"=", "!="},
	catalog.NotEqual:       {"!=", "="},
	catalog.Less:           {"<", ">="},
	catalog.LessOrEqual:    {"<=", ">"},
	catalog.Greater:        {">", "<="},
	catalog.GreaterOrEqual: {">=", "<"},
}

func (c Condition) compile(column *catalog.Column, negated bool) (sql.Expr, error) {
	if err := c.check(column); err != nil {
		return nil, err
	}
	if c.Operator == catalog.IsNull {
		is, err := c.truth()
		if is != negated {
			return null(column), err
		}
		return notNull(column), err
	}
	values, err := c.literals(column)
	if err != nil {
		return nil, err
	}
	switch c.Operator {
	case catalog.NotEqual, catalog.NotIn:
		// The negations that have a name.
		c.Operator = map[Operator]Operator{catalog.NotEqual: catalog.Equal, catalog.NotIn: catalog.In}[c.Operator]
		negated = !negated
	}
	ref := column.Ref()
	switch c.Operator {
	case catalog.In:
		return in(column, values, negated), nil
	case catalog.Between:
		from, to := sql.Compare{Left: ref, Operator: ">=", Right: values[0]}, sql.Compare{Left: ref, Operator: "<=", Right: values[1]}
		if !negated {
			return sql.And{from, to}, nil
		}
		from.Operator, to.Operator = "<", ">"
		return orNull(column, from, to), nil
	}
	if compare, ok := comparisons[c.Operator]; ok {
		if !negated {
			return sql.Compare{Left: ref, Operator: compare.is, Right: values[0]}, nil
		}
		return orNull(column, sql.Compare{Left: ref, Operator: compare.isNot, Right: values[0]}), nil
	}
	matched, err := c.match(column, values[0])
	if err != nil || !negated {
		return matched, err
	}
	return orNull(column, sql.Not{Expr: matched}), nil
}

// match is a condition on a part of a text, which is one of bytes unless the operator does
// not tell capital letters from small ones. To a pattern a text is characters: bytes that are
// no UTF-8 fit neither _ nor %.
func (c Condition) match(column *catalog.Column, value sql.Value) (sql.Expr, error) {
	var text, sought sql.Expr = column.Ref(), value
	// A FixedString is shorter than it looks: the zero bytes at its end are none of the text.
	if fixed := column.Type.Name == "FixedString"; fixed && (c.Operator != catalog.StartsWith || strings.Contains(value.Text, "\x00")) {
		text = sql.Call("toString", text)
	}
	operator, folded := strings.CutPrefix(string(c.Operator), "i")
	if folded {
		text, sought = fold(text), fold(sought)
	}
	switch Operator(operator) {
	case catalog.Equal:
		return sql.Compare{Left: text, Operator: "=", Right: sought}, nil
	case catalog.Contains:
		return sql.Compare{Left: sql.Call("position", text, sought), Operator: ">", Right: sql.Text("0")}, nil
	case catalog.StartsWith:
		return sql.Call("startsWith", text, sought), nil
	case catalog.EndsWith:
		return sql.Call("endsWith", text, sought), nil
	}
	return sql.Compare{Left: text, Operator: "LIKE", Right: sought}, c.pattern()
}

// fold makes texts equal that differ by capital letters alone. Small letters first: so the
// three sigmas become one, ß and ẞ both SS, and the dot of İ a character of its own. The
// dotless ı becomes an I like any other. Bytes that are no UTF-8 stay as they are.
func fold(text sql.Expr) sql.Expr {
	return sql.Call("upperUTF8", sql.Call("lowerUTF8", text))
}

// in looks the column up in lists of values, each of which is one parameter.
func in(column *catalog.Column, values []sql.Value, negated bool) sql.Expr {
	if equal := comparisons[catalog.Equal]; len(values) == 1 && negated {
		return orNull(column, sql.Compare{Left: column.Ref(), Operator: equal.isNot, Right: values[0]})
	} else if len(values) == 1 {
		return sql.Compare{Left: column.Ref(), Operator: equal.is, Right: values[0]}
	}
	lists := column.Type.Lists(values)
	if !negated {
		var or sql.Or
		for _, list := range lists {
			or = append(or, sql.Compare{Left: column.Ref(), Operator: "IN", Right: list})
		}
		if len(or) == 1 {
			return or[0]
		}
		return or
	}
	var and sql.And
	for _, list := range lists {
		and = append(and, sql.Compare{Left: column.Ref(), Operator: "NOT IN", Right: list})
	}
	if len(and) == 1 {
		return orNull(column, and[0])
	}
	return orNull(column, and)
}

// nulls are the conditions of which one is true where the column counts as null.
func nulls(column *catalog.Column) sql.Or {
	var or sql.Or
	if column.Type.Nullable {
		or = append(or, sql.Call("isNull", column.Ref()))
	}
	if column.Type.Float() {
		or = append(or, sql.Call("isNaN", column.Ref()))
	}
	return or
}

func null(column *catalog.Column) sql.Expr {
	or := nulls(column)
	if len(or) == 1 {
		return or[0]
	}
	return or
}

func notNull(column *catalog.Column) sql.Expr {
	var and sql.And
	for _, is := range nulls(column) {
		and = append(and, sql.Not{Expr: is})
	}
	if len(and) == 1 {
		return and[0]
	}
	return and
}

// orNull is what is true where a condition on the column is not: the opposite, which is null
// or false of what counts as null, and that.
func orNull(column *catalog.Column, opposite ...sql.Expr) sql.Expr {
	or := append(sql.Or(opposite), nulls(column)...)
	if len(or) == 1 {
		return or[0]
	}
	return or
}

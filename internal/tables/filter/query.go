package filter

import (
	"maps"
	"net/url"
	"slices"
	"strings"

	"framehouse/internal/catalog"
	"framehouse/internal/contracts"
)

// whereParameter holds an expression, and begins the names of parameters that could also mean
// something else.
const whereParameter = "where"

// FromQuery reads a filter from the parameters of a URL that are conditions:
//
//	region=US                    equal; given several times, equal to one of the values
//	balance_usd.gte=100          any other operator
//	state.in=AK,"a ""b"", c"     a list; an item in quotes may hold anything
//	customer.region=US           of a related row, up to two relations away
//	where.limit=5                of a column that is named like another parameter
//	where=or(region=US,not(balance_usd.gte=100),debts(debt_type=margin,debt_usd.gte=10000))
//
// All of them must hold. Those on columns of one relation speak of the same related row. A
// name is a column's if there is one of that name, then one with an operator, then a
// relation's. others are names of parameters that mean something else, to be suggested for a
// misspelt one.
func FromQuery(table *catalog.Table, parameters url.Values, others []string) (Expr, error) {
	var and And
	for _, parameter := range slices.Sorted(maps.Keys(parameters)) {
		values, location := parameters[parameter], "query."+parameter
		var part Expr
		var err error
		if parameter == whereParameter {
			if len(values) > 1 {
				return nil, contracts.Invalid(location, nil, "Give it once, with and(…,…) or or(…,…) around the parts.", "where is given %d times.", len(values))
			}
			part, err = parse(table, location, values[0])
		} else {
			part, err = flat(table, parameter, values, append(slices.Clip(others), whereParameter))
		}
		if err != nil {
			return nil, err
		}
		and = append(and, part)
	}
	return Resolve(table, and)
}

// flat reads a parameter that is a condition.
func flat(table *catalog.Table, parameter string, values []string, others []string) (Expr, error) {
	location := "query." + parameter
	name, prefixed := strings.CutPrefix(parameter, whereParameter+".")
	c, ok := split(table, name)
	if !ok && prefixed {
		c, ok = split(table, parameter)
		others = nil // where. can mean a column only
	}
	if !ok {
		return nil, noColumn(table, location, name, others)
	}
	c.place = place{path: location}
	if len(values) > 1 {
		if c.Operator != catalog.Equal {
			return nil, contracts.Invalid(location, shown(strings.Join(values, ", ")), "Give it once; in, nin and between take several values with commas between them.", "The condition %q is given %d times.", parameter, len(values))
		}
		c.Operator, c.Values = catalog.In, values
		return c, nil
	}
	c.Values = values
	if list(c.Operator) {
		p := parser{text: values[0], location: location}
		c.Values = p.items("")
		return c, p.fault
	}
	return c, nil
}

// split takes the name of a condition apart into column and operator.
func split(table *catalog.Table, name string) (Condition, bool) {
	if named(table, name) != nil {
		return Condition{Column: name, Operator: catalog.Equal}, true
	}
	if i := strings.LastIndex(name, "."); i > 0 && named(table, name[:i]) != nil {
		operator := Operator(name[i+1:])
		return Condition{Column: name[:i], Operator: operator}, slices.Contains(catalog.AllOperators(), operator)
	}
	return Condition{}, false
}

// named is the column of a name, which may begin with relations.
func named(table *catalog.Table, name string) *catalog.Column {
	for relation, rest := through(table, name); relation != nil; relation, rest = through(table, name) {
		table, name = relation.Table, rest
	}
	return table.Column(name)
}

// Query is the filter as parameters of a URL, which FromQuery reads back: conditions that are
// joined by And each as one, the rest as where. others are names of parameters that mean
// something else. Of a table in which the name of one column is that of another, a dot and an
// operator, the other's conditions must not be written so.
func Query(e Expr, others ...string) url.Values {
	parameters := url.Values{}
	if e == nil {
		return parameters
	}
	parts, ok := e.(And)
	if !ok {
		parts = And{e}
	}
	var rest []string
	for _, part := range parts {
		if part == nil {
			continue
		}
		names, conditions, ok := flatten("", part, parts)
		for i, name := range names {
			if name == whereParameter || strings.HasPrefix(name, whereParameter+".") || slices.Contains(others, name) {
				names[i] = whereParameter + "." + name
			}
			_, taken := parameters[names[i]]
			ok = ok && !taken && !slices.Contains(names[:i], names[i])
		}
		if !ok {
			rest = append(rest, text(part))
			continue
		}
		for i, c := range conditions {
			value := items(c.Values)
			if !list(c.Operator) {
				value = strings.Join(c.Values, "")
			}
			parameters.Set(names[i], value)
		}
	}
	if len(rest) > 0 {
		parameters.Set(whereParameter, strings.Join(rest, ","))
	}
	return parameters
}

// flatten is a part of an And as conditions with names of their own, if it can be: a
// Condition, or what is asked of a relation that no other part asks anything of.
func flatten(prefix string, part Expr, among []Expr) (names []string, conditions []Condition, ok bool) {
	switch part := part.(type) {
	case Condition:
		name := prefix + part.Column
		if part.Operator != catalog.Equal {
			name += "." + string(part.Operator)
		}
		// A list without items has no text.
		return []string{name}, []Condition{part}, len(part.Values) > 0 && (list(part.Operator) || len(part.Values) == 1)
	case Has:
		if among == nil || askedTwice(part.Relation, among) {
			return nil, nil, false
		}
		inner, isAnd := part.Where.(And)
		if !isAnd {
			inner = And{part.Where}
		}
		for _, part2 := range inner {
			n, c, ok := flatten(prefix+part.Relation+".", part2, inner)
			if !ok {
				return nil, nil, false
			}
			names, conditions = append(names, n...), append(conditions, c...)
		}
		return names, conditions, len(names) > 0
	}
	return nil, nil, false
}

// askedTwice tells whether more than one part of an And may ask something of a relation.
func askedTwice(relation string, parts []Expr) bool {
	n := 0
	for _, part := range parts {
		switch part := part.(type) {
		case Has:
			if part.Relation == relation {
				n++
			}
		case Condition:
			if strings.HasPrefix(part.Column, relation+".") {
				n++
			}
		}
	}
	return n > 1
}

package filter

import (
	"slices"
	"strings"

	"framehouse/internal/catalog"
	"framehouse/internal/contracts"
)

// Bounds of a filter.
const (
	// deepestRelation is how many relations may be followed from one to the next. Each is a
	// statement inside the statement, and two lead from any end of three tables to the other.
	deepestRelation = 2
	// deepest is how deep And, Or, Not and Has may stand in each other. Nobody writes more by
	// hand, and what a program makes can be flattened; ClickHouse's own analysis recurses.
	deepest = 16
	// mostConditions bounds the statement: a condition takes up to two parameters, of which
	// ClickHouse reads some 900.
	mostConditions = 400
	// mostItems bounds a list. More would hardly fit into the URL in which ClickHouse reads
	// parameters.
	mostItems = 10_000
)

// Resolve is the filter in its plain form, by which equal filters are equal: columns are
// those of the table itself, and related ones stand in a Has; no And stands in an And and no
// Or in an Or, and each has two parts or more; the parts of an And are in an order of their
// own. It fails for names that the table does not have, and for a filter beyond our bounds.
func Resolve(table *catalog.Table, e Expr) (Expr, error) {
	var r resolver
	if depthOf(e) > 4*deepest { // before anything recurses
		return nil, tooDeep(e)
	}
	e, err := r.resolve(table, e, 0)
	if err != nil {
		return nil, err
	}
	if and, ok := e.(And); ok && depthOf(and) > deepest+1 || !ok && depthOf(e) > deepest {
		return nil, tooDeep(e)
	}
	return e, nil
}

type resolver struct{ conditions int }

func (r *resolver) resolve(table *catalog.Table, e Expr, relations int) (Expr, error) {
	switch e := e.(type) {
	case And:
		parts, err := r.all(table, gather(table, e), relations)
		return and(parts), err
	case Or:
		parts, err := r.all(table, e, relations)
		return or(parts), err
	case Not:
		part, err := r.resolve(table, e.Expr, relations)
		return not(part), err
	case Has:
		relation := table.Relation(e.Relation)
		if relation == nil {
			return nil, noRelation(table, e.place.of("has"), e.Relation)
		}
		if relations == deepestRelation {
			return nil, tooFar(e.place.of("has"), e.Relation)
		}
		where, err := r.resolve(relation.Table, e.Where, relations+1)
		return Has{relation.Name, where, e.place}, err
	case Condition:
		if relation, rest := through(table, e.Column); relation != nil {
			inner := e
			inner.Column = rest
			return r.resolve(table, Has{relation.Name, inner, place{path: e.place.of("column")}}, relations)
		}
		if table.Column(e.Column) == nil {
			return nil, noColumn(table, e.place.of("column"), e.Column, nil)
		}
		if r.conditions++; r.conditions > mostConditions {
			return nil, contracts.Invalid(e.place.path, nil, "Give the values of one column as a list, or ask several times.", "A filter can have %d conditions, and not more.", mostConditions)
		}
		return e, nil
	}
	return nil, nil
}

func (r *resolver) all(table *catalog.Table, parts []Expr, relations int) ([]Expr, error) {
	resolved := make([]Expr, len(parts))
	for i, part := range parts {
		var err error
		if resolved[i], err = r.resolve(table, part, relations); err != nil {
			return nil, err
		}
	}
	return resolved, nil
}

// through takes the name of a relation off the name of a column. A column whose own name has
// dots comes first.
func through(table *catalog.Table, name string) (relation *catalog.Relation, rest string) {
	first, rest, dotted := strings.Cut(name, ".")
	if !dotted || table.Column(name) != nil {
		return nil, ""
	}
	return table.Relation(first), rest
}

// gather puts what dotted conditions ask of one relation together, so that all of it is
// asked of the same related row.
func gather(table *catalog.Table, parts And) []Expr {
	var all []Expr
	gathered := map[*catalog.Relation]int{} // where in all
	for _, part := range parts {
		c, ok := part.(Condition)
		relation, rest := through(table, c.Column)
		if !ok || relation == nil {
			all = append(all, part)
			continue
		}
		at, seen := gathered[relation]
		if !seen {
			at = len(all)
			gathered[relation] = at
			all = append(all, Has{relation.Name, And{}, place{path: c.place.of("column")}})
		}
		c.Column = rest
		has := all[at].(Has)
		has.Where = append(has.Where.(And), c)
		all[at] = has
	}
	return all
}

// and, or and not make plain forms of plain forms. An or() among the parts of an And, and an
// and() among those of an Or, decides the whole, and the other parts stay all the same: what is
// wrong with one of them is seen when it is compiled.
func and(parts []Expr) Expr {
	var flat And
	for _, part := range parts {
		switch part := part.(type) {
		case nil:
		case And:
			flat = append(flat, part...)
		case Or:
			if len(part) > 0 || !slices.ContainsFunc(flat, never) {
				flat = append(flat, part)
			}
		default:
			flat = append(flat, part)
		}
	}
	switch len(flat) {
	case 0:
		return nil
	case 1:
		return flat[0]
	}
	// Kept beside its text and not found by it: a part that is no filter may read like another.
	type written struct {
		text string
		part Expr
	}
	all := make([]written, len(flat))
	for i, part := range flat {
		all[i] = written{text(part), part}
	}
	slices.SortStableFunc(all, func(a, b written) int { return strings.Compare(a.text, b.text) })
	for i := range all {
		flat[i] = all[i].part
	}
	return flat
}

func or(parts []Expr) Expr {
	flat := Or{}
	for _, part := range parts {
		switch part := part.(type) {
		case nil:
			if !slices.ContainsFunc(flat, always) {
				flat = append(flat, And{})
			}
		case Or:
			flat = append(flat, part...)
		default:
			flat = append(flat, part)
		}
	}
	switch {
	case len(flat) != 1:
		return flat
	case always(flat[0]):
		return nil
	}
	return flat[0]
}

// never tells an Or without parts, which is true of no row.
func never(e Expr) bool {
	or, ok := e.(Or)
	return ok && len(or) == 0
}

// always tells an And without parts, which is true of every row.
func always(e Expr) bool {
	and, ok := e.(And)
	return ok && len(and) == 0
}

func not(part Expr) Expr {
	switch part := part.(type) {
	case nil:
		return Or{}
	case Not:
		return part.Expr
	case Or:
		if len(part) == 0 {
			return nil
		}
	}
	return Not{part}
}

// depthOf is how deep expressions stand in each other; it looks no further than matters.
func depthOf(e Expr) int { return depthWithin(e, 5*deepest) }

func depthWithin(e Expr, most int) int {
	if _, leaf := e.(Condition); leaf || e == nil || most == 0 {
		return 0
	}
	depth := 0
	for _, part := range partsOf(e) {
		depth = max(depth, depthWithin(part, most-1))
	}
	return depth + 1
}

// placeOf is the place of the first condition of an expression.
func placeOf(e Expr) place {
	switch e := e.(type) {
	case Has:
		return e.place
	case Condition:
		return e.place
	}
	for _, part := range partsOf(e) {
		if p := placeOf(part); p.path != "" {
			return p
		}
	}
	return place{}
}

// partsOf are the expressions that an expression is made of.
func partsOf(e Expr) []Expr {
	switch e := e.(type) {
	case And:
		return e
	case Or:
		return e
	case Not:
		return []Expr{e.Expr}
	case Has:
		return []Expr{e.Where}
	}
	return nil
}

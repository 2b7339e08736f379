package filter

import (
	"slices"
	"strings"

	"framehouse/internal/catalog"
	"framehouse/internal/contracts"
)

func tooDeep(e Expr) error {
	return contracts.Invalid(placeOf(e).path, nil, "Write it flatter.", "A filter can be %d levels deep, and not deeper.", deepest)
}

func tooFar(location, name string) error {
	return contracts.Invalid(location, name, "Ask another table, which is nearer to what you look for.", "A filter can follow %d relations in a row, and not more.", deepestRelation)
}

func noRelation(table *catalog.Table, location, name string) error {
	names := relations(table)
	hint := table.Name + " has no relations."
	if len(names) > 0 {
		hint = "Relations are " + strings.Join(names, ", ") + "."
	}
	return contracts.Invalid(location, shown(name), suggest(name, names)+hint, "%s has no relation %q.", table.Name, shown(name))
}

func relations(table *catalog.Table) []string {
	names := make([]string, len(table.Relations))
	for i, r := range table.Relations {
		names[i] = r.Name
	}
	return names
}

// noColumn is the error for a name that means nothing in a filter: of a column of a related
// table if it begins with the relation, and of an operator if it begins with a column.
// others are names that could have stood there.
func noColumn(table *catalog.Table, location, name string, others []string) error {
	rest := name
	for relation, after := through(table, rest); relation != nil; relation, after = through(table, rest) {
		table, rest, others = relation.Table, after, nil
	}
	// The longest column that the name begins with.
	for i := len(rest) - 1; i > 0; i-- {
		if c := table.Column(rest[:i]); c != nil && rest[i] == '.' {
			return noOperator(c, location, rest[i+1:])
		}
	}
	if operator := strings.TrimRight(rest, "!<>"); operator != rest && table.Column(operator) != nil {
		return contracts.Invalid(location, shown(name), "Operators are written with a dot: "+operator+".ne, "+operator+".gt, "+operator+".lte.", "%s has no column %q.", table.Name, shown(rest))
	}
	if table.Relation(rest) != nil {
		return contracts.Invalid(location, shown(name), "Columns of it are "+rest+"."+strings.Join(table.Relation(rest).Table.ColumnNames(), ", "+rest+".")+".",
			"%s leads to another table, of which a filter names a column.", rest)
	}
	err := table.NoColumn(location, shown(rest), others...)
	if names := relations(table); len(names) > 0 {
		err.Issues[0].Hint += " Columns of related tables begin with " + strings.Join(names, "., ") + "."
	}
	err.Issues[0].Value = shown(name)
	return err
}

// elsewhere are operators as other languages spell them. The nearest of ours would be another
// one: eq of neq, ne of ge.
var elsewhere = map[string]Operator{
	"=": catalog.Equal, "==": catalog.Equal, "is": catalog.Equal, "exact": catalog.Equal, "iexact": catalog.EqualFold,
	"!=": catalog.NotEqual, "<>": catalog.NotEqual, "neq": catalog.NotEqual, "not": catalog.NotEqual,
	"<": catalog.Less, "<=": catalog.LessOrEqual, "le": catalog.LessOrEqual, "max": catalog.LessOrEqual, "to": catalog.LessOrEqual,
	">": catalog.Greater, ">=": catalog.GreaterOrEqual, "ge": catalog.GreaterOrEqual, "min": catalog.GreaterOrEqual, "from": catalog.GreaterOrEqual,
	"notin": catalog.NotIn, "not_in": catalog.NotIn, "not.in": catalog.NotIn, "range": catalog.Between,
	"null": catalog.IsNull, "is_null": catalog.IsNull, "is.null": catalog.IsNull, "notnull": catalog.IsNull,
	"starts_with": catalog.StartsWith, "ends_with": catalog.EndsWith, "search": catalog.ContainsFold,
}

// noOperator is the error for an operator that does not exist, or not for the column.
func noOperator(c *catalog.Column, location, operator string) error {
	fits := Operators(c.Type)
	if len(fits) == 0 {
		return contracts.Invalid(location, shown(operator), "Filter on another column.", "%s is of type %s, which no filter can ask anything.", c.Name, c.Type)
	}
	meant, known := elsewhere[strings.ToLower(operator)]
	if !known {
		meant = Operator(contracts.Nearest(operator, fits))
	}
	hint := "What fits is " + strings.Join(fits, ", ") + "."
	if slices.Contains(fits, string(meant)) {
		hint = "Did you mean \"" + string(meant) + "\"? " + hint
	}
	if !slices.Contains(catalog.AllOperators(), Operator(operator)) {
		return contracts.Invalid(location, shown(operator), hint, "There is no operator %q.", shown(operator))
	}
	if Operator(operator) == catalog.IsNull {
		return contracts.Invalid(location, operator, hint, "The operator isnull does not fit %s, which is never null.", c.Name)
	}
	return contracts.Invalid(location, operator, hint, "The operator %q does not fit %s, which is of type %s.", operator, c.Name, c.Type)
}

func suggest(name string, candidates []string) string {
	if near := contracts.Nearest(name, candidates); near != "" {
		return "Did you mean \"" + near + "\"? "
	}
	return ""
}

// shown is what an error repeats of a text that came with a request: enough to know it by.
func shown(text string) string {
	const most = 200
	if len(text) > most {
		return strings.ToValidUTF8(text[:most], "") + "…"
	}
	return text
}

package filter

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"framehouse/internal/catalog"
	"framehouse/internal/contracts"
	"framehouse/internal/store/sql"
)

// longestPattern bounds what ClickHouse makes a regular expression of.
const longestPattern = 4096

// list tells operators that take a list.
func list(o Operator) bool {
	return o == catalog.In || o == catalog.NotIn || o == catalog.Between
}

// check makes sure that the operator fits the column and the number of values the operator.
func (c Condition) check(column *catalog.Column) error {
	fits := false
	for _, o := range catalog.Operators(column.Type) {
		fits = fits || o == c.Operator
	}
	if !fits {
		err := contracts.AsError(noOperator(column, c.place.of("op"), string(c.Operator)))
		if len(c.Values) > 0 && !c.place.body {
			err.Issues[0].Value = string(c.Operator) + " " + shown(strings.Join(c.Values[:min(len(c.Values), 10)], ","))
		}
		return err
	}
	value := func(hint, format string, args ...any) error {
		return contracts.Invalid(c.place.of("value"), shown(strings.Join(c.Values[:min(len(c.Values), 10)], ",")), hint, format, args...)
	}
	switch n := len(c.Values); {
	case c.Operator == catalog.Between && n != 2:
		return value("Give the first and the last: "+column.Name+".between=1,9.", "between takes two values, and %s.between has %d.", column.Name, n)
	case list(c.Operator) && n == 0:
		return value("Leave the condition out, or give it a value.", "The list of values for %s is empty.", column.Name)
	case list(c.Operator) && n > mostItems:
		return value("Ask several times, or by another column.", "A list can have %d values, and the one for %s has %d.", mostItems, column.Name, n)
	case !list(c.Operator) && n != 1:
		return value("For several values use in or nin.", "%s takes one value, and the one of %s has %d.", c.Operator, column.Name, n)
	}
	return nil
}

// literals are the values as the column's type reads them.
func (c Condition) literals(column *catalog.Column) ([]sql.Value, error) {
	values := make([]sql.Value, len(c.Values))
	for i, text := range c.Values {
		location := c.place.of("value")
		if c.place.body && list(c.Operator) {
			location = fmt.Sprintf("%s[%d]", location, i)
		}
		if _, whole := comparisons[c.Operator]; !whole && !list(c.Operator) {
			values[i] = sql.Value{Type: "String", Text: text} // part of one, or its pattern
			continue
		}
		var err error
		if values[i], err = column.Type.Literal(text); err != nil {
			message := fmt.Sprintf("A value for %s %v", column.Name, err)
			if !strings.HasSuffix(message, "?") {
				message += "."
			}
			return nil, contracts.Invalid(location, shown(text), c.instead(column, text), "%s", message)
		}
		if err := c.listed(column, values[i], location, text); err != nil {
			return nil, err
		}
	}
	if c.Operator == catalog.Between && column.Type.Compare(values[0], values[1]) > 0 {
		return nil, contracts.Invalid(c.place.of("value"), shown(strings.Join(c.Values, ",")), "Give the lower value first.", "between has its ends the wrong way round for %s.", column.Name)
	}
	return values, nil
}

// listed makes sure that a value that a row may be found by is one of those that the catalog
// lists for the column, if it lists any: a misspelt one would find nothing.
func (c Condition) listed(column *catalog.Column, value sql.Value, location, text string) error {
	if len(column.Values) == 0 || !slices.Contains([]Operator{catalog.Equal, catalog.NotEqual, catalog.In, catalog.NotIn}, c.Operator) {
		return nil
	}
	for _, known := range column.Values {
		if literal, err := column.Type.Literal(known); err == nil && literal.Text == value.Text {
			return nil
		}
	}
	hint := "Its values are " + strings.Join(column.Values, ", ") + "."
	if near := contracts.Nearest(text, column.Values); near != "" {
		hint = fmt.Sprintf("Did you mean %q? %s", near, hint)
	}
	return contracts.Invalid(location, shown(text), hint, "%s never is %s.", column.Name, shown(text))
}

// instead is what the condition may have meant by a value that the column cannot hold.
func (c Condition) instead(column *catalog.Column, text string) string {
	holds := func(text string) bool {
		_, err := column.Type.Literal(text)
		return err == nil
	}
	several := map[Operator]Operator{catalog.Equal: catalog.In, catalog.NotEqual: catalog.NotIn}[c.Operator]
	values := strings.Split(text, ",")
	switch {
	case c.place.body:
	case several != "" && len(values) > 1 && holds(values[0]):
		return fmt.Sprintf("For several values write %s.%s=%s,….", column.Name, several, values[0])
	case strings.Contains(text, " ") && holds(strings.ReplaceAll(text, " ", "+")):
		return "In a URL a + stands for a space. Write %2B for it."
	}
	return ""
}

// truth reads the value of isnull.
func (c Condition) truth() (bool, error) {
	switch c.Values[0] {
	case "true":
		return true, nil
	case "false":
		return false, nil
	}
	return false, contracts.Invalid(c.place.of("value"), shown(c.Values[0]), "", "A value for isnull must be true or false.")
}

// pattern makes sure that the value means the same to ClickHouse as to us: % is any text, _
// any one character, and a backslash makes either of them, or another backslash, literal.
func (c Condition) pattern() error {
	value := c.Values[0]
	fault := ""
	switch rest := strings.ReplaceAll(value, `\\`, ""); {
	case len(value) > longestPattern:
		fault = fmt.Sprintf("must be of at most %d bytes", longestPattern)
	case !utf8.ValidString(value):
		fault = "must be valid UTF-8"
	case strings.Count(rest, `\`) != strings.Count(rest, `\%`)+strings.Count(rest, `\_`):
		fault = `has a backslash that makes nothing literal`
	}
	if fault == "" {
		return nil
	}
	return contracts.Invalid(c.place.of("value"), shown(value), `% is any text, _ any one character; write \%, \_ and \\ for %, _ and \ themselves.`, "A pattern for %s %s.", c.Column, fault)
}

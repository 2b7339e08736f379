package catalog

import (
	"slices"

	"framehouse/internal/store"
)

// Operator is what a filter can ask of a column. Operators are part of the interface, as
// they are spelt here.
type Operator string

// The operators that exist. Those whose name begins with i do not tell capital letters from
// small ones.
const (
	Equal          Operator = "eq"
	NotEqual       Operator = "ne"
	Less           Operator = "lt"
	LessOrEqual    Operator = "lte"
	Greater        Operator = "gt"
	GreaterOrEqual Operator = "gte"
	In             Operator = "in"
	NotIn          Operator = "nin"
	Between        Operator = "between" // with both ends
	Contains       Operator = "contains"
	StartsWith     Operator = "startswith"
	EndsWith       Operator = "endswith"
	Like           Operator = "like"
	EqualFold      Operator = "ieq"
	ContainsFold   Operator = "icontains"
	StartsWithFold Operator = "istartswith"
	EndsWithFold   Operator = "iendswith"
	LikeFold       Operator = "ilike"
	IsNull         Operator = "isnull"
)

// What can be asked of values that are told apart, of those that also have an order, and of
// text.
var (
	apart   = []Operator{Equal, NotEqual, In, NotIn}
	ordered = []Operator{Equal, NotEqual, Less, LessOrEqual, Greater, GreaterOrEqual, In, NotIn, Between}
	textual = append(slices.Clip(ordered), Contains, StartsWith, EndsWith, Like,
		EqualFold, ContainsFold, StartsWithFold, EndsWithFold, LikeFold)
)

// Operators are what can be asked of columns of a type: nothing of a type that no value from
// a request can be compared with, such as an array.
func Operators(t store.Type) []Operator {
	var operators []Operator
	switch {
	case !t.Comparable():
		return nil
	case t.Name == "String" || t.Name == "FixedString":
		operators = textual
	case t.Name == "Bool" || t.Name == "UUID" || t.EnumNames() != nil:
		operators = apart
	default:
		operators = ordered
	}
	if t.MayBeNull() {
		operators = append(slices.Clip(operators), IsNull)
	}
	return operators
}

// AllOperators are the operators of any type.
func AllOperators() []Operator { return append(slices.Clip(textual), IsNull) }

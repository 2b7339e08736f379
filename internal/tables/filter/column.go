package filter

import (
	"math/big"
	"net/netip"
	"reflect"
	"strconv"
	"time"

	"github.com/google/uuid"

	"framehouse/internal/catalog"
)

// A column is declared once, with the type of its values, and then gives conditions:
//
//	var region, balance = filter.Text("region"), filter.Decimal("balance_usd")
//	where := filter.And{region.Eq("US"), filter.Not{Expr: balance.Lt("100")}}
//
// What the type has no meaning for, and values of another type, do not compile. That the
// table has such a column of such a type is seen when the filter is compiled.

// Distinct is a column of values that are told apart: equal or not.
type Distinct[T any] struct {
	name string
	text func(T) string
}

func (c Distinct[T]) condition(o Operator, values ...T) Condition {
	texts := make([]string, len(values))
	for i, v := range values {
		texts[i] = c.text(v)
	}
	return Condition{Column: c.name, Operator: o, Values: texts}
}

// Eq is true where the value is v.
func (c Distinct[T]) Eq(v T) Condition { return c.condition(catalog.Equal, v) }

// Ne is true where the value is not v, or null.
func (c Distinct[T]) Ne(v T) Condition { return c.condition(catalog.NotEqual, v) }

// In is true where the value is one of these, of which there must be one.
func (c Distinct[T]) In(v ...T) Condition { return c.condition(catalog.In, v...) }

// NotIn is true where the value is none of these, or null.
func (c Distinct[T]) NotIn(v ...T) Condition { return c.condition(catalog.NotIn, v...) }

// IsNull is true where there is no value; of a column that is never null it cannot be asked.
func (c Distinct[T]) IsNull() Condition {
	return Condition{Column: c.name, Operator: catalog.IsNull, Values: []string{"true"}}
}

// NotNull is true where there is a value.
func (c Distinct[T]) NotNull() Condition {
	return Condition{Column: c.name, Operator: catalog.IsNull, Values: []string{"false"}}
}

// Ordered is a column of values that also have an order.
type Ordered[T any] struct{ Distinct[T] }

// Lt is true where the value is less than v.
func (c Ordered[T]) Lt(v T) Condition { return c.condition(catalog.Less, v) }

// Lte is true where the value is v or less.
func (c Ordered[T]) Lte(v T) Condition { return c.condition(catalog.LessOrEqual, v) }

// Gt is true where the value is greater than v.
func (c Ordered[T]) Gt(v T) Condition { return c.condition(catalog.Greater, v) }

// Gte is true where the value is v or greater.
func (c Ordered[T]) Gte(v T) Condition { return c.condition(catalog.GreaterOrEqual, v) }

// Between is true where the value is low, high or between them.
func (c Ordered[T]) Between(low, high T) Condition { return c.condition(catalog.Between, low, high) }

// Textual is a column of text, whose order is that of its bytes.
type Textual struct{ Ordered[string] }

// Contains is true where v is a part of the text, which may be any bytes.
func (c Textual) Contains(v string) Condition { return c.condition(catalog.Contains, v) }

// StartsWith is true where the text begins with v.
func (c Textual) StartsWith(v string) Condition { return c.condition(catalog.StartsWith, v) }

// EndsWith is true where the text ends with v.
func (c Textual) EndsWith(v string) Condition { return c.condition(catalog.EndsWith, v) }

// Like is true where the text fits a pattern: % is any text, _ any one character, and a
// backslash makes %, _ or another backslash literal.
func (c Textual) Like(pattern string) Condition { return c.condition(catalog.Like, pattern) }

// IEq is Eq that does not tell capital letters from small ones.
func (c Textual) IEq(v string) Condition { return c.condition(catalog.EqualFold, v) }

// IContains is Contains that does not tell capital letters from small ones.
func (c Textual) IContains(v string) Condition { return c.condition(catalog.ContainsFold, v) }

// IStartsWith is StartsWith that does not tell capital letters from small ones.
func (c Textual) IStartsWith(v string) Condition { return c.condition(catalog.StartsWithFold, v) }

// IEndsWith is EndsWith that does not tell capital letters from small ones.
func (c Textual) IEndsWith(v string) Condition { return c.condition(catalog.EndsWithFold, v) }

// ILike is Like that does not tell capital letters from small ones.
func (c Textual) ILike(pattern string) Condition { return c.condition(catalog.LikeFold, pattern) }

// Text names a column of String or FixedString.
func Text(name string) Textual {
	return Textual{Ordered[string]{Distinct[string]{name, func(v string) string { return v }}}}
}

// Number names a column of whole or floating numbers.
func Number[T interface {
	~int | ~int8 | ~int16 | ~int32 | ~int64 | ~uint | ~uint8 | ~uint16 | ~uint32 | ~uint64 | ~float32 | ~float64
}](name string) Ordered[T] {
	typ := reflect.TypeFor[T]()
	return ordered(name, func(v T) string {
		switch r := reflect.ValueOf(v); {
		case r.CanInt():
			return strconv.FormatInt(r.Int(), 10)
		case r.CanUint():
			return strconv.FormatUint(r.Uint(), 10)
		default:
			return strconv.FormatFloat(r.Float(), 'g', -1, typ.Bits())
		}
	})
}

// BigNumber names a column of whole numbers of more than 64 bits.
func BigNumber(name string) Ordered[*big.Int] { return ordered(name, (*big.Int).String) }

// Digits is a decimal number as it is written, such as "-12.50": no float, which would lose
// digits. Of a big.Rat it is FloatString(scale).
type Digits string

// Decimal names a column of decimals.
func Decimal(name string) Ordered[Digits] {
	return ordered(name, func(v Digits) string { return string(v) })
}

// Date names a column of days, given as the midnight with which they begin. Any other time
// of day is refused when the filter is compiled.
func Date(name string) Ordered[time.Time] {
	return ordered(name, func(v time.Time) string {
		if h, m, s := v.Clock(); h+m+s+v.Nanosecond() == 0 {
			return v.Format(time.DateOnly)
		}
		return v.Format(time.RFC3339Nano)
	})
}

// Instant names a column of DateTime or DateTime64.
func Instant(name string) Ordered[time.Time] {
	return ordered(name, func(v time.Time) string { return v.UTC().Format(time.RFC3339Nano) })
}

// Address names a column of IP addresses.
func Address(name string) Ordered[netip.Addr] { return ordered(name, netip.Addr.String) }

// Bool names a column of true and false.
func Bool(name string) Distinct[bool] { return Distinct[bool]{name, strconv.FormatBool} }

// UUID names a column of UUIDs.
func UUID(name string) Distinct[uuid.UUID] { return Distinct[uuid.UUID]{name, uuid.UUID.String} }

// Enum names a column of an Enum, whose names may be constants of a type of their own.
func Enum[T ~string](name string) Distinct[T] {
	return Distinct[T]{name, func(v T) string { return string(v) }}
}

func ordered[T any](name string, text func(T) string) Ordered[T] {
	return Ordered[T]{Distinct[T]{name, text}}
}

// Relation is the way to rows of another table.
type Relation string

// Related names a relation of the catalog.
func Related(name string) Relation { return Relation(name) }

// Has is true of rows with a related row of which all conditions are true, or, without any,
// with any related row.
func (r Relation) Has(conditions ...Expr) Expr {
	if len(conditions) == 0 {
		return Has{Relation: string(r)}
	}
	return Has{Relation: string(r), Where: And(conditions)}
}

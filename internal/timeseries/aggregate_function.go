package timeseries

import (
	"fmt"
	"strings"

	"framehouse/internal/catalog"
	"framehouse/internal/store/sql"
)

// shapeOf says what a function of a column is, and of which type.
func shapeOf(c *catalog.Column, function string) (shape, error) {
	v := sql.Expr(c.Ref())
	typ := c.Type.Bare()
	if typ == "BFloat16" {
		v, typ = sql.Call("toFloat32", v), "Float32"
	}
	// A NaN is no observation.
	call := func(name string, args ...sql.Expr) sql.Func {
		if c.Type.Float() {
			plain, parameter, found := strings.Cut(name, "(")
			if found {
				parameter = "(" + parameter
			}
			return sql.Func{Name: plain + "IfOrNull" + parameter, Args: append(args, sql.Not{Expr: sql.Call("isNaN", v)})}
		}
		return sql.Func{Name: name, Args: args}
	}
	switch function {
	case "count":
		if c.Type.Float() {
			return shape{"UInt64", true, sql.Call("countIf", sql.Not{Expr: sql.Call("isNaN", v)})}, nil
		}
		return shape{"UInt64", true, sql.Call("count", v)}, nil
	case "first", "last":
		if key := newRank(c.Type); c.Type.Name == "Float64" || c.Type.Name == "Float32" || key.packed() && c.Type.Bits() > 0 {
			// The key tells the value, so that nothing else has to be kept for it.
			most := map[string]string{"first": "min", "last": "max"}[function]
			return shape{typ, c.SafeInteger, key.value(lower(call(most, order(c, v))))}, nil
		}
		argument := map[string]string{"first": "argMin", "last": "argMax"}[function]
		return shape{typ, c.SafeInteger, call(argument, v, order(c, v))}, nil
	case "min", "max":
		if !c.Type.Comparable() {
			return shape{}, fmt.Errorf("values of type %s have no order", c.Type)
		}
		return shape{typ, c.SafeInteger, call(function, v)}, nil
	}
	if !c.Type.Numeric() {
		return shape{}, fmt.Errorf("values of type %s are no numbers", c.Type)
	}
	switch {
	case c.Type.Float():
		return map[string]shape{
			"sum":    {"Float64", false, observed("sum", v)},
			"mean":   {"Float64", false, observed("avg", v)},
			"median": {"Float64", false, call(quantile("median"), sql.Call("toFloat64", v))},
			"p95":    {"Float64", false, call(quantile("p95"), sql.Call("toFloat64", v))},
		}[function], nil
	case c.Type.Bits() > 0:
		return wholeShape(c, v, function)
	}
	return decimalShape(c, v, function)
}

// wholeShape is of whole numbers. Their sum is reckoned in more bits than they have, so that
// it never wraps, and is a whole number; their mean is a floating one.
func wholeShape(c *catalog.Column, v sql.Expr, function string) (shape, error) {
	bits := c.Type.Bits()
	wide := map[int]string{64: "Int128", 128: "Int256"}[bits]
	switch {
	case bits > 128:
		return shape{}, fmt.Errorf("for values of type %s there is no wider type to reckon in", c.Type)
	case function == "sum" && bits <= 32:
		return shape{map[bool]string{true: "UInt64", false: "Int64"}[c.Type.Name[0] == 'U'], true, sql.Call("sum", v)}, nil
	case function == "sum":
		sum := sql.Call("sum", sql.Call("to"+wide, v))
		if c.SafeInteger {
			// As the column's own type, in which it fails when it is not as safe.
			return shape{c.Type.Name, true, sql.Call("accurateCast", sum, sql.Text("'"+c.Type.Name+"'"))}, nil
		}
		return shape{wide, false, sum}, nil
	case function == "mean" && bits <= 32:
		return shape{"Float64", false, sql.Call("avg", v)}, nil
	case function == "mean":
		sum := sql.Call("sum", sql.Call("to"+wide, v))
		return shape{"Float64", false, sql.Call("divide", sql.Call("toFloat64", sum), sql.Call("greatest", sql.Call("count", v), sql.Text("1")))}, nil
	case bits <= 32:
		return shape{"Float64", false, sql.Call(quantile(function), v)}, nil
	}
	return exactQuantile(v, function, map[int]int{64: 20, 128: 39}[bits], 0)
}

// quantile finds what lies between two values where no single one is in place.
func quantile(function string) string {
	if function == "median" {
		return "quantileExactInclusive(0.5)"
	}
	return "quantileExactInclusive(0.95)"
}

// meanDigits are how many more digits a mean of decimals has than they have themselves, as
// far as there is room for them.
const meanDigits = 6

// decimalShape is of decimals, which stay decimals.
func decimalShape(c *catalog.Column, v sql.Expr, function string) (shape, error) {
	precision, scale := c.Type.Digits()
	if function == "median" || function == "p95" {
		return exactQuantile(v, function, precision, scale)
	}
	// A sum of 10^19 values, more than there can be, has 19 digits more than they.
	const counted = 19
	if precision+counted > 76 {
		return shape{}, fmt.Errorf("for values of type %s there is no wider type to reckon in", c.Type)
	}
	sum := sql.Call("sum", sql.Call("toDecimal256", v, digits(scale)))
	if function == "sum" {
		if precision+counted <= 38 {
			return shape{fmt.Sprintf("Decimal(38, %d)", scale), false, sql.Call("sum", v)}, nil
		}
		return shape{fmt.Sprintf("Decimal(76, %d)", scale), false, sum}, nil
	}
	whole, size, to := precision-scale, 38, "toDecimal128"
	if precision > 38 {
		size, to = 76, "toDecimal256"
	}
	scaled := min(scale+meanDigits, size-whole)
	count := sql.Call("toDecimal256", sql.Call("greatest", sql.Call("count", v), sql.Text("1")), sql.Text("0"))
	quotient := sql.Call("divideDecimal", sum, count, digits(min(scaled+1, 76)))
	return shape{fmt.Sprintf("Decimal(%d, %d)", size, scaled), false, sql.Call(to, sql.Call("round", quotient, digits(scaled)), digits(scaled))}, nil
}

// exactQuantile finds a quantile between two values of the sorted ones, as those of floating
// numbers are found, but in decimals: their digits are exact, and two more.
func exactQuantile(v sql.Expr, function string, precision, scale int) (shape, error) {
	if precision+2 > 76 {
		return shape{}, fmt.Errorf("there is no wider type to reckon in")
	}
	size, to := 38, "toDecimal128"
	if precision+2 > 38 {
		size, to = 76, "toDecimal256"
	}
	// In twentieths: the quantile lies that far from the first value to the last.
	far := map[string]string{"median": "10", "p95": "19"}[function]
	at := "intDiv((length(a) - 1) * " + far + ", 20)"
	between := sql.Text("a -> if(empty(a), NULL, a[" + at + " + 1] + (a[least(" + at + " + 2, length(a))] - a[" + at + " + 1]) * toDecimal256(((length(a) - 1) * " + far + " % 20) * 5, 0) * toDecimal256('0.01', 2))")
	sorted := sql.Call("arraySort", sql.Call("groupArray", sql.Call("toDecimal256", v, digits(scale))))
	found := sql.Call("arrayElement", sql.Call("arrayMap", between, sql.Call("array", sorted)), sql.Text("1"))
	return shape{fmt.Sprintf("Decimal(%d, %d)", size, scale+2), false, sql.Call(to, found, digits(scale+2))}, nil
}

// observed is a function of the numbers among floats, and null of none. A count beside it
// costs ClickHouse half of what its own combinator for that does.
func observed(function string, v sql.Expr) sql.Expr {
	is := sql.Not{Expr: sql.Call("isNaN", v)}
	return sql.Call("if", sql.Call("equals", sql.Call("countIf", is), sql.Text("0")), sql.Text("NULL"), sql.Call(function+"If", v, is))
}

func digits(n int) sql.Text { return sql.Text(fmt.Sprint(n)) }

// order puts observations in the order of time, and those of the same time in that of their
// values: the first is the smallest of the earliest, the last the greatest of the latest,
// whatever order they came in.
func order(c *catalog.Column, v sql.Expr) sql.Expr {
	at := ref(orderColumn)
	switch key := newRank(c.Type); {
	case key.packed():
		return plus(at, key.of(v))
	case c.Type.Comparable():
		return sql.Call("tuple", at, v)
	}
	return sql.Call("tuple", at, sql.Call("toJSONString", v))
}

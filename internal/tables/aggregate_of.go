package tables

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"framehouse/internal/catalog"
	"framehouse/internal/contracts"
	"framehouse/internal/store"
	"framehouse/internal/store/sql"
)

// unfit is why an aggregate cannot be.
type unfit struct{ message, hint string }

var functions = []string{"count", "distinct", "sum", "mean", "median", "min", "max"}

// aggregate is the column that an aggregate makes, and how it is computed.
func aggregate(table *catalog.Table, text string) (*catalog.Column, sql.Expr, *unfit) {
	function, name, of := strings.Cut(text, ":")
	if !slices.Contains(functions, function) {
		hint := "Aggregates are count, and " + strings.Join(functions, ", ") + " of a column, as in sum:" + table.Columns[0].Name + "."
		if near := contracts.Nearest(function, functions); near != "" {
			hint = "Did you mean \"" + near + "\"? " + hint
		}
		return nil, nil, &unfit{fmt.Sprintf("There is no aggregate %q.", shown(function)), hint}
	}
	if !of && function == "count" {
		return made("count", "Count", "Number of rows.", "UInt64"), sql.Call("count"), nil
	}
	of = of && name != ""
	c := table.Column(name)
	switch {
	case !of:
		return nil, nil, &unfit{fmt.Sprintf("%s needs a column.", function), "Write it as " + function + ":column."}
	case c == nil:
		hint := contracts.AsError(table.NoColumn("", shown(name))).Issues[0].Hint
		return nil, nil, &unfit{fmt.Sprintf("%s has no column %q.", table.Name, shown(name)), hint}
	}
	return aggregateOf(function, c)
}

func aggregateOf(function string, c *catalog.Column) (*catalog.Column, sql.Expr, *unfit) {
	title := map[string]string{
		"count": "Count of ", "distinct": "Distinct values of ", "sum": "Sum of ", "mean": "Mean of ", "median": "Median of ", "min": "Lowest ", "max": "Highest ",
	}[function]
	column := made(function+"_"+c.Name, title+cmp.Or(c.Label, c.Name), title+c.Name+", of values that are not null.", "UInt64")
	x := sql.Expr(c.Ref())
	number := c.Type.Numeric()
	switch {
	case function == "count":
		there := sql.And{sql.Call("isNotNull", x)}
		if c.Type.Float() {
			there = append(there, sql.Not{Expr: sql.Call("isNaN", x)})
		}
		return column, sql.Call("countIf", there), nil
	case !c.Type.Comparable(), !number && (function == "sum" || function == "mean" || function == "median"):
		return nil, nil, &unfit{fmt.Sprintf("%q is a %s, of which there is no %s.", c.Name, c.Type, function), "count:" + c.Name + " counts its values."}
	case function == "distinct":
		if c.Type.Float() {
			x = plainFloat(x, c.Type.Name)
		}
		return column, sql.Call("uniqExact", x), nil
	}
	column.Unit = c.Unit
	var result string
	switch function {
	case "min", "max":
		result, column.SafeInteger = c.Type.Bare(), c.SafeInteger
	case "sum":
		var err *unfit
		if x, result, err = summed(c); err != nil {
			return nil, nil, err
		}
		column.SafeInteger = result == "Int64" // see summed
	default:
		x, result = sql.Call("toFloat64", x), "Float64"
		if !c.Type.Float() {
			column.Description += " Rounded to a float of 64 bits, which keeps some 15 digits."
		}
	}
	column.Type = parsed("Nullable(" + result + ")")
	name, arguments := map[string]string{"sum": "sumOrNull", "mean": "avgOrNull", "median": "quantileExactInclusiveOrNull", "min": "minOrNull", "max": "maxOrNull"}[function], []sql.Expr{x}
	if c.Type.Float() {
		name, arguments = name+"If", append(arguments, sql.Not{Expr: sql.Call("isNaN", c.Ref())})
	}
	if function == "median" {
		name += "(0.5)"
	}
	return column, sql.Func{Name: name, Args: arguments}, nil
}

func made(name, label, description, typ string) *catalog.Column {
	return &catalog.Column{Name: name, Label: label, Description: description, Type: parsed(typ), SafeInteger: typ == "UInt64"} // no table has 2^53 rows
}

// parsed is a type that the program itself, or ClickHouse, wrote.
func parsed(text string) store.Type {
	t, err := store.ParseType(text)
	if err != nil {
		panic(err)
	}
	return t
}

// summed is what is summed up for a column, and the type of the sum. A sum is taken to be of
// fewer than 10^12 rows, which ClickHouse would not add up in the time that a request has.
func summed(c *catalog.Column) (sql.Expr, string, *unfit) {
	x := c.Ref()
	switch t := c.Type; t.Name {
	case "Int8", "UInt8", "Int16", "UInt16":
		return sql.Call("toInt64", x), "Int64", nil // within ±2^53 up to 10^11 rows
	case "Int32", "UInt32":
		return sql.Call("toDecimal128", x, sql.Text("0")), "Decimal(38, 0)", nil
	case "Int64", "UInt64":
		if c.SafeInteger {
			return sql.Call("toDecimal128", x, sql.Text("0")), "Decimal(38, 0)", nil
		}
		return sql.Call("toInt128", x), "Int128", nil
	case "Int128", "UInt128":
		return sql.Call("toInt256", x), "Int256", nil
	case "Int256", "UInt256":
		return nil, "", &unfit{fmt.Sprintf("A sum of %q, which is a %s, could have more digits than ClickHouse can hold.", c.Name, t), "mean:" + c.Name + " is rounded and can be had."}
	case "Float32", "Float64", "BFloat16":
		return sql.Call("toFloat64", x), "Float64", nil
	}
	precision, scale := c.Type.Digits()
	switch {
	case precision <= 26:
		return sql.Call("toDecimal128", x, sql.Text(strconv.Itoa(scale))), fmt.Sprintf("Decimal(38, %d)", scale), nil
	case precision <= 64:
		return sql.Call("toDecimal256", x, sql.Text(strconv.Itoa(scale))), fmt.Sprintf("Decimal(76, %d)", scale), nil
	}
	return nil, "", &unfit{fmt.Sprintf("A sum of %q, which is a %s, could have more digits than ClickHouse can hold.", c.Name, c.Type), "mean:" + c.Name + " is rounded and can be had."}
}

package timeseries

import (
	"fmt"
	"slices"
	"strings"

	"framehouse/internal/catalog"
	"framehouse/internal/contracts"
	"framehouse/internal/store"
	"framehouse/internal/store/sql"
)

// aggregate is one value column of a bucket. A null, and a NaN, which counts as one, is not
// observed: no aggregate sees it, and of nothing but nulls all but count are null.
type aggregate struct {
	source   *catalog.Column
	function string
	result   *catalog.Column
	expr     sql.Expr
}

// Columns that the statements of buckets have besides those of the node.
const (
	keyColumn    = "__framehouse_key"    // tells buckets apart
	bucketColumn = "__framehouse_bucket" // where the bucket begins, in ticks
	orderColumn  = "__framehouse_order"  // the time, as the upper half of a key
	filledColumn = "filled"
)

// ohlc is the aggregation that makes four columns.
const ohlc = "ohlc"

// bars are the columns of a node of bars, and how finer bars become coarser ones.
var bars = []struct{ column, function string }{
	{"open", "first"}, {"high", "max"}, {"low", "min"}, {"close", "last"},
}

const volume = "volume"

// choice is what a request wants of one value column.
type choice struct {
	column   *catalog.Column
	function string
	as       string // what the result is called; empty for as the column, or as need be
}

// choices read the aggregation parameter: a function for all value columns, and functions of
// columns as column:function. explicit tells that the request named the values.
func choices(node *catalog.Node, values []*catalog.Column, explicit bool, agg []string) ([]choice, error) {
	byColumn := map[string][]string{}
	all := ""
	for _, item := range agg {
		at := strings.LastIndex(item, ":")
		function := item[at+1:]
		if !slices.Contains(catalog.Aggregations(), function) && function != ohlc {
			names := append(catalog.Aggregations(), ohlc)
			hint := "Aggregations are " + strings.Join(names, ", ") + ", for all columns or as column:aggregation."
			if near := contracts.Nearest(function, names); near != "" {
				hint = fmt.Sprintf("Did you mean %q? %s", near, hint)
			}
			return nil, contracts.Invalid("query.agg", item, hint, "There is no aggregation %q.", function)
		}
		if at < 0 {
			if all != "" {
				return nil, contracts.Invalid("query.agg", item, "Name columns: agg=close:last,volume:sum.", "%s and %s cannot both be for all columns.", all, function)
			}
			all = function
			continue
		}
		name := item[:at]
		if !slices.ContainsFunc(values, func(c *catalog.Column) bool { return c.Name == name }) {
			return nil, noValue(node, values, name, item)
		}
		if slices.Contains(byColumn[name], function) {
			return nil, contracts.Invalid("query.agg", item, "Leave out one of them.", "%s is given twice.", item)
		}
		byColumn[name] = append(byColumn[name], function)
	}
	var chosen []choice
	if all == ohlc {
		return candles(node, values, explicit, byColumn)
	}
	for _, c := range values {
		functions := byColumn[c.Name]
		switch {
		case len(functions) == 0 && len(byColumn) > 0 && all == "" && !explicit:
			continue // columns are named, and this one is not
		case len(functions) == 0 && all != "" && suits(c, all) == nil:
			functions = []string{all}
		case len(functions) == 0:
			functions = []string{defaultFunction(c)}
		}
		for _, function := range functions {
			one := choice{column: c, function: function}
			if len(functions) > 1 {
				one.as = c.Name + "_" + function
			}
			chosen = append(chosen, one)
		}
	}
	return chosen, nil
}

// defaultFunction is what becomes of a column when the request says nothing: what the
// catalog says, or the last value, which is a value that was observed, of any type.
func defaultFunction(c *catalog.Column) string {
	if c.Agg != "" {
		return c.Agg
	}
	return "last"
}

func noValue(node *catalog.Node, values []*catalog.Column, name, item string) error {
	names := make([]string, len(values))
	for i, c := range values {
		names[i] = c.Name
	}
	hint := "Value columns of the answer are " + strings.Join(names, ", ") + "."
	if near := contracts.Nearest(name, names); near != "" {
		hint = fmt.Sprintf("Did you mean %q? %s", near, hint)
	} else if node.Column(name) != nil {
		hint += " Add it to select."
	}
	return contracts.Invalid("query.agg", item, hint, "%q is no value column of the answer.", name)
}

// candles are open, high, low and close. Where there are columns of these names they are
// bars, and finer ones make coarser. Elsewhere the node's main value is taken for ticks. A
// volume adds up.
func candles(node *catalog.Node, values []*catalog.Column, explicit bool, byColumn map[string][]string) ([]choice, error) {
	find := func(name string) *catalog.Column {
		i := slices.IndexFunc(values, func(c *catalog.Column) bool { return c.Name == name })
		if i < 0 {
			return nil
		}
		return values[i]
	}
	rules := map[string]string{}
	missing := false
	for _, bar := range bars {
		rules[bar.column] = bar.function
		missing = missing || find(bar.column) == nil
	}
	var chosen []choice
	var ticks *catalog.Column
	if missing {
		rules = map[string]string{}
		if ticks = mainValue(node, values); ticks == nil {
			return nil, contracts.Invalid("query.agg", ohlc, "Select a column of numbers.", "ohlc needs the columns open, high, low and close, or one of numbers.")
		}
		chosen = candle(ticks)
	}
	rules[volume] = "sum"
	for _, c := range values {
		functions, named := byColumn[c.Name]
		switch function, known := rules[c.Name]; {
		case c == ticks && !named:
			continue
		case named:
		case known && suits(c, function) == nil:
			functions = []string{function}
		case ticks != nil && !explicit:
			continue // only what belongs to a candle
		default:
			functions = []string{defaultFunction(c)}
		}
		for _, function := range functions {
			one := choice{column: c, function: function}
			if len(functions) > 1 || c == ticks {
				one.as = c.Name + "_" + function
			}
			chosen = append(chosen, one)
		}
	}
	return chosen, nil
}

// mainValue is the node's main value if it is among the columns, or the first of numbers.
func mainValue(node *catalog.Node, values []*catalog.Column) *catalog.Column {
	if node.Value != nil && slices.Contains(values, node.Value) {
		return node.Value
	}
	for _, c := range values {
		if c.Type.Numeric() {
			return c
		}
	}
	return nil
}

// candle is open, high, low and close of a column of ticks.
func candle(ticks *catalog.Column) []choice {
	var chosen []choice
	for _, bar := range bars {
		chosen = append(chosen, choice{ticks, bar.function, bar.column})
	}
	return chosen
}

// aggregates are the value columns of buckets.
func aggregates(node *catalog.Node, values []*catalog.Column, explicit bool, agg []string) ([]aggregate, error) {
	chosen, err := choices(node, values, explicit, agg)
	if err != nil {
		return nil, err
	}
	var made []aggregate
	taken := map[string]bool{node.Time.Name: true}
	for _, d := range node.Dimensions {
		taken[d.Name] = true
	}
	for i := 0; i < len(chosen); i++ {
		one := chosen[i]
		if one.function == ohlc {
			chosen = slices.Replace(chosen, i, i+1, candle(one.column)...)
			one = chosen[i]
		}
		name := one.as
		if name == "" {
			name = one.column.Name
		}
		item := one.column.Name + ":" + one.function
		if taken[name] {
			return nil, contracts.Invalid("query.agg", item, "Ask for fewer aggregations, or select fewer columns.", "There would be two columns %q.", name)
		}
		taken[name] = true
		a, err := newAggregate(one.column, one.function, name)
		if err != nil {
			return nil, contracts.Invalid("query.agg", item, "Choose another aggregation, such as last or count, or leave the column out with select.", "%s: %v.", item, err)
		}
		made = append(made, a)
	}
	return made, nil
}

// suits tells why a function cannot be had of a column; nil when it can.
func suits(c *catalog.Column, function string) error {
	_, err := newAggregate(c, function, c.Name)
	return err
}

// AggregateType is how the cells of an aggregate of a column are written; ok is false when
// there is no such aggregate of it.
func AggregateType(c *catalog.Column, function string) (field contracts.FieldType, ok bool) {
	a, err := newAggregate(c, function, c.Name)
	if err != nil {
		return "", false
	}
	return a.result.FieldType(), true
}

// shape is the type of an aggregate's result and how it is computed.
type shape struct {
	typ  string
	safe bool // a whole number that JSON writes as one
	expr sql.Expr
}

func newAggregate(c *catalog.Column, function, name string) (aggregate, error) {
	s, err := shapeOf(c, function)
	if err != nil {
		return aggregate{}, err
	}
	if c.Type.MayBeNull() && function != "count" && !strings.HasPrefix(s.typ, "Nullable(") && c.Type.Comparable() {
		s.typ = "Nullable(" + s.typ + ")"
	}
	typ, err := store.ParseType(s.typ)
	if err != nil {
		return aggregate{}, err
	}
	result := &catalog.Column{
		Name: name, Label: c.Label, Description: c.Description, Unit: c.Unit, Type: typ, SafeInteger: s.safe,
	}
	switch {
	case function == "count":
		result.Label, result.Description, result.Unit = c.Label+" (count)", "How many observations of "+c.Name+" there are.", ""
	case name != c.Name:
		result.Label = strings.ToUpper(name[:1]) + strings.ReplaceAll(name[1:], "_", " ")
	}
	return aggregate{source: c, function: function, result: result, expr: s.expr}, nil
}

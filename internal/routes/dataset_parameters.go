package routes

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"framehouse/internal/catalog"
	"framehouse/internal/contracts"
	"framehouse/internal/tables"
	"framehouse/internal/timeseries"
)

// elsewhere are parameters that only the operations for every table and node describe: they
// work here too, but mean what others mean, or change what cells are.
var elsewhere = []string{"int64", "decimals", "explain", "start", "end", "start_date", "end_date"}

// parameter is what a parameter of every table or node is for this one; nil when it is not
// for it.
func (s *dataset) parameter(of *huma.Operation, p *huma.Param) *huma.Param {
	if slices.Contains(elsewhere, p.Name) || p.Name == "identifiers" && len(s.node.Dimensions) == 0 {
		return nil
	}
	own := described(p)
	array := func(values []string) {
		// A comma in a name would end it.
		values = slices.DeleteFunc(values, func(value string) bool { return strings.Contains(value, ",") || !sayable(value) })
		own.Schema = &huma.Schema{Type: huma.TypeArray, Items: &huma.Schema{Type: huma.TypeString, Enum: anys(values)}}
		own.Example = nil
	}
	switch p.Name {
	case "limit":
		if strings.HasSuffix(of.OperationID, "Values") {
			return s.parts.parameter(of.OperationID, p)
		}
		least, most := 1.0, float64(s.table.MaxRows)
		usual := min(int64(tables.DefaultLimit), s.table.MaxRows)
		if s.node != nil {
			usual = min(int64(timeseries.DefaultLimit), s.table.MaxRows)
		}
		own.Schema = &huma.Schema{Type: huma.TypeInteger, Format: "int64", Minimum: &least, Maximum: &most, Default: usual}
		own.Description, own.Example = "The most rows to return", min(100, s.table.MaxRows)
		if of.OperationID == "readNodeRows" {
			// With points it is not the usual one that counts when there is none.
			own.Schema.Default = nil
			own.Description += fmt.Sprintf(", %d when left out, or with points %d", usual, s.table.MaxRows)
		}
	case "select":
		array(s.selectable())
		if s.node == nil {
			own.Description = "Columns to return, in this order; all when left out"
			if r := s.parent(); r != nil {
				own.Description += fmt.Sprintf(". %[1]s.%[2]s is the column %[2]s of the row that %[1]s refers to", r.Name, r.Table.Columns[0].Name)
			}
		}
	case "order":
		if s.node != nil {
			return s.parts.parameter(of.OperationID, p)
		}
		array(s.orders())
	case "group":
		array(slices.DeleteFunc(s.selectable(), func(name string) bool { c := s.table.Column(name); return c != nil && !c.Type.Comparable() }))
	case "agg":
		if s.node != nil {
			array(s.aggregations())
		} else {
			own.Example = []string{"count"}
		}
	case "having":
		own.Example = havingExample
	case "where":
		own.Example, own.Description = nil, "A filter as an expression, for what single parameters cannot say: and(), or() and not() of conditions"
		if len(s.table.Relations) > 0 {
			own.Description += fmt.Sprintf(", and conditions on related rows, as in %s(…)", s.table.Relations[0].Name)
		}
		if c := s.exemplary(); c != nil {
			own.Example = fmt.Sprintf("or(%[1]s=%[2]v,%[1]s=%[2]v)", c.Name, exampleOf(c))
		}
	case "identifiers":
		c := s.node.Dimensions[0]
		item := valueSchema(c)
		own.Schema = &huma.Schema{Type: huma.TypeArray, Items: item}
		if own.Example = nil; c.Example != "" {
			own.Example = []any{exampleOf(c)}
		}
	case "downsample":
		if !s.averages() {
			schema := *own.Schema
			schema.Enum = slices.DeleteFunc(slices.Clone(schema.Enum), func(v any) bool { return v == "mean" })
			own.Schema = &schema
		}
	case "column":
		own.Schema, own.Example = s.pathEnum(s.table.Columns)
		return own
	case "dimension":
		own.Schema, own.Example = s.pathEnum(s.node.Dimensions)
		return own
	case "search":
		own.Example = nil
	case "interval":
		own.Example = exampleInterval(s.node)
	default:
		return s.parts.parameter(of.OperationID, p)
	}
	return s.shared(p.Name, own)
}

// exampleInterval is one that the node's times can be put into buckets of.
func exampleInterval(n *catalog.Node) string {
	if n.Time.FieldType() == contracts.TypeDate {
		return "1mo"
	}
	return "1h"
}

// pathEnum lists columns whose values can be told apart.
func (s *dataset) pathEnum(columns []*catalog.Column) (*huma.Schema, any) {
	var names []string
	for _, c := range columns {
		if c.Type.Comparable() && sayable(c.Name) {
			names = append(names, c.Name)
		}
	}
	if len(names) == 0 {
		return &huma.Schema{Type: huma.TypeString}, nil
	}
	return &huma.Schema{Type: huma.TypeString, Enum: anys(names)}, names[0]
}

// shared makes a parameter one that all operations of the dataset refer to.
func (s *dataset) shared(name string, p *huma.Param) *huma.Param {
	key := strings.ToLower(s.name[:1]) + s.name[1:] + "." + name
	if !componentKey.MatchString(key) {
		return p
	}
	if key, ok := s.parts.key(parameterPlace, p, key); ok {
		s.parts.parameters[key] = p
		return &huma.Param{Ref: parameterPlace + key}
	}
	return p
}

// componentKey is what a part of a document may be called.
var componentKey = regexp.MustCompile(`^[A-Za-z0-9._-]+$`)

// parent is the first table that this one refers to, nil if there is none.
func (s *dataset) parent() *catalog.Relation {
	i := slices.IndexFunc(s.table.Relations, func(r *catalog.Relation) bool { return !r.Many })
	if i < 0 {
		return nil
	}
	return s.table.Relations[i]
}

// selectable are the columns that a request can select: the values of a node, or the columns
// of a table and of those that it refers to.
func (s *dataset) selectable() []string {
	var names []string
	for _, c := range s.table.Columns {
		if s.node == nil || c != s.node.Time && !slices.Contains(s.node.Dimensions, c) {
			names = append(names, c.Name)
		}
	}
	for _, r := range s.table.Relations {
		if r.Many {
			continue
		}
		for _, c := range r.Table.Columns {
			names = append(names, r.Name+"."+c.Name)
		}
		for _, r2 := range r.Table.Relations {
			if !r2.Many {
				for _, c := range r2.Table.Columns {
					names = append(names, r.Name+"."+r2.Name+"."+c.Name)
				}
			}
		}
	}
	if s.node != nil && len(names) == 0 {
		names = []string{s.node.Time.Name}
	}
	return names
}

// orders are the steps of an ordering.
func (s *dataset) orders() []string {
	var steps []string
	for _, c := range s.table.Columns {
		if !c.Type.Comparable() {
			continue
		}
		steps = append(steps, c.Name, "-"+c.Name)
		if c.Type.MayBeNull() {
			steps = append(steps, c.Name+".nullsfirst", "-"+c.Name+".nullsfirst")
		}
	}
	return steps
}

// aggregations are those of all value columns, and those of each, that leave cells what the
// row of the dataset says they are.
func (s *dataset) aggregations() []string {
	var all, single []string
	for _, function := range catalog.Aggregations() {
		fits := true
		for _, c := range s.values() {
			ok, exists := s.keeps(c, function)
			fits = fits && (ok || !exists)
			if ok {
				single = append(single, c.Name+":"+function)
			}
		}
		if fits {
			all = append(all, function)
		}
	}
	if s.node.Value != nil && s.averages() {
		all = append(all, "ohlc")
	}
	return append(all, single...)
}

// averages tells whether means of all values leave cells what the row says.
func (s *dataset) averages() bool {
	for _, c := range s.values() {
		if ok, exists := s.keeps(c, "mean"); exists && !ok {
			return false
		}
	}
	return true
}

// keeps tells whether an aggregate's cells are like those of its column, and whether there is
// such an aggregate.
func (s *dataset) keeps(c *catalog.Column, function string) (ok, exists bool) {
	made, exists := timeseries.AggregateType(c, function)
	own := c.FieldType()
	number := func(t contracts.FieldType) bool { return t == contracts.TypeNumber || t == contracts.TypeInteger }
	return exists && (made == own || number(made) && number(own)), exists
}

func (s *dataset) values() []*catalog.Column {
	return slices.DeleteFunc(slices.Clone(s.table.Columns), func(c *catalog.Column) bool {
		return c == s.node.Time || slices.Contains(s.node.Dimensions, c)
	})
}

// exemplary is a column that the catalog gives an example for, which can stand in an
// expression as it is.
func (s *dataset) exemplary() *catalog.Column {
	for _, c := range s.table.Columns {
		if example := exampleOf(c); example != nil && plainWord.MatchString(fmt.Sprint(example)) && plainWord.MatchString(c.Name) {
			return c
		}
	}
	return nil
}

var plainWord = regexp.MustCompile(`^[A-Za-z0-9_-]+$`)

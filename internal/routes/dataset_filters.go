package routes

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"framehouse/internal/catalog"
)

// asks says what an operator asks, as the end of a sentence about a column. What is given is
// "this" in it.
var asks = map[catalog.Operator]string{
	catalog.Equal: "is this", catalog.NotEqual: "is not this, or is null", catalog.Less: "is less than this", catalog.LessOrEqual: "is at most this",
	catalog.Greater: "is greater than this", catalog.GreaterOrEqual: "is at least this", catalog.In: "is one of these", catalog.NotIn: "is none of these, or is null",
	catalog.Between: "lies between these two, both included", catalog.Contains: "contains this", catalog.StartsWith: "starts with this", catalog.EndsWith: "ends with this",
	catalog.Like: "is like this pattern, in which % is any text and _ any one character", catalog.EqualFold: "is this, small and capital letters being the same",
	catalog.ContainsFold: "contains this, small and capital letters being the same", catalog.StartsWithFold: "starts with this, small and capital letters being the same",
	catalog.EndsWithFold: "ends with this, small and capital letters being the same", catalog.LikeFold: "is like this pattern, small and capital letters being the same",
	catalog.IsNull: "is null (true) or is not (false)",
}

// filters are the conditions on columns, each a parameter.
func (s *dataset) filters(of *huma.Operation) []*huma.Param {
	var filters []*huma.Param
	var given []string
	declared := map[string]bool{}
	for _, p := range of.Parameters {
		goName(p.Name, &given)
		declared[p.Name] = p.In == "query"
	}
	seen := map[string]bool{}
	for _, c := range s.table.Columns {
		if !sayable(c.Name) {
			continue
		}
		for _, operator := range catalog.Operators(c.Type) {
			name := c.Name
			if operator != catalog.Equal {
				name += "." + string(operator)
			}
			// What it would mean without the prefix is something else.
			if declared[name] || strings.HasPrefix(name, "where.") || strings.HasPrefix(name, "having.") {
				name = whereParameter + "." + name
			}
			if seen[name] || operator != catalog.Equal && s.table.Column(c.Name+"."+string(operator)) != nil {
				continue
			}
			seen[name] = true
			p := condition(c, operator, name)
			if own := goName(name, &given); own != "" {
				p.Extensions = map[string]any{"x-go-name": own}
				filters = append(filters, p)
				continue
			}
			filters = append(filters, s.shared(name, p))
		}
	}
	return filters
}

// condition is a parameter that is a condition on a column.
func condition(c *catalog.Column, operator catalog.Operator, name string) *huma.Param {
	about := strings.TrimSuffix(c.Label, ".")
	if c.Unit != "" {
		about += " (" + c.Unit + ")"
	}
	p := &huma.Param{Name: name, In: "query", Description: fmt.Sprintf("Rows whose %s %s", about, asks[operator])}
	one := valueSchema(c)
	example := exampleOf(c)
	switch operator {
	case catalog.In, catalog.NotIn, catalog.Between:
		if operator == catalog.Between && len(c.Values) > 0 {
			one.Enum = nil // as below
		}
		closed := false
		p.Style, p.Explode = "form", &closed
		p.Schema = &huma.Schema{Type: huma.TypeArray, Items: one}
		least := 1
		if operator == catalog.Between {
			least = 2
			p.Schema.MaxItems = &least
		}
		p.Schema.MinItems = &least
		if example != nil {
			p.Example = slices.Repeat([]any{example}, least)
		}
	case catalog.IsNull:
		p.Schema, p.Example = &huma.Schema{Type: huma.TypeBoolean}, false
	case catalog.Equal, catalog.NotEqual:
		p.Schema, p.Example = one, example
	case catalog.Less, catalog.LessOrEqual, catalog.Greater, catalog.GreaterOrEqual:
		// A list of values says which there are, not where one may cut.
		if p.Schema, p.Example = one, example; len(c.Values) > 0 {
			one.Enum = nil
		}
	default:
		p.Schema, p.Example = &huma.Schema{Type: huma.TypeString}, example
	}
	p.Schema.Title = c.Label
	if operator == catalog.Equal && c.Description != "" {
		p.Description += ". " + c.Description
	}
	return p
}

// valueSchema describes a value that a column is compared with.
func valueSchema(c *catalog.Column) *huma.Schema {
	t := c.Type
	switch {
	case len(c.Values) > 0 && (t.Name == "String" || t.Name == "FixedString"):
		return &huma.Schema{Type: huma.TypeString, Enum: choices(c.Values)}
	case t.EnumNames() != nil:
		return &huma.Schema{Type: huma.TypeString, Enum: choices(t.EnumNames())}
	case t.Name == "Bool":
		return &huma.Schema{Type: huma.TypeBoolean}
	case t.Bits() > 0 && t.Bits() <= 32:
		low, high := 0.0, float64(uint64(1)<<t.Bits()-1)
		if t.Name[0] == 'I' {
			high = float64(uint64(1)<<(t.Bits()-1) - 1)
			low = -high - 1
		}
		format := "int64"
		if t.Bits() < 32 || t.Name == "Int32" {
			format = "int32"
		}
		return &huma.Schema{Type: huma.TypeInteger, Format: format, Minimum: &low, Maximum: &high}
	case t.Wide() && c.SafeInteger:
		return &huma.Schema{Type: huma.TypeInteger, Format: "int64"}
	case t.Bits() > 32:
		// As text, so that no client rounds it.
		return &huma.Schema{Type: huma.TypeString, Pattern: "^[+-]?[0-9]+$", PatternDescription: "a whole number"}
	case t.Float():
		return &huma.Schema{Type: huma.TypeNumber, Format: "double"}
	case t.Decimal():
		return &huma.Schema{Type: huma.TypeNumber, Extensions: map[string]any{"x-go-type": "json.Number"}}
	case t.Name == "UUID":
		return &huma.Schema{Type: huma.TypeString, Format: "uuid"}
	case t.Name == "IPv4":
		return &huma.Schema{Type: huma.TypeString, Format: "ipv4"}
	case t.Name == "IPv6":
		return &huma.Schema{Type: huma.TypeString, Format: "ipv6"}
	case t.Name == "Date" || t.Name == "Date32":
		return &huma.Schema{Type: huma.TypeString, Format: "date"}
	case t.Temporal():
		return &huma.Schema{Type: huma.TypeString, Format: "date-time"}
	case t.Name == "FixedString":
		if n, err := strconv.Atoi(t.Args[0]); err == nil {
			return &huma.Schema{Type: huma.TypeString, MaxLength: &n}
		}
	}
	return &huma.Schema{Type: huma.TypeString}
}

// exampleOf is the catalog's example for a column, or the first of its values; nil when there
// is none.
func exampleOf(c *catalog.Column) any {
	text := c.Example
	if text == "" && len(c.Values) > 0 {
		text = c.Values[0]
	}
	if text == "" {
		return nil
	}
	switch valueSchema(c).Type {
	case huma.TypeInteger, huma.TypeNumber:
		return json.Number(text)
	case huma.TypeBoolean:
		return text == "true"
	}
	return text
}

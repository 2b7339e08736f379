package routes

import (
	"github.com/danielgtaylor/huma/v2"

	"framehouse/internal/catalog"
)

// TableQuery documents the body; it is decoded member by member.
type TableQuery struct {
	Select []string    `json:"select,omitempty" doc:"Columns to return, in this order, also of tables that this one refers to, as customer.name"`
	Where  queryFilter `json:"where,omitempty" doc:"Filter on the rows"`
	Order  []OrderStep `json:"order,omitempty" doc:"Columns to order by; the key is always appended"`
	Limit  queryLimit  `json:"limit,omitempty" doc:"The most rows to return, or all as for the parameter of that name"`
	Cursor string      `json:"cursor,omitempty" doc:"meta.tabular.nextCursor of the page before, with the same where, order, group, agg and having"`
	Count  string      `json:"count,omitempty" enum:"none,exact,estimate" doc:"Whether to count the rows on all pages"`
	Group  []string    `json:"group,omitempty" doc:"Columns to group rows by"`
	Agg    []string    `json:"agg,omitempty" doc:"Aggregates, such as count and sum:balance_usd"`
	Having queryFilter `json:"having,omitempty" doc:"Filter on groups and aggregates, which are columns here, such as sum_balance_usd"`
}

// queryLimit documents a limit in a body.
type queryLimit struct{}

// Schema implements huma.SchemaProvider.
func (queryLimit) Schema(huma.Registry) *huma.Schema {
	least := 1.0
	return &huma.Schema{OneOf: []*huma.Schema{{Type: huma.TypeInteger, Minimum: &least}, {Type: huma.TypeString, Enum: []any{"all"}}}}
}

// queryFilter documents a filter in a body, which package filter reads.
type queryFilter struct{}

// Schema implements huma.SchemaProvider.
func (queryFilter) Schema(r huma.Registry) *huma.Schema {
	const name = "Filter"
	// One for each place, since the library writes into what it gets.
	ref := func() *huma.Schema { return &huma.Schema{Ref: "#/components/schemas/" + name} }
	if r.Map()[name] != nil {
		return ref()
	}
	text := func(doc string) *huma.Schema { return &huma.Schema{Type: huma.TypeString, Description: doc} }
	object := func(required string, properties map[string]*huma.Schema) *huma.Schema {
		return &huma.Schema{Type: huma.TypeObject, AdditionalProperties: false, Required: []string{required}, Properties: properties}
	}
	filters := &huma.Schema{Type: huma.TypeArray, Items: ref()}
	var operators []any
	for _, o := range catalog.AllOperators() {
		operators = append(operators, string(o))
	}
	scalar := []*huma.Schema{{Type: huma.TypeString}, {Type: huma.TypeNumber, Format: "double"}, {Type: huma.TypeBoolean}}
	value := &huma.Schema{
		Description: "What the column is compared with; a list for in, nin and between",
		OneOf:       append(scalar, &huma.Schema{Type: huma.TypeArray, Items: &huma.Schema{OneOf: scalar}}),
	}
	r.Map()[name] = &huma.Schema{
		Description: "A condition on a column, or other filters joined",
		OneOf: []*huma.Schema{
			object("column", map[string]*huma.Schema{
				"column": text("Column, also of a table that this one refers to, as customer.region"),
				"op":     {Type: huma.TypeString, Enum: operators, Description: "eq when left out; the description of the table says what fits a column"},
				"value":  value,
			}),
			object("and", map[string]*huma.Schema{"and": filters}),
			object("or", map[string]*huma.Schema{"or": filters}),
			object("not", map[string]*huma.Schema{"not": ref()}),
			object("has", map[string]*huma.Schema{"has": text("Relation; true of rows that have a related row of which where is true"), "where": ref()}),
		},
	}
	return ref()
}

// OrderStep is a step of an ordering in a body.
type OrderStep struct {
	Column     string `json:"column" doc:"Column to order by"`
	Descending bool   `json:"descending,omitempty"`
	Nulls      string `json:"nulls,omitempty" enum:"first,last" doc:"Where nulls come, last when left out"`
}

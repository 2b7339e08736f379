package routes

import (
	"context"
	"net/http"
	"net/url"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"framehouse/internal/catalog"
	"framehouse/internal/tables"
)

// TablePath names a table.
type TablePath struct {
	Table string `path:"table" doc:"Published name of the table" example:"airports"`
}

// TableRowsInput asks for rows of a table, 1,000 unless it says otherwise, or for groups of them. Every other parameter
// is a filter: the name of a column, with an operator if it is not equality, and a value.
type TableRowsInput struct {
	TablePath
	RowsInput
	Filters
	Select []string `query:"select" doc:"Columns to return, in this order; all when left out. customer.name is the column name of the row that customer refers to" example:"[\"iata\",\"name\"]"`
	Order  []string `query:"order" doc:"Columns to order by, descending ones with a leading minus. Nulls come last, or first with .nullsfirst behind the column. The key is always appended, so that the order is total" example:"[\"-latitude\",\"name\"]"`
	Cursor string   `query:"cursor" doc:"meta.tabular.nextCursor, or the header X-Next-Cursor, of the page before; the Link header holds the whole request. It goes with the same filter, order, group, agg and having; limit, select and format may change"`
	Count  string   `query:"count" enum:"none,exact,estimate" doc:"Whether to count the rows on all pages. An estimate never reads the table" example:"exact"`
	Group  []string `query:"group" doc:"Columns to group rows by, also those of tables that this one refers to. The answer has a row for each group, a million at most" example:"[\"state\"]"`
	Agg    []string `query:"agg" doc:"Aggregates of each group, or without group of all rows: count, and count, distinct, sum, mean, median, min and max of a column. The columns of the answer are named like sum_balance_usd. Null and NaN are left out" example:"[\"count\",\"max:latitude\"]"`
	Having string   `query:"having" doc:"Filter on groups and aggregates, as an expression. A single condition can be written as for a column, as in having.count.gte=100" example:"count.gte=100"`
}

// query is what the parameters ask for.
func (in *TableRowsInput) query(ctx context.Context, service *tables.Service) (tables.Query, error) {
	q := tables.Query{
		Table: in.Table, Select: in.Select, Order: tables.OrderBy(in.Order...), Cursor: in.Cursor, Count: in.Count,
		Group: in.Group, Aggregates: in.Agg,
	}
	var err error
	if q.Limit, err = in.limit(ctx); err != nil {
		return q, err
	}
	having := in.take("having.")
	if in.Having != "" {
		having["having"] = []string{in.Having}
	}
	if q.Having, err = service.Having(q, having); err != nil {
		return q, err
	}
	q.Where, err = in.on(service.Table(in.Table))
	return q, err
}

// take takes the parameters with a prefix away from the filters.
func (f *Filters) take(prefix string) url.Values {
	taken := url.Values{}
	for name, values := range f.parameters {
		if strings.HasPrefix(name, prefix) {
			taken[name] = values
			delete(f.parameters, name)
		}
	}
	return taken
}

// TableValuesInput asks for the distinct values of a column. Every other parameter is a filter on the rows.
type TableValuesInput struct {
	TablePath
	FormatInput
	ExplainInput
	Filters
	Column string `path:"column" doc:"Column whose values are asked for" example:"state"`
	Search string `query:"search" doc:"Keeps values that contain this text; capital and small letters are the same" example:"new"`
	Limit  int64  `query:"limit" minimum:"1" maximum:"10000" default:"100" doc:"The most values to return"`
}

// TableOutput describes a table.
type TableOutput struct {
	Body catalog.TableDescription
}

func (a *API) listTables(ctx context.Context, _ *FormatInput) (*catalog.Reading, error) {
	return &catalog.Reading{Run: a.Tables.List}, nil
}

func (a *API) describeTable(ctx context.Context, in *TablePath) (*TableOutput, error) {
	description, err := a.Tables.Describe(ctx, in.Table)
	return &TableOutput{description}, err
}

func (a *API) tableRows(ctx context.Context, in *TableRowsInput) (*catalog.Reading, error) {
	query, err := in.query(ctx, a.Tables)
	if err != nil {
		return nil, err
	}
	return in.represent(a.Tables.Rows(query))
}

func (a *API) tableValues(ctx context.Context, in *TableValuesInput) (*catalog.Reading, error) {
	where, err := in.on(a.Tables.Table(in.Table))
	if err != nil {
		return nil, err
	}
	return a.Tables.Values(tables.ValuesQuery{Table: in.Table, Column: in.Column, Where: where, Search: in.Search, Limit: in.Limit})
}

var lookups = append([]int{http.StatusNotFound}, failures...)

func (a *API) registerTables() {
	tags := []string{"Tables"}
	registerFrame(a, huma.Operation{
		OperationID: "listTables", Path: "/v1/tables", Tags: tags, Errors: failures,
		Summary: "Published tables",
	}, a.listTables)
	register(a, huma.Operation{
		OperationID: "describeTable", Path: "/v1/tables/{table}", Tags: tags, Errors: lookups,
		Summary: "What a table holds",
	}, a.describeTable)
	registerFrame(a, huma.Operation{
		OperationID: "readTableRows", Path: "/v1/tables/{table}/rows", Tags: tags, Errors: lookups,
		Summary: "Rows of a table",
		Description: "Any column can be a parameter: `state=AK` keeps the rows whose state is AK, and " +
			"`state=AK&state=HI` those of either. A column that is named like a parameter of this route is reached as `where.<column>`.",
		Metadata: withMetadata(nil, filterOperation),
	}, a.tableRows)
	registerFrame(a, huma.Operation{
		OperationID: "readTableValues", Path: "/v1/tables/{table}/values/{column}", Tags: tags, Errors: lookups,
		Summary:     "Distinct values of a column",
		Description: "The most frequent first, each with the number of its rows, for pickers. Null is among them if it occurs. Any column can be a parameter, as for rows.",
		Metadata:    withMetadata(nil, filterOperation),
	}, a.tableValues)
	a.registerQuery()
}

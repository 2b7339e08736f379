package routes

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"framehouse/internal/catalog"
	"framehouse/internal/contracts"
	"framehouse/internal/tables"
)

// TablePath names a table.
type TablePath struct {
	Table string `path:"table" doc:"Published name of the table" example:"airports"`
}

// TableRowsInput asks for rows of a table, 1,000 unless it says otherwise. Every other parameter is a filter: the name
// of a column with the value it must have.
type TableRowsInput struct {
	TablePath
	RowsInput
	Filters
	Select []string `query:"select" doc:"Columns to return, in this order; all when left out"`
	Order  []string `query:"order" doc:"Columns to order by, descending ones with a leading minus; the key is always appended"`
}

// TableOutput describes a table.
type TableOutput struct {
	Body catalog.TableDescription
}

func (a *API) listTables(ctx context.Context, _ *FormatInput) (*contracts.Frame, error) {
	return a.Tables.List(ctx)
}

func (a *API) describeTable(ctx context.Context, in *TablePath) (*TableOutput, error) {
	description, err := a.Tables.Describe(ctx, in.Table)
	return &TableOutput{description}, err
}

func (a *API) tableRows(ctx context.Context, in *TableRowsInput) (*contracts.Frame, error) {
	limit, err := in.limit(ctx)
	if err != nil {
		return nil, err
	}
	return in.represent(a.Tables.Rows(ctx, tables.Query{
		Table: in.Table, Where: in.where, Select: in.Select, Order: in.Order, Limit: limit,
	}))
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
}

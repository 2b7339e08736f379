package routes

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"reflect"

	"github.com/danielgtaylor/huma/v2"

	"framehouse/internal/catalog"
	"framehouse/internal/contracts"
	"framehouse/internal/tables"
	"framehouse/internal/tables/filter"
)

// TableQueryInput asks for rows of a table with a body.
type TableQueryInput struct {
	TablePath
	NumbersInput
	JSONBody
}

// tree decodes a member that is a filter.
func tree(o object, name string, into *filter.Expr) (err error) {
	if text, ok := o.members[name]; ok {
		*into, err = filter.FromJSON(o.path+"."+name, text)
	}
	return err
}

// query reads the body.
func (in *TableQueryInput) query(ctx context.Context) (tables.Query, error) {
	q := tables.Query{Table: in.Table, Body: true}
	o, err := in.object(membersOf[TableQuery]())
	if err != nil {
		return q, err
	}
	var order []json.RawMessage
	var limit json.RawMessage
	err = errors.Join(
		member(o, "select", "a list of column names", &q.Select),
		tree(o, "where", &q.Where),
		member(o, "order", `a list of objects such as {"column": "name", "descending": true, "nulls": "first"}`, &order),
		member(o, "limit", "a whole number above zero, or \"all\"", &limit),
		member(o, "cursor", "a text", &q.Cursor),
		member(o, "count", "none, exact or estimate", &q.Count),
		member(o, "group", "a list of column names", &q.Group),
		member(o, "agg", "a list of aggregates such as \"sum:balance\"", &q.Aggregates),
		tree(o, "having", &q.Having),
	)
	if err != nil {
		return q, err
	}
	// In a URL these are refused too: who sends an empty cursor after the last page would begin again.
	for _, name := range []string{"cursor", "count"} {
		if string(o.members[name]) == `""` {
			return q, contracts.Invalid("body."+name, "", "Leave it out, or give it a value.", "%s is empty.", name)
		}
	}
	for i, text := range order {
		step, err := orderStep(fmt.Sprintf("body.order[%d]", i), text)
		if err != nil {
			return q, err
		}
		q.Order = append(q.Order, step)
	}
	q.Limit, err = in.bodyLimit(ctx, limit)
	return q, err
}

// orderStep reads a step of an ordering.
func orderStep(path string, text json.RawMessage) (tables.Order, error) {
	var step tables.Order
	o, err := readObject(path, text, membersOf[OrderStep]())
	if err != nil {
		return step, err
	}
	nulls := "last"
	err = errors.Join(
		member(o, "column", "the name of a column", &step.Column),
		member(o, "descending", "true or false", &step.Descending),
		member(o, "nulls", "first or last", &nulls),
	)
	if err == nil && nulls != "first" && nulls != "last" {
		err = contracts.Invalid(path+".nulls", shown(o.members["nulls"]), "", "nulls must be first or last.")
	}
	step.NullsFirst = nulls == "first"
	return step, err
}

func (in *TableQueryInput) bodyLimit(ctx context.Context, text json.RawMessage) (int64, error) {
	limit := string(text)
	if limit == `"all"` {
		limit = "all"
	} else if limit != "" {
		var n int64
		if err := json.Unmarshal(text, &n); err != nil || n < 1 {
			return 0, contracts.Invalid("body.limit", shown(text), "", "limit must be a whole number above zero, or \"all\".")
		}
	}
	return in.limitOf(ctx, "body.limit", limit)
}

func (a *API) queryTable(ctx context.Context, in *TableQueryInput) (*catalog.Reading, error) {
	query, err := in.query(ctx)
	if err != nil {
		return nil, err
	}
	return in.represent(a.Tables.Rows(query))
}

func (a *API) registerQuery() {
	const path = "/v1/tables/{table}/query"
	registerFrame(a, huma.Operation{
		OperationID: "queryTable", Method: http.MethodPost, Path: path, Tags: []string{"Tables"},
		Errors:      append([]int{http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType}, lookups...),
		Summary:     "Rows of a table, asked for with a body",
		Description: "The same as the rows route, for filters that are built by a program or too long for a URL.",
	}, a.queryTable)
	// Declared after it is registered: the library would read and check the body itself.
	schema := a.huma.OpenAPI().Components.Schemas.Schema(reflect.TypeFor[TableQuery](), true, "TableQuery")
	a.huma.OpenAPI().Paths[path].Post.RequestBody = &huma.RequestBody{
		Required: true, Content: map[string]*huma.MediaType{"application/json": {Schema: schema}},
	}
}

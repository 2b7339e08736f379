package routes

import (
	"context"
	"slices"

	"github.com/danielgtaylor/huma/v2"

	"framehouse/internal/catalog"
	"framehouse/internal/contracts"
	"framehouse/internal/tables"
	"framehouse/internal/tables/filter"
	"framehouse/internal/timeseries"
)

// This file is the example for a route of your own: an input with its bounds, an output
// with its meaning, a handler that asks a service. Copy it.

// Customer is a row of the customers table.
type Customer struct {
	ID           uint32 `json:"id" doc:"Identifies the customer" example:"1"`
	CustomerCode string `json:"customer_code" doc:"Short name, unique" example:"ACME"`
	Name         string `json:"name" example:"Acme Capital"`
	Region       string `json:"region" example:"US"`
}

// customerColumns are those of a Customer; others of the table are not read.
func customerColumns() []string { return []string{"id", "customer_code", "name", "region"} }

// customerRegion is declared once, and can then be asked what its type allows.
var customerRegion = filter.Text("region")

// CustomersInput asks for customers.
type CustomersInput struct {
	Region string `query:"region" doc:"Only customers of this region" example:"US"`
	Limit  int64  `query:"limit" minimum:"1" maximum:"500" default:"50" doc:"The most customers to return"`
}

// CustomersOutput lists customers. A bare list can't say that it was cut, so a header does.
type CustomersOutput struct {
	Truncated bool `header:"X-Truncated" doc:"Whether there are more customers than the limit"`
	Body      []Customer
}

func (a *API) customers(ctx context.Context, in *CustomersInput) (*CustomersOutput, error) {
	query := tables.Query{Table: customersTable, Select: customerColumns(), Limit: in.Limit}
	if in.Region != "" {
		query.Where = customerRegion.Eq(in.Region)
	}
	reading, err := a.Tables.Rows(query)
	if err != nil {
		return nil, err
	}
	frame, err := reading.Run(ctx)
	if err != nil {
		return nil, err
	}
	rows, err := contracts.Rows[Customer](frame)
	if err != nil {
		return nil, err
	}
	return &CustomersOutput{frame.Meta.Tabular.Truncated, rows}, nil
}

// RandomNumber is an observation of the random number node.
type RandomNumber struct {
	TimeIndex    string  `json:"time_index" format:"date-time" doc:"Midnight UTC of the day" example:"2026-03-01T00:00:00Z"`
	RandomNumber float64 `json:"random_number" doc:"The day's number" example:"0.25"`
}

// RandomNumbersInput asks for the numbers of some days.
type RandomNumbersInput struct {
	StartDate string `query:"start_date" required:"true" format:"date" doc:"First day" example:"2026-03-01"`
	EndDate   string `query:"end_date" required:"true" format:"date" doc:"Last day" example:"2026-03-31"`
}

// RandomNumbers are the numbers of a node.
type RandomNumbers struct {
	Identifier string         `json:"identifier" doc:"Published name of the node"`
	Rows       []RandomNumber `json:"rows" doc:"One row a day, oldest first"`
}

// RandomNumbersOutput holds random numbers.
type RandomNumbersOutput struct {
	Body RandomNumbers
}

// customersTable and randomNumbersNode are the names that the tutorial publishes under.
const customersTable, randomNumbersNode = "customers", "example_random_number_local_0.0"

func (a *API) randomNumbers(ctx context.Context, in *RandomNumbersInput) (*RandomNumbersOutput, error) {
	reading, err := a.TimeSeries.Rows(timeseries.Query{
		Node:  randomNumbersNode,
		Range: timeseries.Range{From: in.StartDate, To: in.EndDate, FromName: "start_date", ToName: "end_date"},
	})
	if err != nil {
		return nil, err
	}
	frame, err := reading.Run(ctx)
	if err != nil {
		return nil, err
	}
	rows, err := contracts.Rows[RandomNumber](frame)
	if err != nil {
		return nil, err
	}
	if frame.Meta.Tabular.Truncated {
		return nil, contracts.Invalid("query.start_date", in.StartDate, "Ask for fewer days.", "There are more than %d days in the range.", len(rows))
	}
	return &RandomNumbersOutput{RandomNumbers{randomNumbersNode, rows}}, nil
}

func (a *API) customersSource(ctx context.Context, _ *FormatInput) (*catalog.Reading, error) {
	return a.Tables.Rows(tables.Query{Table: customersTable})
}

func (a *API) registerTutorial() {
	register(a, huma.Operation{
		OperationID: "listCustomers", Path: "/customers", Tags: []string{"Tutorial"}, Errors: lookups, Metadata: withTable(customersTable, customerColumns()...),
		Summary: "Customers, as plain rows",
	}, a.customers)
	register(a, huma.Operation{
		OperationID: "listRandomNumbers", Path: "/random-numbers", Tags: []string{"Tutorial"}, Errors: lookups, Metadata: withNode(randomNumbersNode, "time_index", "random_number"),
		Summary:     "Random numbers of some days",
		Description: "Both days are included.",
	}, a.randomNumbers)
	registerFrame(a, huma.Operation{
		OperationID: "readCustomersSource", Path: "/widgets/customers/source", Tags: []string{"Tutorial"}, Errors: lookups, Metadata: withTable(customersTable),
		Summary: "Customers, as a frame for a widget",
	}, a.customersSource)
}

// describedWith is the mark of an operation that is described only with a catalog that has
// what it reads: a function that tells.
const describedWith = "with"

// withTable marks an operation that reads a table of these columns.
func withTable(name string, columns ...string) map[string]any {
	return map[string]any{describedWith: func(c *catalog.Catalog) bool {
		t, err := c.Table(name)
		return err == nil && hasColumns(t, columns)
	}}
}

// withNode marks an operation that reads a node of these columns.
func withNode(name string, columns ...string) map[string]any {
	return map[string]any{describedWith: func(c *catalog.Catalog) bool {
		n, err := c.Node(name)
		return err == nil && hasColumns(&n.Table, columns)
	}}
}

func hasColumns(t *catalog.Table, names []string) bool {
	return !slices.ContainsFunc(names, func(name string) bool { return t.Column(name) == nil })
}

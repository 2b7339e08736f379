package routes

import (
	"context"

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
	query := tables.Query{Table: "customers", Limit: in.Limit}
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

// randomNumbersNode is the name that the tutorial publishes its node under.
const randomNumbersNode = "example_random_number_local_0.0"

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
	return a.Tables.Rows(tables.Query{Table: "customers"})
}

func (a *API) registerTutorial() {
	register(a, huma.Operation{
		OperationID: "listCustomers", Path: "/customers", Tags: []string{"Tutorial"}, Errors: failures,
		Summary: "Customers, as plain rows",
	}, a.customers)
	register(a, huma.Operation{
		OperationID: "listRandomNumbers", Path: "/random-numbers", Tags: []string{"Tutorial"}, Errors: failures,
		Summary:     "Random numbers of some days",
		Description: "Both days are included.",
	}, a.randomNumbers)
	registerFrame(a, huma.Operation{
		OperationID: "readCustomersSource", Path: "/widgets/customers/source", Tags: []string{"Tutorial"}, Errors: failures,
		Summary: "Customers, as a frame for a widget",
	}, a.customersSource)
}

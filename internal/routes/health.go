package routes

import (
	"context"
	"net/http"
	"reflect"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"framehouse/internal/catalog"
	"framehouse/internal/contracts"
)

// pingTimeout keeps a probe of ours shorter than the probes of those who ask.
const pingTimeout = 2 * time.Second

// Health says that the process serves.
type Health struct {
	Status string `json:"status" enum:"ok"`
}

// Ready says what can be answered.
type Ready struct {
	Status     string          `json:"status" enum:"ready,unavailable" doc:"Whether requests for data can be answered"`
	ClickHouse ClickHouse      `json:"clickhouse"`
	Tables     int             `json:"tables" doc:"Tables served"`
	Nodes      int             `json:"nodes" doc:"Nodes served"`
	NotServed  []catalog.Fault `json:"notServed" doc:"Faults of the catalog; the entries they name are left out, or served as they were before an edit"`
}

// ClickHouse is the state of the database.
type ClickHouse struct {
	Reachable bool   `json:"reachable"`
	Version   string `json:"version,omitempty"`
	Detail    string `json:"detail,omitempty" doc:"What is wrong, when it cannot be reached"`
}

// ReadyOutput is 200 when something can be answered and 503 otherwise.
type ReadyOutput struct {
	Status     int
	RetryAfter string `header:"Retry-After"`
	Body       Ready
}

// Info says what this is.
type Info struct {
	Name string `json:"name" enum:"framehouse"`
	Build
	ClickHouse string `json:"clickhouse,omitempty" doc:"Version of ClickHouse; absent when it cannot be reached"`
}

// Me says who is asking.
type Me struct {
	Username      string `json:"username" example:"anonymous"`
	Authenticated bool   `json:"authenticated" doc:"Whether the request proved who it is from"`
}

// Of is an answer whose body is a T.
type Of[T any] struct {
	Body T
}

func (a *API) health(context.Context, *struct{}) (*Of[Health], error) {
	return &Of[Health]{Health{"ok"}}, nil
}

func (a *API) ready(ctx context.Context, _ *struct{}) (*ReadyOutput, error) {
	out := &ReadyOutput{Status: http.StatusOK, Body: Ready{Status: "ready", NotServed: []catalog.Fault{}}}
	published, err := a.Catalog.Current()
	if err == nil {
		out.Body.Tables, out.Body.Nodes = len(published.Tables), len(published.Nodes)
		out.Body.NotServed = append(out.Body.NotServed, published.Faults...)
	}
	version, pingErr := a.ping(ctx)
	out.Body.ClickHouse = ClickHouse{Reachable: pingErr == nil, Version: version}
	if pingErr != nil {
		out.Body.ClickHouse.Detail = contracts.AsError(pingErr).Detail
	}
	if err != nil || pingErr != nil || len(published.Tables)+len(published.Nodes) == 0 {
		out.Status, out.RetryAfter, out.Body.Status = http.StatusServiceUnavailable, "1", "unavailable"
	}
	return out, nil
}

func (a *API) ping(ctx context.Context) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, pingTimeout)
	defer cancel()
	return a.Ping(ctx)
}

func (a *API) info(ctx context.Context, _ *struct{}) (*Of[Info], error) {
	version, _ := a.ping(ctx) // absent when it cannot be reached
	return &Of[Info]{Info{Name: "framehouse", Build: a.Build, ClickHouse: version}}, nil
}

func (a *API) me(context.Context, *struct{}) (*Of[Me], error) {
	return &Of[Me]{Me{Username: "anonymous"}}, nil
}

func (a *API) registerHealth() {
	tags := []string{"Service"}
	register(a, huma.Operation{
		OperationID: "getHealth", Path: "/health", Tags: tags, Errors: refusals,
		Summary: "Whether the process is alive; asks no data",
	}, a.health)
	register(a, huma.Operation{
		OperationID: "getReady", Path: "/ready", Tags: tags, Errors: refusals,
		Summary: "Whether data can be answered, and what is not served and why",
		Responses: map[string]*huma.Response{"503": {
			Description: "No data can be answered; the body says why",
			Content: map[string]*huma.MediaType{"application/json": {
				Schema: a.huma.OpenAPI().Components.Schemas.Schema(reflect.TypeFor[Ready](), true, "Ready"),
			}},
		}},
	}, a.ready)
	register(a, huma.Operation{
		OperationID: "getInfo", Path: "/info", Tags: tags, Errors: refusals,
		Summary: "Name and versions",
	}, a.info)
	register(a, huma.Operation{
		OperationID: "getMe", Path: "/me", Tags: tags, Errors: refusals,
		Summary: "Who is asking",
	}, a.me)
}

package main

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"framehouse/internal/contracts/contracttest"
)

// discoveryPath is where Command Center looks.
const discoveryPath = "/.well-known/command-center/connection-contract"

type offer struct {
	OperationID, Method, Path, Kind, ResponseContract, ResponseModel, Label string
	SupportsMaxRows                                                         bool
	Parameters                                                              struct{ Path, Query, Headers []offerParameter }
}

type offerParameter struct {
	Key, Label, Type string
	Required         bool
	DefaultValue     any
	Example          any
	Options          []struct{ Label, Value string }
}

// testDiscovery: what Command Center is told is valid, is what the OpenAPI document says, and
// is true: each operation that is offered for a query answers a frame.
func testDiscovery(t *testing.T, app *App) {
	a := get(t, app.URL()+discoveryPath)
	var d struct {
		OpenAPI             struct{ URL, Checksum string }
		AvailableOperations []offer
		Health              struct{ OperationID string }
	}
	if err := json.Unmarshal(a.body, &d); err != nil || a.status != http.StatusOK || a.header.Get("Content-Type") != "application/json" {
		t.Fatal(err, a.status, a.header)
	}
	var openapi struct {
		Paths map[string]map[string]struct {
			OperationID string
			Contract    string                    `json:"x-ui-contract"`
			Parameters  []map[string]any          `json:"parameters"`
			Responses   map[string]map[string]any `json:"responses"`
		}
		Components struct{ Parameters map[string]map[string]any }
	}
	text := get(t, app.URL()+d.OpenAPI.URL).body
	if err := json.Unmarshal(text, &openapi); err != nil {
		t.Fatal(err)
	}
	if want := fmt.Sprintf("sha256:%x", sha256.Sum256(text)); d.OpenAPI.Checksum != want {
		t.Errorf("the checksum of the OpenAPI document is said to be %s and is %s", d.OpenAPI.Checksum, want)
	}
	offered := map[string]bool{}
	forbidden := []string{"authorization", "cookie", "proxy-authorization", "set-cookie", "x-api-key", "x-auth-token"}
	for _, o := range d.AvailableOperations {
		if offered[o.OperationID] {
			t.Errorf("%s is offered twice", o.OperationID)
		}
		offered[o.OperationID] = true
		op, ok := openapi.Paths[o.Path][strings.ToLower(o.Method)]
		if !ok || op.OperationID != o.OperationID || op.Contract != o.ResponseContract || o.Method != "GET" && o.Method != "POST" {
			t.Errorf("%s %s %s is no such operation of the OpenAPI document: %+v", o.OperationID, o.Method, o.Path, op)
			continue
		}
		declared := map[string]map[string]any{}
		for _, p := range op.Parameters {
			if reference, shared := p["$ref"].(string); shared {
				p = openapi.Components.Parameters[strings.TrimPrefix(reference, "#/components/parameters/")]
			}
			declared[p["in"].(string)+" "+p["name"].(string)] = p
		}
		limited := false
		for in, parameters := range map[string][]offerParameter{"path": o.Parameters.Path, "query": o.Parameters.Query, "header": o.Parameters.Headers} {
			for _, p := range parameters {
				limited = limited || p.Key == "limit"
				if declared[in+" "+p.Key] == nil {
					t.Errorf("%s: the OpenAPI document has no parameter %s in its %s", o.OperationID, p.Key, in)
				}
				if slices.Contains(forbidden, strings.ToLower(p.Key)) {
					t.Errorf("%s asks for %s, which Command Center refuses", o.OperationID, p.Key)
				}
				if p.Type == "select" && len(p.Options) == 0 {
					t.Errorf("%s: nothing can be selected for %s", o.OperationID, p.Key)
				}
			}
		}
		if limited != o.SupportsMaxRows {
			t.Errorf("%s: limit %v, max rows %v", o.OperationID, limited, o.SupportsMaxRows)
		}
		if o.Method == "GET" && o.Kind == "query" {
			answersFrame(t, app, o)
		}
	}
	for path, item := range openapi.Paths {
		for method, op := range item {
			if (op.Contract != "") != offered[op.OperationID] && op.OperationID != d.Health.OperationID {
				t.Errorf("%s %s: contract %q, offered %v", method, path, op.Contract, offered[op.OperationID])
			}
		}
	}
	for _, o := range d.AvailableOperations {
		if o.OperationID == d.Health.OperationID {
			if status := get(t, app.URL()+o.Path).status; o.Method != "GET" || len(o.Parameters.Query)+len(o.Parameters.Path) > 0 || status != http.StatusOK {
				t.Errorf("health: %+v answers %d", o, status)
			}
		}
	}
	if !offered[d.Health.OperationID] {
		t.Error("the health operation is not declared")
	}
	if first := d.AvailableOperations[0]; !strings.HasPrefix(first.OperationID, "read") || strings.Contains(first.Path, "{") {
		t.Errorf("the list begins with %s", first.OperationID)
	}
	ofAny := func(o offer) bool { return strings.Contains(o.Path, "/{table}") || strings.Contains(o.Path, "/{node}") }
	if i := slices.IndexFunc(d.AvailableOperations, ofAny); slices.ContainsFunc(d.AvailableOperations[i:], func(o offer) bool { return strings.HasPrefix(o.OperationID, "values") }) {
		t.Errorf("values of a table of its own come behind %s", d.AvailableOperations[i].OperationID)
	}
	if i := slices.IndexFunc(d.AvailableOperations, func(o offer) bool { return o.Label == "S&P 500, daily" }); i < 0 {
		t.Error("there is no S&P 500, daily")
	}
	contracttest.Validate(t, contracttest.Discovery, a.body)
}

// answersFrame calls an operation as Command Center's direct mode does: with the defaults, and
// what is required.
func answersFrame(t *testing.T, app *App, o offer) {
	path := o.Path
	for _, p := range o.Parameters.Path {
		value := fmt.Sprint(p.Example)
		if len(p.Options) > 0 {
			value = p.Options[0].Value
		}
		path = strings.Replace(path, "{"+p.Key+"}", url.PathEscape(value), 1)
	}
	query := url.Values{}
	for _, p := range o.Parameters.Query {
		if p.DefaultValue != nil {
			query.Set(p.Key, fmt.Sprint(p.DefaultValue))
		} else if p.Required {
			query.Set(p.Key, fmt.Sprint(p.Example))
		}
	}
	a := getAs(t, app.URL()+path+"?"+query.Encode(), "application/json")
	if a.status != http.StatusOK {
		t.Errorf("%s: %s answers %d %s", o.OperationID, path, a.status, a.body)
		return
	}
	contracttest.Validate(t, contracttest.TabularFrame, a.body)
}

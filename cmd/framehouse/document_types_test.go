package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"framehouse/internal/contracts/contracttest"
)

// Rows are what the document says of them for columns of every type and tables with odd
// names, also once they were put together by any aggregation that it offers.
func TestDocumentOfEveryType(t *testing.T) {
	t.Parallel()
	database := inited(t)
	address, _ := forward(t, "127.0.0.1:0")
	app := open(t, Config{Publish: database, ClickHouse: urlOf(t, database, address)})
	text := get(t, app.URL()+"/openapi.json").body
	schemas, err := contracttest.OpenDocument(text)
	if err != nil {
		t.Fatal(err)
	}
	var document struct {
		Paths map[string]map[string]struct {
			OperationID string
			Tags        []string
			Parameters  []map[string]any
			Responses   map[string]struct {
				Content map[string]struct {
					Schema struct {
						Ref string `json:"$ref"`
					}
				}
			}
		}
		Components struct {
			Parameters map[string]map[string]any
		}
	}
	if err := json.Unmarshal(text, &document); err != nil {
		t.Fatal(err)
	}
	asked := 0
	for path, item := range document.Paths {
		op := item["get"]
		if !strings.HasPrefix(op.OperationID, "read") && !strings.HasPrefix(op.OperationID, "latest") || !slices.ContainsFunc(op.Tags, func(tag string) bool { return strings.HasPrefix(tag, "Published") }) {
			continue
		}
		frame := strings.TrimPrefix(op.Responses["200"].Content["application/json"].Schema.Ref, "#/components/schemas/")
		check := func(query string) {
			asked++
			a := get(t, app.URL()+path+"?"+query)
			if a.status == http.StatusUnprocessableEntity && strings.Contains(query, "fill=") && strings.Contains(string(a.body), "cannot be filled") {
				return // some types have no null
			}
			if a.status != http.StatusOK {
				t.Errorf("%s %s: %d %s", op.OperationID, query, a.status, a.body)
			} else if err := schemas.Validate(a.body, "components", "schemas", frame); err != nil {
				t.Errorf("%s %s: %v\n%s", op.OperationID, query, err, a.body)
			}
		}
		check("limit=10")
		for _, p := range op.Parameters {
			if reference, shared := p["$ref"].(string); shared {
				p = document.Components.Parameters[strings.TrimPrefix(reference, "#/components/parameters/")]
			}
			if p["name"] != "agg" || !strings.Contains(path, "/nodes/") {
				continue
			}
			for _, choice := range p["schema"].(map[string]any)["items"].(map[string]any)["enum"].([]any) {
				check("interval=1d&agg=" + url.QueryEscape(fmt.Sprint(choice)))
				if !strings.Contains(fmt.Sprint(choice), ":") {
					check(fmt.Sprintf("interval=1d&fill=null&from=1970-01-01&to=1970-01-03&agg=%s", choice))
				}
			}
		}
	}
	if asked < len(types) {
		t.Errorf("only %d requests were sent", asked)
	}
	t.Logf("%d requests", asked)
}

package main

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"

	"framehouse/internal/demo"
)

func TestDocument(t *testing.T) {
	t.Parallel()
	app := open(t, Config{Demo: true, DataDir: t.TempDir()})
	t.Run("is true", func(t *testing.T) { testDocumentIsTrue(t, app) })
	t.Run("makes clients", func(t *testing.T) { testClients(t, app) })
	t.Run("is as it was", func(t *testing.T) { testDocumentGolden(t, app) })
}

// A client is written from the document alone, so each operation is called as the document
// says: with what it requires, with each example, each choice and each bound, and just
// outside of these. Every status, media type, header and body that comes back must be one
// that the document promises there.
func testDocumentIsTrue(t *testing.T, app *App) {
	document := readDocument(t, get(t, app.URL()+"/openapi.json").body)
	ids := map[string]bool{}
	for _, op := range document.operations {
		if ids[op.OperationID] {
			t.Errorf("there are two operations %s", op.OperationID)
		}
		ids[op.OperationID] = true
		t.Run(op.OperationID, func(t *testing.T) {
			p := &prober{T: t, document: document, op: op, url: app.URL(), refill: func(t *testing.T) { refillWatchlist(t, app) }, none: "list=none"}
			p.described()
			p.probe()
		})
	}
	// An answer that ClickHouse is away is documented like any other.
	away := open(t, Config{CatalogFile: writeCatalog(t, string(demo.Catalog())), ClickHouse: "http://127.0.0.1:1"})
	for _, op := range document.operations {
		t.Run(op.OperationID+" without ClickHouse", func(t *testing.T) {
			p := &prober{T: t, document: document, op: op, url: away.URL(), none: "list=none"}
			c := p.required()
			response := p.send(c)
			if alive := response.status == http.StatusOK; alive != slices.Contains([]string{"/health", "/info", "/me"}, op.path) {
				p.Errorf("%s: status %d: %s", c, response.status, response.body)
			}
			p.conforms(c, response)
		})
	}
}

// company is what a parameter goes with only, which the document says in words, by the name
// of the parameter or member, or, where it is not so in every operation, of the kind of
// operation and the parameter.
var company = map[string]map[string]any{
	"compression":                  {"format": "arrow"},
	"downsample":                   {"points": json.Number("100")},
	"label":                        {"interval": "1mo"},
	"origin":                       {"interval": "1w"},
	"fill":                         {"interval": "1d", "from": "2008-09-01", "to": "2008-09-30"},
	"mark_filled":                  {"interval": "1d", "fill": "null", "from": "2008-09-01", "to": "2008-09-30"},
	"GET nodes/rows agg":           {"interval": "1mo"},
	"POST nodes/query agg":         {"interval": "1mo"},
	"GET tables/rows having":       {"agg": "count"},
	"GET nodes/flights/rows shape": {"origin": "SEA"}, // or there are more series than columns
	"stale":                        {"max_age": "24h"},
}

// small keeps answers to a few rows, since each is held against its schema, and requests to
// the one large node of the demo to the rows of a day.
func (p *prober) small(c call) call {
	if slices.ContainsFunc(p.op.parameters, func(parameter apiParameter) bool { return parameter.Name == "limit" }) {
		c = c.with("query", map[string]string{"limit": "20"})
	}
	if strings.HasPrefix(p.op.path, "/v1/nodes/flights/") {
		return c.with("query", map[string]string{"departure.lt": "2001-01-02T00:00:00Z"})
	}
	return c
}

// elsewhere are values that the document limits in words to entries which the demo has too
// few of; other tests ask for them.
var elsewhere = []string{"limit=all"} // where the catalog allows export, in formats that stream

// refusals are the statuses of values outside of their bounds, where it is not 422.
var refusals = map[string]int{"format": http.StatusNotAcceptable}

// refillWatchlist makes sure of what is in the one table of the demo that is written to: some
// rows, and none that an example writes.
func refillWatchlist(t *testing.T, app *App) {
	t.Helper()
	const rows = `[{"list":"refilled","symbol":"A","target":1},{"list":"refilled","symbol":"B","target":2}]`
	path := app.URL() + "/v1/tables/watchlist/rows"
	for _, a := range []answer{ask(t, http.MethodDelete, path+"?list.ne=", ""), ask(t, http.MethodPost, path, rows, "Content-Type", jsonType)} {
		if a.status != http.StatusOK {
			t.Fatalf("the watchlist was not filled again: %d %s", a.status, a.body)
		}
	}
}

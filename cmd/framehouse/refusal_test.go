package main

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// testRefusals: what can't be answered as it was asked gets a status, a code, the place
// of the fault and, mostly, a hint.
func testRefusals(t *testing.T, app *App) {
	tests := []struct {
		request  string // path, with Accept after a space if any
		status   int
		code     string
		location string
		hint     string // part of it
	}{
		{"/nope", 404, "unknown_route", "path", "/openapi.json"},
		{"/openapi.json?format=yaml", 422, "invalid_request", "query", "Leave out"},
		{"/custmers", 404, "unknown_route", "path", "Did you mean /customers?"},
		{"/v1/tables/airport", 404, "unknown_table", "path.table", `Did you mean "airports"?`},
		{"/v1/tables/nothing_like_it/rows", 404, "unknown_table", "path.table", "/v1/tables"},
		{"/v1/nodes/sp50/rows", 404, "unknown_node", "path.node", `Did you mean "sp500"?`},
		{"/v1/nodes/airports/rows", 404, "unknown_node", "path.node", "/v1/nodes"},

		{"/customers?regon=US", 422, "invalid_request", "query.regon", `Did you mean "region"?`},
		{"/customers?limit=1&limit=2", 422, "invalid_request", "query.limit", "once"},
		{"/customers?region=", 422, "invalid_request", "query.region", "Leave it out"},
		{"/customers?limit=0", 422, "invalid_request", "query.limit", ""},
		{"/customers?limit=501", 422, "invalid_request", "query.limit", ""},
		{"/customers?limit=ten", 422, "invalid_request", "query.limit", ""},
		{"/customers?limit=99999999999999999999", 422, "invalid_request", "query.limit", ""},
		{"/customers?region=%zz", 422, "invalid_request", "query", "Percent-encode"},
		{"/customers?region=US;limit=1", 422, "invalid_request", "query", "Percent-encode"},
		{"/me?x=1", 422, "invalid_request", "query.x", "no parameters"},

		{"/v1/tables/airports/rows?stat=AK", 422, "invalid_request", "query.stat", `Did you mean "state"?`},
		{"/v1/tables/airports/rows?limt=4", 422, "invalid_request", "query.limt", `Did you mean "limit"?`},
		{"/v1/tables/airports/rows?limit=all", 422, "invalid_request", "query.limit", "format=ndjson"},
		{"/v1/tables/airports/rows?limit=all&format=csv", 422, "invalid_request", "query.limit", "number"},
		{"/v1/tables/airports/rows?compression=zstd", 422, "invalid_request", "query.compression", "Accept-Encoding"},
		{"/v1/tables/airports/rows?int64=number&format=csv", 422, "invalid_request", "query.int64", "Leave it out"},
		{"/v1/tables/airports/rows?decimals=string&format=arrow", 422, "invalid_request", "query.decimals", "Leave it out"},
		{"/v1/tables/airports/rows?where.limit=4", 422, "invalid_request", "query.where.limit", "Columns are"},
		{"/v1/tables/airports/rows?int64=big", 422, "invalid_request", "query.int64", ""},
		{"/v1/tables/airports/rows?latitude=north", 422, "invalid_request", "query.latitude", ""},
		{"/v1/tables/airports/rows?select=iata,nme", 422, "invalid_request", "query.select", `Did you mean "name"?`},
		{"/v1/tables/airports/rows?select=iata,iata", 422, "invalid_request", "query.select", "once"},
		{"/v1/tables/airports/rows?order=latitude,-latitude", 422, "invalid_request", "query.order", "once"},
		{"/v1/tables/airports/rows?order=", 422, "invalid_request", "query.order", ""},
		{"/v1/tables/airports/rows?order=iata);DROP", 422, "invalid_request", "query", ""},
		{"/v1/tables/airports/rows?limit=100001", 422, "invalid_request", "query.limit", "filter"},
		{"/v1/tables/airports/rows?limit=-1", 422, "invalid_request", "query.limit", ""},
		{"/v1/tables/customer_balances/rows?as_of_date=2026-02-30", 422, "invalid_request", "query.as_of_date", ""},

		{"/v1/nodes/sp500/rows?from=yesterday", 422, "invalid_request", "query.from", "2026-03-31T09:30:00Z"},
		{"/v1/nodes/sp500/rows?to=2026-02-30", 422, "invalid_request", "query.to", "-7d"},
		{"/v1/nodes/sp500/rows?from=2009-01-01&to=2008-01-01", 422, "invalid_request", "query.from", "Swap"},
		{"/v1/nodes/sp500/rows?last=7d&from=2008-01-01", 422, "invalid_request", "query.last", "either"},
		{"/v1/nodes/sp500/rows?last=sevendays", 422, "invalid_request", "query.last", "24h"},
		{"/v1/nodes/sp500/rows?identifiers=SPX", 422, "invalid_request", "query.identifiers", "Leave identifiers out"},
		{"/v1/nodes/sp500/rows?order=up", 422, "invalid_request", "query.order", ""},
		{"/v1/nodes/sp500/rows?limit=100001", 422, "invalid_request", "query.limit", ""},
		{"/v1/nodes/stocks/rows?symbol=AAPL&price=cheap", 422, "invalid_request", "query.price", ""},
		{"/random-numbers", 422, "invalid_request", "query.start_date", ""},
		{"/random-numbers?start_date=2026-13-01&end_date=2026-12-31", 422, "invalid_request", "query.start_date", ""},
		{"/random-numbers?start_date=2026-03-31&end_date=2026-03-01", 422, "invalid_request", "query.start_date", "Swap start_date and end_date"},

		{"/v1/tables?format=xml", 406, "not_acceptable", "query.format", "format=json"},
		{"/v1/tables text/csv;q=0", 406, "not_acceptable", "header.Accept", "format=csv"},
		{"/v1/tables image/png", 406, "not_acceptable", "header.Accept", "application/json"},
		{"/customers image/png", 406, "not_acceptable", "header.Accept", "application/json"},
	}
	for _, test := range tests {
		t.Run(test.request, func(t *testing.T) {
			path, accept, _ := strings.Cut(test.request, " ")
			p := getAs(t, app.URL()+path, accept).problem(t)
			if p.Status != test.status || p.Code != test.code {
				t.Errorf("status %d, code %s; want %d, %s", p.Status, p.Code, test.status, test.code)
			}
			if len(p.Errors) == 0 || p.Errors[0].Location != test.location || !strings.Contains(p.Errors[0].Hint, test.hint) {
				t.Errorf("errors %+v; want location %s, hint %q", p.Errors, test.location, test.hint)
			}
		})
	}
	t.Run("method", func(t *testing.T) {
		response, err := http.Post(app.URL()+"/customers", "application/json", strings.NewReader("{}"))
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		if response.StatusCode != http.StatusMethodNotAllowed || response.Header.Get("Allow") != "GET, HEAD" {
			t.Errorf("POST: status %d, Allow %q", response.StatusCode, response.Header.Get("Allow"))
		}
	})
	// Whatever text a filter holds, it is compared and nothing else.
	t.Run("hostile text", func(t *testing.T) {
		for _, text := range []string{
			"' OR 1=1 --", "`;DROP TABLE airports", "a\tb\nc\\d", "\x00", "{p0:String}", "日本語🛩", strings.Repeat("x", 10_000), "\\", "'", "\xff\xfe",
		} {
			f := get(t, app.URL()+"/v1/tables/airports/rows?name="+url.QueryEscape(text)).frame(t)
			if len(f.Rows) != 0 {
				t.Errorf("%q found %v", text, f.Rows)
			}
		}
	})
}

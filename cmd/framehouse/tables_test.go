package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"framehouse/internal/contracts/contracttest"
)

// TestTables asks the demo's tables what a dashboard and a person with curl would.
func TestTables(t *testing.T) {
	app := open(t, Config{Demo: true, DataDir: t.TempDir()})
	rows := app.URL() + "/v1/tables/airports/rows"

	t.Run("a filter, an order, columns and a limit", func(t *testing.T) {
		const request = "?state.in=AK,HI&latitude.gte=60&order=-latitude&select=iata,name,latitude&limit=3"
		f := get(t, rows+request).frame(t)
		var got []string
		for _, row := range f.Rows {
			got = append(got, fmt.Sprintf("%s %v", row["iata"], row["latitude"]))
		}
		if want := []string{"BRW 71.2854475", "AWI 70.638", "ATK 70.46727611"}; !slices.Equal(got, want) || !f.Meta.Tabular.Truncated {
			t.Errorf("got %q, want %q; %+v", got, want, f.Meta.Tabular)
		}
		counted := get(t, rows+request+"&count=exact")
		contracttest.Validate(t, contracttest.TabularFrame, counted.body)
		if m := counted.tabular(t); m.TotalRows != 160 || m.TotalRowsKind != "exact" || counted.header.Get("X-Total-Rows") != "160" {
			t.Errorf("%+v, X-Total-Rows %s", m, counted.header.Get("X-Total-Rows"))
		}
		if m := get(t, rows+request+"&count=estimate").tabular(t); m.TotalRows < 160 || m.TotalRowsKind != "estimate" {
			t.Errorf("%+v", m)
		}
	})

	t.Run("all pages, by their links", func(t *testing.T) {
		for _, format := range []string{"json", "csv"} {
			seen := map[string]int{}
			next, pages := rows+"?order=state&select=iata&limit=100&format="+format, 0
			for ; next != ""; pages++ {
				a := get(t, next)
				if a.status != http.StatusOK {
					t.Fatalf("%s", a.body)
				}
				if format == "json" {
					for _, row := range a.frame(t).Rows {
						seen[row["iata"].(string)]++
					}
				} else {
					for line := range strings.Lines(string(a.body)) {
						seen[strings.TrimSpace(line)]++
					}
					delete(seen, "iata")
				}
				next = a.next(t, next)
			}
			if pages != 34 || len(seen) != 3376 {
				t.Errorf("%s: %d pages, %d airports", format, pages, len(seen))
			}
			for iata, times := range seen {
				if times != 1 {
					t.Errorf("%s is there %d times", iata, times)
				}
			}
		}
	})

	t.Run("a head says where the next page is", func(t *testing.T) {
		response, err := http.Head(rows + "?limit=2&count=exact")
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		h := response.Header
		if !strings.Contains(h.Get("Link"), "cursor=") || h.Get("X-Next-Cursor") == "" || h.Get("X-Total-Rows") != "3376" || h.Get("X-Truncated") != "true" || h.Get("X-Row-Count") != "2" {
			t.Errorf("%v", h)
		}
	})

	t.Run("groups", func(t *testing.T) {
		f := get(t, rows+"?group=state&agg=count,max:latitude&having.count.gte=100&order=-count").frame(t)
		if !slices.Equal(f.Columns, []string{"state", "count", "max_latitude"}) || f.Rows[0]["state"] != "AK" || f.Rows[0]["count"] != json.Number("263") {
			t.Errorf("columns %v, first %v", f.Columns, f.Rows[0])
		}
		for _, row := range f.Rows {
			if n, _ := row["count"].(json.Number).Int64(); n < 100 {
				t.Errorf("%v", row)
			}
		}
		all := get(t, rows+"?group=state&agg=count")
		contracttest.Validate(t, contracttest.TabularFrame, all.body)
		total := int64(0)
		for _, row := range all.frame(t).Rows {
			n, _ := row["count"].(json.Number).Int64()
			total += n
		}
		if total != 3376 {
			t.Errorf("the groups have %d airports", total)
		}
	})

	t.Run("values", func(t *testing.T) {
		a := get(t, app.URL()+"/v1/tables/airports/values/city?search=SPRINGF&limit=2")
		contracttest.Validate(t, contracttest.TabularFrame, a.body)
		if f := a.frame(t); len(f.Rows) != 1 || f.Rows[0]["value"] != "Springfield" || f.Rows[0]["count"] != json.Number("8") || !slices.Equal(f.Columns, []string{"value", "count"}) {
			t.Errorf("%v", f.Rows)
		}
	})

	t.Run("related columns", func(t *testing.T) {
		f := get(t, app.URL()+"/v1/tables/customer_debts/rows?select=debt_usd,balance.balance_usd,balance.customer.name").frame(t)
		if len(f.Rows) != 2 || f.Rows[0]["balance.customer.name"] != "Acme Capital" || f.Rows[1]["balance.balance_usd"] != json.Number("91250.00") {
			t.Errorf("%v", f.Rows)
		}
	})

	t.Run("a description", func(t *testing.T) {
		var described struct {
			Unique    bool
			Columns   []struct{ Sortable bool }
			Relations []struct {
				Name, Table, Kind string
				Columns, Matches  []string
			}
		}
		if err := json.Unmarshal(get(t, app.URL()+"/v1/tables/customer_balances").body, &described); err != nil {
			t.Fatal(err)
		}
		if got := fmt.Sprint(described.Relations); !described.Unique || !described.Columns[0].Sortable || got != "[{customer customers one [customer_id] [id]} {debts customer_debts many [id] [balance_id]}]" {
			t.Errorf("%+v", described)
		}
	})

	t.Run("a body asks the same", func(t *testing.T) { testBodies(t, app) })
	t.Run("refusals", func(t *testing.T) { testTableRefusals(t, app) })
}

// tabular is what meta says of the rows.
func (a answer) tabular(t *testing.T) (m struct {
	NextCursor, TotalRowsKind string
	TotalRows                 int64
	OrderedBy                 []string
}) {
	t.Helper()
	var document struct {
		Meta struct{ Tabular json.RawMessage }
	}
	if err := json.Unmarshal(a.body, &document); err != nil {
		t.Fatalf("%v: %s", err, a.body)
	}
	if err := json.Unmarshal(document.Meta.Tabular, &m); err != nil {
		t.Fatal(err)
	}
	return m
}

// next is the URL that the Link header of an answer holds, or nothing.
func (a answer) next(t *testing.T, of string) string {
	t.Helper()
	link := a.header.Get("Link")
	if link == "" {
		return ""
	}
	target, relation, ok := strings.Cut(strings.TrimPrefix(link, "<"), ">; ")
	if !ok || relation != `rel="next"` {
		t.Fatalf("Link %s", link)
	}
	base, err := url.Parse(of)
	if err != nil {
		t.Fatal(err)
	}
	next, err := base.Parse(target)
	if err != nil {
		t.Fatal(err)
	}
	return next.String()
}

func post(t *testing.T, url, contentType, body string) answer {
	t.Helper()
	response, err := http.Post(url, contentType, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{response.StatusCode, response.Header, text}
}

// testBodies: what a URL and a body ask alike is answered alike, with the same cursor.
func testBodies(t *testing.T, app *App) {
	for _, test := range []struct{ query, body string }{
		{"", `{}`},
		{"state=AK&limit=2", `{"where": {"column": "state", "op": "eq", "value": "AK"}, "limit": 2}`},
		{"state.in=AK,HI&latitude.gte=60&order=-latitude&select=iata,name,latitude&limit=3&count=exact",
			`{"where": {"and": [{"column": "latitude", "op": "gte", "value": 60}, {"column": "state", "op": "in", "value": ["AK", "HI"]}]},
			  "order": [{"column": "latitude", "descending": true}], "select": ["iata", "name", "latitude"], "limit": 3, "count": "exact"}`},
		{"order=city.nullsfirst,-name&limit=5", `{"order": [{"column": "city", "nulls": "first"}, {"column": "name", "descending": true, "nulls": "last"}], "limit": 5}`},
		{"group=state&agg=count,mean:latitude&having.count.gte=100&order=-count&limit=4",
			`{"group": ["state"], "agg": ["count", "mean:latitude"], "having": {"column": "count", "op": "gte", "value": 100}, "order": [{"column": "count", "descending": true}], "limit": 4}`},
	} {
		const path = "/v1/tables/airports/"
		byQuery := get(t, app.URL()+path+"rows?"+test.query)
		byBody := post(t, app.URL()+path+"query", "application/json", test.body)
		if byQuery.status != http.StatusOK || string(withoutID(byQuery.body)) != string(withoutID(byBody.body)) {
			t.Errorf("%s\n%s\nby URL  %s\nby body %s", test.query, test.body, cut(byQuery.body), cut(byBody.body))
		}
		if byBody.header.Get("Link") != "" || byBody.header.Get("X-Next-Cursor") != byQuery.header.Get("X-Next-Cursor") {
			t.Errorf("%s: headers %v", test.query, byBody.header)
		}
		if cursor := byQuery.header.Get("X-Next-Cursor"); cursor != "" {
			second := get(t, app.URL()+path+"rows?"+test.query+"&cursor="+cursor)
			body := strings.Replace(test.body, "{", `{"cursor": "`+cursor+`",`, 1)
			if test.body == "{}" {
				body = `{"cursor": "` + cursor + `"}`
			}
			if byBody = post(t, app.URL()+path+"query", "application/json; charset=utf-8", body); string(withoutID(second.body)) != string(withoutID(byBody.body)) {
				t.Errorf("the second page of %s\nby URL  %s\nby body %s", test.query, cut(second.body), cut(byBody.body))
			}
		}
	}
	csv := post(t, app.URL()+"/v1/tables/airports/query?format=csv", "application/json", `{"limit": 1, "select": ["iata"]}`)
	if string(csv.body) != "iata\r\n00M\r\n" || csv.header.Get("X-Next-Cursor") == "" {
		t.Errorf("%q, %v", csv.body, csv.header)
	}
}

// withoutID is a frame without what differs from answer to answer.
func withoutID(body []byte) []byte {
	before, _, _ := strings.Cut(string(body), `"source":`)
	return []byte(before)
}

func cut(body []byte) []byte { return body[:min(len(body), 600)] }

func testTableRefusals(t *testing.T, app *App) {
	airports := "/v1/tables/airports/"
	for _, test := range []struct {
		request        string // path, or path and body
		status         int
		code, location string
		hint           string
	}{
		{airports + "rows?order=-nme", 422, "invalid_request", "query.order", `"name"`},
		{airports + "rows?cursor=AQBo", 422, "invalid_request", "query.cursor", "first page"},
		{airports + "rows?cursor=%00", 422, "invalid_request", "query.cursor", "first page"},
		{airports + "rows?count=yes", 422, "invalid_request", "query.count", ""},
		{airports + "rows?agg=sum:latitude,sum", 422, "invalid_request", "query.agg", "sum:column"},
		{airports + "rows?agg=sum:name", 422, "invalid_request", "query.agg", "count:name"},
		{airports + "rows?group=stat&agg=count", 422, "invalid_request", "query.group", `"state"`},
		{airports + "rows?having.count.gte=2", 422, "invalid_request", "query.having", "group or agg"},
		{airports + "rows?agg=count&having.cnt.gte=2", 422, "invalid_request", "query.having.cnt.gte", "count"},
		{airports + "rows?agg=count&having=cnt.gte=2", 422, "invalid_request", "query.having", "count"},
		{airports + "rows?group=state&select=name", 422, "invalid_request", "query.select", "state"},
		{"/v1/tables/customer_balances/rows?select=debts.debt_usd", 422, "invalid_request", "query.select", "debts"},
		{"/v1/tables/customer_balances/rows?order=customer.name", 422, "invalid_request", "query.order", "itself"},
		{airports + "values/stat", 422, "invalid_request", "path.column", `"state"`},
		{airports + "values/state?limit=10001", 422, "invalid_request", "query.limit", ""},
		{airports + "values/state?stat=AK", 422, "invalid_request", "query.stat", `"state"`},
		{"/v1/tables/airport/values/state", 404, "unknown_table", "path.table", "airports"},

		{"/v1/tables/airport/query {}", 404, "unknown_table", "path.table", "airports"},
		{airports + "query", 422, "invalid_request", "body", "select"},
		{airports + "query []", 422, "invalid_request", "body", "select"},
		{airports + `query {"limit": 1`, 422, "invalid_request", "body", ""},
		{airports + `query {"limit": 1}}`, 422, "invalid_request", "body", "one object"},
		{airports + `query {"limit": 1, "limit": 2}`, 422, "invalid_request", "body.limit", "once"},
		{airports + `query {"limt": 1}`, 422, "invalid_request", "body.limt", `"limit"`},
		{airports + `query {"limit": 0}`, 422, "invalid_request", "body.limit", ""},
		{airports + `query {"limit": 1.5}`, 422, "invalid_request", "body.limit", ""},
		{airports + `query {"limit": "1"}`, 422, "invalid_request", "body.limit", ""},
		{airports + `query {"limit": null}`, 422, "invalid_request", "body.limit", ""},
		{airports + `query {"limit": "all"}`, 422, "invalid_request", "body.limit", "format=ndjson"},
		{airports + `query {"limit": 100001}`, 422, "invalid_request", "body.limit", "filter"},
		{airports + `query {"select": "iata"}`, 422, "invalid_request", "body.select", ""},
		{airports + `query {"select": ["iat"]}`, 422, "invalid_request", "body.select", `"iata"`},
		{airports + `query {"order": ["iata"]}`, 422, "invalid_request", "body.order[0]", "column"},
		{airports + `query {"order": {"column": "iata"}}`, 422, "invalid_request", "body.order", ""},
		{airports + `query {"order": [{"column": "iata", "column": "name"}]}`, 422, "invalid_request", "body.order[0].column", "once"},
		{airports + `query {"order": [{"Column": "iata"}]}`, 422, "invalid_request", "body.order[0].Column", `"column"`},
		{airports + `query {"order": [{"descending": true}]}`, 422, "invalid_request", "body.order[0].column", ""},
		{airports + `query {"Limit": 1}`, 422, "invalid_request", "body.Limit", `"limit"`},
		{airports + `query {"order": [{"column": "iata", "nulls": "never"}]}`, 422, "invalid_request", "body.order[0].nulls", ""},
		{airports + `query {"order": [{"column": "iata"}, {"column": "nam"}]}`, 422, "invalid_request", "body.order[1].column", `"name"`},
		{airports + `query {"order": [{"colum": "iata"}]}`, 422, "invalid_request", "body.order[0].colum", `"column"`},
		{airports + `query {"cursor": ""}`, 422, "invalid_request", "body.cursor", "Leave it out"},
		{airports + `query {"count": ""}`, 422, "invalid_request", "body.count", "Leave it out"},
		{airports + `query {"where": {"and": [{"or": []}, {"column": "latitude", "op": "like", "value": "9%"}]}}`, 422, "invalid_request", "body.where.and[1].op", "What fits"},
		{airports + "rows?where=or()&latitude=north", 422, "invalid_request", "query.latitude", ""},
		{airports + "rows?latitude.ge=60", 422, "invalid_request", "query.latitude.ge", `"gte"`},
		{airports + `query {"count": "yes"}`, 422, "invalid_request", "body.count", ""},
		{airports + `query {"cursor": "x"}`, 422, "invalid_request", "body.cursor", "first page"},
		{airports + `query {"where": {"column": "stat", "op": "eq", "value": "AK"}}`, 422, "invalid_request", "body.where.column", `"state"`},
		{airports + `query {"where": {"column": "latitude", "op": "eq", "value": "north"}}`, 422, "invalid_request", "body.where.value", ""},
		{airports + `query {"where": 1}`, 422, "invalid_request", "body.where", ""},
		{airports + `query {"agg": ["count"], "having": {"column": "cnt", "op": "eq", "value": 1}}`, 422, "invalid_request", "body.having.column", "count"},
		{airports + `query {"having": {"column": "count", "op": "eq", "value": 1}}`, 422, "invalid_request", "body.having", "group or agg"},
		{airports + `query {"` + strings.Repeat("x", 500_000) + `": 1}`, 422, "invalid_request", "body." + strings.Repeat("x", 100), "Members"},
		{airports + `query {"select": ["` + strings.Repeat("x", 500_000) + `"]}`, 422, "invalid_request", "body.select", "Columns"},
		{airports + `query {"order": [{"column": "` + strings.Repeat("x", 500_000) + `"}]}`, 422, "invalid_request", "body.order[0].column", "Columns"},
		{airports + `query {"group": ["` + strings.Repeat("x.", 250_000) + `"]}`, 422, "invalid_request", "body.group", "Columns"},
		{airports + `query {"agg": ["` + strings.Repeat("x", 500_000) + `"]}`, 422, "invalid_request", "body.agg", "Aggregates"},
		{airports + `query {"agg": ["sum:` + strings.Repeat("x", 500_000) + `"]}`, 422, "invalid_request", "body.agg", "Columns"},
		{airports + `query {"cursor": "` + strings.Repeat("x", 500_000) + `"}`, 422, "invalid_request", "body.cursor", "first page"},
		{airports + `query {"count": "` + strings.Repeat("x", 500_000) + `"}`, 422, "invalid_request", "body.count", ""},
		{airports + `query {"order": [{"column": "iata", "nulls": "` + strings.Repeat("x", 500_000) + `"}]}`, 422, "invalid_request", "body.order[0].nulls", ""},
		{airports + `query?limit=1 {}`, 422, "invalid_request", "query.limit", ""},
		{airports + `query?format=xml {}`, 406, "not_acceptable", "query.format", "format=json"},
		{airports + `query {"cursor": "` + strings.Repeat("x", 1<<20) + `"}`, 413, "body_too_large", "body", "fewer"},
	} {
		name := test.request[:min(len(test.request), 100)]
		t.Run(name, func(t *testing.T) {
			path, body, posted := strings.Cut(test.request, " ")
			var a answer
			if posted = posted || strings.HasSuffix(path, "query"); posted {
				a = post(t, app.URL()+path, "application/json", body)
			} else {
				a = get(t, app.URL()+path)
			}
			p := a.problem(t)
			if len(a.body) > 4000 {
				t.Errorf("the answer repeats %d bytes", len(a.body))
			}
			if p.Status != test.status || p.Code != test.code {
				t.Errorf("status %d, code %s; want %d, %s: %s", p.Status, p.Code, test.status, test.code, a.body)
			}
			if len(p.Errors) == 0 || p.Errors[0].Location != test.location || !strings.Contains(p.Errors[0].Hint, test.hint) {
				t.Errorf("errors %+v; want location %s, hint %q", p.Errors, test.location, test.hint)
			}
		})
	}
	for _, contentType := range []string{"text/csv", "application/x-www-form-urlencoded", "application/", "json"} {
		if p := post(t, app.URL()+airports+"query", contentType, "{}").problem(t); p.Status != http.StatusUnsupportedMediaType || !strings.Contains(p.Errors[0].Hint, "application/json") {
			t.Errorf("%s: %+v", contentType, p)
		}
	}
}

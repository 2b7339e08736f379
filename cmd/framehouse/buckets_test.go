package main

import (
	"encoding/csv"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"framehouse/internal/demo"
)

// TestBuckets compares a month of the demo with its source file, and asks with a body.
func TestBuckets(t *testing.T) {
	app := open(t, Config{Demo: true, DataDir: t.TempDir()})
	t.Run("a month of candles", func(t *testing.T) { testCandles(t, app) })
	t.Run("a body", func(t *testing.T) { testNodeQuery(t, app) })
	t.Run("one end under two names", func(t *testing.T) {
		a := get(t, app.URL()+"/v1/nodes/sp500/rows?from=2008-08-01&start=2008-08-01&end_date=2008-08-31&select=close")
		if f := a.frame(t); len(f.Rows) != 21 {
			t.Errorf("August 2008 has %d rows", len(f.Rows))
		}
		if a := get(t, app.URL()+"/v1/nodes/sp500/rows?from=2008-08-01&start_date=2008-09-01"); a.status != http.StatusUnprocessableEntity || !strings.Contains(string(a.body), "query.start_date") {
			t.Errorf("two starts: %d %s", a.status, a.body)
		}
	})
}

func testCandles(t *testing.T, app *App) {
	dir, err := demo.Find()
	if err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(filepath.Join(dir, "sp500-2000.csv"))
	if err != nil {
		t.Fatal(err)
	}
	lines, err := csv.NewReader(strings.NewReader(string(content))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	// date, open, high, low, close, adj_close, volume
	var august [][]float64
	for _, line := range lines {
		if strings.HasPrefix(line[0], "2008-08-") {
			numbers := make([]float64, len(line)-1)
			for i, text := range line[1:] {
				if numbers[i], err = strconv.ParseFloat(text, 64); err != nil {
					t.Fatal(err)
				}
			}
			august = append(august, numbers)
		}
	}
	first, last := august[0], august[len(august)-1]
	want := map[string]float64{"open": first[0], "close": last[3], "adj_close": last[4], "high": first[1], "low": first[2]}
	for _, day := range august {
		want["high"], want["low"], want["volume"] = max(want["high"], day[1]), min(want["low"], day[2]), want["volume"]+day[5]
	}
	f := get(t, app.URL()+"/v1/nodes/sp500/rows?from=2000-01-01&to=2010-12-31&interval=1mo&agg=ohlc").frame(t)
	if len(f.Rows) != 132 {
		t.Fatalf("eleven years have %d months", len(f.Rows))
	}
	i := slices.IndexFunc(f.Rows, func(row map[string]any) bool { return row["date"] == "2008-08-01" })
	if i < 0 {
		t.Fatal("there is no August 2008")
	}
	for name, value := range want {
		if got, err := strconv.ParseFloat(f.Rows[i][name].(json.Number).String(), 64); err != nil || got != value {
			t.Errorf("%s of August 2008 is %v, not %v", name, f.Rows[i][name], value)
		}
	}
}

func testNodeQuery(t *testing.T, app *App) {
	ask := func(body string) (int, string) {
		t.Helper()
		a := post(t, app.URL()+"/v1/nodes/stocks/query", "application/json", body)
		return a.status, string(a.body)
	}
	status, text := ask(`{"ranges": [
		{"series": {"symbol": "AAPL"}, "from": "2005-01-01", "to": "2005-02-28"},
		{"series": {"symbol": ["IBM", "MSFT"]}, "from": "2009-12-01", "to": "2009-12-31"}], "select": ["price"]}`)
	var frame struct {
		Rows []struct{ Date, Symbol string }
	}
	if err := json.Unmarshal([]byte(text), &frame); err != nil || status != http.StatusOK {
		t.Fatal(status, text)
	}
	var got []string
	for _, row := range frame.Rows {
		got = append(got, row.Date+" "+row.Symbol)
	}
	if want := []string{"2005-01-01 AAPL", "2005-02-01 AAPL", "2009-12-01 IBM", "2009-12-01 MSFT"}; !slices.Equal(got, want) {
		t.Errorf("ranges of series: %q, not %q", got, want)
	}
	// The same answers as the parameters have.
	for body, path := range map[string]string{
		`{"from": "2005-01-01", "to": "2005-12-31", "where": {"column": "symbol", "value": "IBM"}}`:               "from=2005-01-01&to=2005-12-31&symbol=IBM",
		`{"interval": "1q", "agg": ["mean"], "last": "20y", "fill": 0, "mark_filled": true, "limit": 7}`:          "interval=1q&agg=mean&last=20y&fill=0&mark_filled=true&limit=7",
		`{"start": 1104537600, "end_date": "2005-12-31", "order": "desc", "identifiers": ["AAPL"], "limit": 3}`:   "from=1104537600&to=2005-12-31&order=desc&identifiers=AAPL&limit=3",
		`{"interval": "1y", "timezone": "Asia/Kathmandu", "label": "right", "agg": ["price:max"], "limit": 2000}`: "interval=1y&timezone=Asia/Kathmandu&label=right&agg=price:max&limit=2000",
	} {
		_, text := ask(body)
		var a, b struct{ Rows []map[string]any }
		if json.Unmarshal([]byte(text), &a) != nil || json.Unmarshal(get(t, app.URL()+"/v1/nodes/stocks/rows?"+path).body, &b) != nil {
			t.Fatal(text)
		}
		left, _ := json.Marshal(a.Rows)
		right, _ := json.Marshal(b.Rows)
		if len(a.Rows) == 0 || string(left) != string(right) {
			t.Errorf("%s\n%d rows: %.300s\n%s\n%d rows: %.300s", body, len(a.Rows), text, path, len(b.Rows), right)
		}
	}
	for body, place := range map[string]string{
		`[]`:                     "body",
		`{"form": "2005-01-01"}`: "body.form",
		`{"from": "2005-01-01", "from": "2006-01-01"}`: "body.from",
		`{"from": true}`:                             "body.from",
		`{"interval": "1x"}`:                         "body.interval",
		`{"order": "up"}`:                            "body.order",
		`{"shape": "square"}`:                        "body.shape",
		`{"points": 0}`:                              "body.points",
		`{"fill": "null"}`:                           "body.fill",
		`{"ranges": [{"from": "2005-01-01"}]}`:       "body.ranges[0].series",
		`{"ranges": [{"series": {"sector": "IT"}}]}`: "body.ranges[0].series.sector",
		`{"ranges": [{"series": {"symbol": "IBM", "symbol": "AAPL"}}]}`:                 "body.ranges[0].series.symbol",
		`{"ranges": [{"series": {"symbol": "IBM"}, "form": 1}]}`:                        "body.ranges[0].form",
		`{"ranges": [{"series": {"symbol": "IBM"}, "from": "x"}]}`:                      "body.ranges[0].from",
		`{"ranges": [{"series": {"symbol": "IBM"}}], "from": "2005-01-01"}`:             "body.ranges",
		`{"ranges": [{"series": {"symbol": "IBM"}}], "interval": "1y", "fill": "null"}`: "body.fill",
	} {
		status, text := ask(body)
		var problem struct{ Errors []struct{ Location string } }
		if err := json.Unmarshal([]byte(text), &problem); err != nil || status != http.StatusUnprocessableEntity || len(problem.Errors) == 0 || problem.Errors[0].Location != place {
			t.Errorf("%s: %d %s, not a fault at %s", body, status, text, place)
		}
	}
	if status, _ := ask(`{"select": ["` + strings.Repeat("x", 1<<20) + `"]}`); status != http.StatusRequestEntityTooLarge {
		t.Errorf("a body of more than a megabyte: %d", status)
	}
}

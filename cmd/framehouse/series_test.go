package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"framehouse/internal/contracts/contracttest"
)

// TestSeries asks for reductions, last values and wide frames of the demo's nodes.
func TestSeries(t *testing.T) {
	app := open(t, Config{Demo: true, DataDir: t.TempDir()})
	nodes := app.URL() + "/v1/nodes/"
	t.Run("frames fit the contract", func(t *testing.T) {
		for _, path := range []string{
			"flights/rows?points=1000&origin=SEA", "sp500/rows?points=200&downsample=m4", "sp500/rows?points=50", "sp500/rows?points=300&downsample=mean",
			"stocks/latest?at=2005-06-15", "stocks/latest?max_age=30d&stale=null", "stocks/rows?shape=wide&select=price", "seattle_weather/rows?shape=wide&select=temp_max",
			"stocks/rows?shape=wide&interval=1y&agg=mean", "stocks/asof?with=sp500:close&tolerance=7d", "stocks/coverage", "sp500/coverage", "stocks/values/symbol?search=a",
			"stocks/rows?shape=wide&from=1900-01-01&to=1901-01-01",
		} {
			t.Run(path, func(t *testing.T) {
				a := get(t, nodes+path)
				f := a.frame(t)
				contracttest.Validate(t, contracttest.TabularFrame, a.body)
				named := []any{f.Meta.TimeSeries["timeField"], f.Meta.TimeSeries["valueField"], f.Meta.TimeSeries["seriesField"]}
				if several, ok := f.Meta.TimeSeries["valueFields"].([]any); ok {
					named = append(named, several...)
				}
				for _, name := range named {
					if name != nil && !slices.Contains(f.Columns, name.(string)) {
						t.Errorf("the time series names %q, which is no column", name)
					}
				}
			})
		}
	})
	t.Run("points", func(t *testing.T) {
		all := map[string]bool{}
		for _, row := range get(t, nodes+"sp500/rows?select=close").frame(t).Rows {
			all[fmt.Sprint(row["date"], row["close"])] = true
		}
		for method, most := range map[string]int{"m4": 200, "lttb": 200, "auto": 200} {
			f := get(t, nodes+"sp500/rows?points=200&select=close&downsample="+method).frame(t)
			if len(f.Rows) > most || len(f.Rows) < most/3 || f.Meta.Tabular.Truncated {
				t.Errorf("%s: %d rows of 200 points", method, len(f.Rows))
			}
			for _, row := range f.Rows {
				if !all[fmt.Sprint(row["date"], row["close"])] {
					t.Errorf("%s: %v is not in the data", method, row)
				}
			}
			// The crash of 2008/9 and the top before that of 2020.
			text := fmt.Sprint(f.Rows)
			if method != "lttb" && (!strings.Contains(text, "2009-03-09") || !strings.Contains(text, "2020-02-19")) {
				t.Errorf("%s leaves out an extreme: %s", method, text)
			}
		}
		f := get(t, nodes+"flights/rows?points=1000&origin=SEA").frame(t)
		if len(f.Rows) == 0 || f.Meta.Tabular.RowCount != len(f.Rows) {
			t.Errorf("flights from Seattle: %d rows", len(f.Rows))
		}
		for _, row := range f.Rows {
			if row["origin"] != "SEA" {
				t.Fatalf("flights from Seattle: %v", row)
			}
		}
	})
	t.Run("latest", func(t *testing.T) {
		var got []string
		for _, row := range get(t, nodes+"stocks/latest?at=2005-06-15").frame(t).Rows {
			got = append(got, fmt.Sprint(row["symbol"], " ", row["date"], " ", row["price"]))
		}
		if want := []string{"AAPL 2005-06-01 36.81", "AMZN 2005-06-01 33.09", "GOOG 2005-06-01 294.15", "IBM 2005-06-01 68.93", "MSFT 2005-06-01 22.93"}; !slices.Equal(got, want) {
			t.Errorf("as of June 2005\n got %v\nwant %v", got, want)
		}
		// Google was not listed yet, and five years later nothing is fresh.
		if f := get(t, nodes+"stocks/latest?at=2004-07-31").frame(t); len(f.Rows) != 4 {
			t.Errorf("as of July 2004: %v", f.Rows)
		}
		if f := get(t, nodes+"stocks/latest?at=2015-01-01&max_age=30d").frame(t); len(f.Rows) != 0 {
			t.Errorf("fresh in 2015: %v", f.Rows)
		}
		if f := get(t, nodes+"stocks/latest?at=2015-01-01&max_age=30d&stale=null").frame(t); len(f.Rows) != 5 || f.Rows[0]["price"] != nil || f.Rows[0]["date"] != "2010-03-01" {
			t.Errorf("stale in 2015: %v", f.Rows)
		}
		// Three million flights of thousands of series, found in steps.
		f := get(t, nodes+"flights/latest?origin=SEA&destination=LAX").frame(t)
		if len(f.Rows) == 0 || fmt.Sprint(f.Rows[0]["nth"]) != "1" {
			t.Errorf("last flights from Seattle to Los Angeles: %v", f.Rows)
		}
	})
	t.Run("wide", func(t *testing.T) {
		f := get(t, nodes+"stocks/rows?shape=wide&select=price").frame(t)
		if want := []string{"date", "AAPL", "AMZN", "GOOG", "IBM", "MSFT"}; !slices.Equal(f.Columns, want) || len(f.Rows) != 123 {
			t.Fatalf("%d rows, columns %v", len(f.Rows), f.Columns)
		}
		if first, last := f.Rows[0], f.Rows[122]; first["GOOG"] != nil || fmt.Sprint(first["AAPL"]) != "25.94" || fmt.Sprint(last["GOOG"]) != "560.19" || last["date"] != "2010-03-01" {
			t.Errorf("first %v, last %v", first, last)
		}
		if f.Meta.TimeSeries["shape"] != "wide" {
			t.Errorf("time series %v", f.Meta.TimeSeries)
		}
		unprocessable(t, nodes+"flights/rows?shape=wide&select=delay", "at most 200")
	})
	t.Run("joined", func(t *testing.T) {
		f := get(t, nodes+"stocks/asof?with=sp500:close,sp500:date&identifiers=IBM&from=2008-09-01&to=2008-11-01&tolerance=7d&select=price").frame(t)
		// The first of November 2008 was a Saturday, that of September a holiday.
		for i, want := range []string{"2008-08-29", "2008-10-01", "2008-10-31"} {
			if len(f.Rows) != 3 || f.Rows[i]["sp500.date"] != want {
				t.Fatalf("rows %v", f.Rows)
			}
		}
	})
	t.Run("polled", func(t *testing.T) {
		var first, next struct {
			Rows []any
			Meta struct{ Tabular struct{ TailCursor string } }
		}
		if err := json.Unmarshal(get(t, nodes+"sp500/rows?from=2020-01-01").body, &first); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(get(t, nodes+"sp500/rows?from=2020-01-01&since="+first.Meta.Tabular.TailCursor).body, &next); err != nil {
			t.Fatal(err)
		}
		if len(first.Rows) < 50 || len(next.Rows) != 1 || next.Meta.Tabular != first.Meta.Tabular {
			t.Errorf("%d rows and then %d, cursors %+v and %+v", len(first.Rows), len(next.Rows), first.Meta, next.Meta)
		}
		unprocessable(t, nodes+"stocks/rows?since="+first.Meta.Tabular.TailCursor, "no cursor of stocks")
	})
	t.Run("described", func(t *testing.T) {
		var described struct {
			Cadence struct {
				MostCommon string
				AsDeclared bool
			}
		}
		for node, want := range map[string]string{"stocks": "1mo true", "sp500": "1d true", "seattle_weather": "1d true"} {
			if err := json.Unmarshal(get(t, nodes+node).body, &described); err != nil {
				t.Fatal(err)
			}
			if got := fmt.Sprint(described.Cadence.MostCommon, " ", described.Cadence.AsDeclared); got != want {
				t.Errorf("%s: cadence %s, not %s", node, got, want)
			}
		}
		f := get(t, nodes+"stocks/values/symbol?search=m").frame(t)
		if len(f.Rows) != 3 {
			t.Errorf("symbols with an m: %v", f.Rows)
		}
		unprocessable(t, nodes+"stocks/values/price", "no dimension")
		if f := get(t, nodes+"stocks/coverage?identifiers=GOOG").frame(t); len(f.Rows) != 1 || f.Rows[0]["first"] != "2004-08-01" || fmt.Sprint(f.Rows[0]["count"], " ", f.Rows[0]["longest_gap"]) != "68 2678400" {
			t.Errorf("coverage of Google: %v", f.Rows)
		}
	})
}

func unprocessable(t *testing.T, url, text string) {
	t.Helper()
	if a := get(t, url); a.status != http.StatusUnprocessableEntity || !strings.Contains(string(a.body), text) {
		t.Errorf("%s: status %d, %s", url, a.status, a.body)
	}
}

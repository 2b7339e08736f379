package main

import (
	"encoding/csv"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"framehouse/internal/contracts/contracttest"
	"framehouse/internal/demo"
)

func TestDemo(t *testing.T) {
	dir := t.TempDir()
	app := open(t, Config{Demo: true, DataDir: dir})
	t.Run("tutorial", func(t *testing.T) { testTutorial(t, app) })
	t.Run("frames fit the contract", func(t *testing.T) { testContract(t, app) })
	t.Run("sp500 is the source file", func(t *testing.T) { testSource(t, app) })
	t.Run("tables", func(t *testing.T) { testTables(t, app) })
	t.Run("nodes", func(t *testing.T) { testNodes(t, app) })
	t.Run("refusals", func(t *testing.T) { testRefusals(t, app) })
	t.Run("discovery", func(t *testing.T) { testDiscovery(t, app) })
	t.Run("service", func(t *testing.T) { testService(t, app) })
	t.Run("a second server on the data folder", func(t *testing.T) { testSecond(t, app, dir) })
	t.Run("a killed ClickHouse", func(t *testing.T) { testKilledEngine(t, app) })
}

func testTutorial(t *testing.T, app *App) {
	customers := get(t, app.URL()+"/customers?region=US")
	const acme = `[{"id":1,"customer_code":"ACME","name":"Acme Capital","region":"US"}]`
	if got := strings.TrimSpace(string(customers.body)); got != acme {
		t.Errorf("customers of the US:\n got %s\nwant %s", got, acme)
	}
	if got := get(t, app.URL()+"/customers?limit=1"); got.header.Get("X-Truncated") != "true" || strings.Count(string(got.body), `"id"`) != 1 {
		t.Errorf("one customer of two: X-Truncated %q, %s", got.header.Get("X-Truncated"), got.body)
	}
	var random struct {
		Identifier string
		Rows       []map[string]any
	}
	if err := json.Unmarshal(get(t, app.URL()+"/random-numbers?start_date=2026-03-01&end_date=2026-03-31").body, &random); err != nil {
		t.Fatal(err)
	}
	if len(random.Rows) != 31 || random.Rows[0]["time_index"] != "2026-03-01T00:00:00Z" || random.Rows[30]["time_index"] != "2026-03-31T00:00:00Z" {
		t.Errorf("random numbers of March 2026: %d rows: %v", len(random.Rows), random.Rows)
	}
	if random.Identifier != "example_random_number_local_0.0" {
		t.Errorf("identifier %q", random.Identifier)
	}
}

func testContract(t *testing.T, app *App) {
	paths := []string{
		"/widgets/customers/source", "/v1/tables", "/v1/nodes",
		"/v1/tables/customers/rows", "/v1/tables/customer_balances/rows", "/v1/tables/customer_debts/rows", "/v1/tables/airports/rows?limit=100",
		"/v1/tables/airports/rows?state=none", // empty
		"/v1/nodes/example_random_number_local_0.0/rows?last=7d",
		"/v1/nodes/sp500/rows?limit=10", "/v1/nodes/stocks/rows", "/v1/nodes/seattle_weather/rows?limit=10", "/v1/nodes/flights/rows?limit=10",
		"/v1/nodes/sp500/rows?from=1900-01-01&to=1900-12-31", // empty
		"/v1/nodes/seattle_weather/rows?select=weather&limit=1",
		"/v1/nodes/sp500/latest", "/v1/nodes/stocks/latest", "/v1/nodes/flights/latest?limit=10",
	}
	for _, path := range paths {
		t.Run(path, func(t *testing.T) {
			a := get(t, app.URL()+path)
			f := a.frame(t)
			for i, column := range f.Columns {
				if f.Fields[i]["key"] != column {
					t.Errorf("column %s has the field %v", column, f.Fields[i])
				}
			}
			for _, row := range f.Rows {
				if len(row) != len(f.Columns) {
					t.Fatalf("row %v has not the columns %v", row, f.Columns)
				}
			}
			if f.Meta.Tabular.RowCount != len(f.Rows) {
				t.Errorf("rowCount %d, rows %d", f.Meta.Tabular.RowCount, len(f.Rows))
			}
			// What the schema can't say: the columns that the time series names exist.
			for _, name := range []string{"timeField", "valueField", "seriesField"} {
				if column, ok := f.Meta.TimeSeries[name].(string); ok && !slices.Contains(f.Columns, column) {
					t.Errorf("%s names %q, which is no column", name, column)
				}
			}
			contracttest.Validate(t, contracttest.TabularFrame, a.body)
		})
	}
}

// testSource compares September 2008 with the file that it came from.
func testSource(t *testing.T, app *App) {
	dir, err := demo.Find()
	if err != nil {
		t.Fatal(err)
	}
	file, err := os.Open(filepath.Join(dir, "sp500-2000.csv"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	lines, err := csv.NewReader(file).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var want [][]string
	for _, line := range lines {
		if strings.HasPrefix(line[0], "2008-09-") {
			want = append(want, line)
		}
	}
	f := get(t, app.URL()+"/v1/nodes/sp500/rows?from=2008-09-01&to=2008-09-30").frame(t)
	if len(want) != 21 || len(f.Rows) != len(want) {
		t.Fatalf("%d rows of %d", len(f.Rows), len(want))
	}
	columns := []string{"date", "open", "high", "low", "close", "adj_close", "volume"}
	for i, row := range f.Rows {
		for j, column := range columns {
			text, _ := row[column].(string)
			if number, ok := row[column].(json.Number); ok {
				text = number.String()
			}
			expected := want[i][j]
			if strings.Contains(expected, ".") {
				expected = strings.TrimRight(strings.TrimRight(expected, "0"), ".")
			}
			if text != expected {
				t.Errorf("row %d, %s: %s, in the file %s", i, column, text, want[i][j])
			}
		}
	}
}

func testTables(t *testing.T, app *App) {
	f := get(t, app.URL()+"/v1/tables/airports/rows?state=AK&limit=5").frame(t)
	if len(f.Rows) != 5 || !f.Meta.Tabular.Truncated || f.Meta.Tabular.Limit != 5 {
		t.Errorf("five of many airports: %d rows, %+v", len(f.Rows), f.Meta.Tabular)
	}
	for _, row := range f.Rows {
		if row["state"] != "AK" {
			t.Errorf("an airport of Alaska: %v", row)
		}
	}
	if f := get(t, app.URL()+"/v1/tables/airports/rows?state=AK&limit=1000").frame(t); f.Meta.Tabular.Truncated {
		t.Errorf("%d airports of Alaska are said to be cut", len(f.Rows))
	}
	f = get(t, app.URL()+"/v1/tables/airports/rows?state=AK&state=HI&select=latitude,iata&order=-latitude&limit=3000").frame(t)
	if !slices.Equal(f.Columns, []string{"latitude", "iata"}) || len(f.Rows) < 200 {
		t.Errorf("columns %v, %d rows", f.Columns, len(f.Rows))
	}
	for i := 1; i < len(f.Rows); i++ {
		a, _ := f.Rows[i-1]["latitude"].(json.Number).Float64()
		b, _ := f.Rows[i]["latitude"].(json.Number).Float64()
		if a < b {
			t.Fatalf("latitude %v comes before %v", a, b)
		}
	}
	var described struct {
		Key     []string
		MaxRows int
		Rows    int
		Columns []struct{ Name, Type, NativeType, Label string }
	}
	if err := json.Unmarshal(get(t, app.URL()+"/v1/tables/airports").body, &described); err != nil {
		t.Fatal(err)
	}
	if described.Rows != 3376 || len(described.Columns) != 7 || described.Columns[5].NativeType != "Float64" || !slices.Equal(described.Key, []string{"iata"}) {
		t.Errorf("airports: %+v", described)
	}
}

func testNodes(t *testing.T, app *App) {
	stocks := app.URL() + "/v1/nodes/stocks"
	f := get(t, stocks+"/rows?identifiers=AAPL,MSFT&from=2005-01-01&to=2005-02-01").frame(t)
	var got []string
	for _, row := range f.Rows {
		got = append(got, row["date"].(string)+" "+row["symbol"].(string))
	}
	if want := []string{"2005-01-01 AAPL", "2005-01-01 MSFT", "2005-02-01 AAPL", "2005-02-01 MSFT"}; !slices.Equal(got, want) {
		t.Errorf("two stocks in two months:\n got %v\nwant %v", got, want)
	}
	if f.Meta.Range.From != "2005-01-01T00:00:00Z" || f.Meta.Range.To != "2005-02-02T00:00:00Z" {
		t.Errorf("resolved range %+v", f.Meta.Range)
	}
	// What is cut are the oldest rows, in either order.
	oldestFirst := get(t, stocks+"/rows?limit=3&select=price").frame(t)
	newestFirst := get(t, stocks+"/rows?limit=3&select=price&order=desc").frame(t)
	slices.Reverse(newestFirst.Rows)
	for i, row := range oldestFirst.Rows {
		if row["date"] != "2010-03-01" || row["symbol"] != newestFirst.Rows[i]["symbol"] {
			t.Errorf("row %d of the newest three is %v and %v", i, row, newestFirst.Rows[i])
		}
	}
	for _, f := range []frame{oldestFirst, newestFirst} {
		if !f.Meta.Tabular.Truncated || f.Meta.Tabular.RowCount != 3 || !slices.Equal(f.Columns, []string{"date", "symbol", "price"}) {
			t.Errorf("three of 560 rows: %+v, columns %v", f.Meta.Tabular, f.Columns)
		}
	}
	if f := get(t, stocks+"/rows?limit=560").frame(t); f.Meta.Tabular.Truncated || len(f.Rows) != 560 {
		t.Errorf("all of 560 rows: %d, %+v", len(f.Rows), f.Meta.Tabular)
	}
	latest := get(t, stocks+"/latest?identifiers=IBM").frame(t)
	if len(latest.Rows) != 1 || latest.Rows[0]["date"] != "2010-03-01" {
		t.Errorf("latest of IBM: %v", latest.Rows)
	}
	var described struct {
		Time, Value, Frequency, FirstTime, LastTime string
		Dimensions, Values                          []string
	}
	if err := json.Unmarshal(get(t, stocks).body, &described); err != nil {
		t.Fatal(err)
	}
	if described.Time != "date" || described.Value != "price" || described.FirstTime != "2000-01-01" || described.LastTime != "2010-03-01" ||
		!slices.Equal(described.Dimensions, []string{"symbol"}) || !slices.Equal(described.Values, []string{"price"}) {
		t.Errorf("stocks: %+v", described)
	}
}

func testService(t *testing.T, app *App) {
	for path, want := range map[string]string{
		"/health":       `{"status":"ok"}`,
		"/me":           `{"username":"anonymous","authenticated":false}`,
		"/ready":        `"status":"ready","clickhouse":{"reachable":true,"version":"`,
		"/info":         `{"name":"framehouse","version":"dev"`,
		"/openapi.json": `"/v1/nodes/{node}/rows"`,
		"/openapi.yaml": "openapi: 3.1.0",
		"/docs":         "swagger-ui-bundle.js",
	} {
		if a := get(t, app.URL()+path); a.status != http.StatusOK || !strings.Contains(string(a.body), want) {
			t.Errorf("%s: status %d, no %s in %s", path, a.status, want, a.body)
		}
	}
}

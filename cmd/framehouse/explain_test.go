package main

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"framehouse/internal/contracts/contracttest"
	"framehouse/internal/store/sql"
	"framehouse/internal/store/storetest"
)

// explanation is what tests look at of an answer to explain=1.
type explanation struct {
	Statements []struct {
		Rows, Bytes *int64
		Reads       []struct {
			Table                                string
			Rows, Bytes, Marks                   int64
			Parts, OfParts, Granules, OfGranules int64
			Indexes                              []struct {
				Type, Condition                      string
				Keys                                 []string
				Parts, OfParts, Granules, OfGranules int64
			}
		}
	}
	Range  map[string]any
	Limits struct {
		Seconds                  float64
		MemoryBytes, Rows, Bytes int64
	}
	Notes                     []string
	Version, Cache, RequestID string
}

func (a answer) explanation(t *testing.T) explanation {
	t.Helper()
	if a.status != http.StatusOK || a.header.Get("Content-Type") != "application/vnd.framehouse.explanation+json" {
		t.Fatalf("status %d, %v: %s", a.status, a.header, a.body)
	}
	var e explanation
	decoder := json.NewDecoder(strings.NewReader(string(a.body)))
	if err := decoder.Decode(&e); err != nil {
		t.Fatalf("%v: %s", err, a.body)
	}
	if len(e.Statements) != 1 || e.RequestID == "" {
		t.Fatalf("%s", a.body)
	}
	return e
}

// granule is how many rows a granule of ClickHouse has at most.
const granule = 8192

func openExplained(t *testing.T) (app *App, database string) {
	t.Helper()
	database = storetest.Database(t)
	storetest.Exec(t, database, `
		CREATE TABLE ticks (time DateTime, id UInt64, v Float64, text String, secret UInt64) ORDER BY (id, secret, time) PARTITION BY toYYYYMM(time);
		INSERT INTO ticks SELECT toDateTime('2026-01-01') + number * 10 AS time, number % 20 AS id, number AS v, repeat('x', 50) AS text, 7 AS secret FROM numbers(500000);
		CREATE VIEW view AS SELECT time, id, v FROM ticks WHERE secret = 7;
		CREATE TABLE memory (id UInt64) ENGINE = Memory AS SELECT number AS id FROM numbers(100);
		CREATE TABLE things (id UInt64, name String) ORDER BY id AS SELECT number AS id, toString(number) AS name FROM numbers(20);
	`)
	address, _ := forward(t, "127.0.0.1:0")
	return open(t, Config{
		ClickHouse: urlOf(t, database, address), QueryLimits: sql.Limits{Rows: 400_000, Memory: 3e9}, QueryTimeout: 20 * time.Second,
		CatalogFile: writeCatalog(t, `
tables:
  ticks:
    key: [id, time]
    columns: {secret: {hidden: true}}
    export: true
    limits: {time: 1500ms, bytes: 5GB, rows: none}
    references: {thing: {columns: id, table: things, inverse: ticks}}
  view:
  memory:
  things:
nodes:
  series: {table: ticks, time: time, dimensions: id, columns: {secret: {hidden: true}, text: {hidden: true}}}
`),
	}), database
}

func TestExplain(t *testing.T) {
	t.Parallel()
	app, _ := openExplained(t)
	for _, test := range []struct {
		path  string
		keyed bool // few granules are read
	}{
		{"/v1/tables/ticks/rows?id=3&time.gte=2026-02-01T00:00:00Z&time.lt=2026-02-02T00:00:00Z", true},
		{"/v1/tables/ticks/rows?id=3&group=id&agg=count", true},
		{"/v1/tables/ticks/rows?v.gte=1000&group=id&agg=count,max:v", false},
		{"/v1/tables/ticks/values/id?v.gte=1000", false},
		{"/v1/nodes/series/rows?id=4&from=2026-01-31&to=2026-02-10", true},
		{"/v1/nodes/series/rows?id=4&from=2026-01-01&to=2026-01-10&interval=1d&agg=mean", true},
		{"/v1/nodes/series/coverage?id=5", true},
		{"/v1/nodes/series/latest?id=5&at=2026-01-20", true},
	} {
		t.Run(test.path, func(t *testing.T) {
			e := get(t, app.URL()+test.path+"&explain=1").explanation(t)
			s := e.Statements[0]
			if s.Rows == nil || s.Bytes == nil || len(s.Reads) != 1 || *s.Rows != s.Reads[0].Rows || *s.Bytes == 0 {
				t.Fatalf("%+v", s)
			}
			r := s.Reads[0]
			if r.Granules == 0 || r.Granules > r.OfGranules || r.Rows > r.Marks*granule || r.Rows < (r.Marks-r.Parts-2)*granule/2 {
				t.Errorf("%+v", r)
			}
			if few := r.Granules*4 < r.OfGranules; few != test.keyed {
				t.Errorf("%d of %d granules are read", r.Granules, r.OfGranules)
			}
			primary := r.Indexes[len(r.Indexes)-1]
			if primary.Type != "PrimaryKey" || test.keyed != (primary.Condition != "") {
				t.Errorf("the primary key: %+v", primary)
			}
		})
	}
}

// What an explanation says besides numbers, and what it keeps to itself.
func TestExplanation(t *testing.T) {
	t.Parallel()
	app, database := openExplained(t)
	explained := func(path string) explanation { t.Helper(); return get(t, app.URL()+path).explanation(t) }

	e := explained("/v1/tables/ticks/rows?id=3&explain=1")
	if e.Limits.Seconds != 1.5 || e.Limits.Bytes != 5e9 || e.Limits.Rows != 0 || e.Limits.MemoryBytes != 3e9 || len(e.Notes) != 0 || e.Statements[0].Reads[0].Table != "ticks" {
		t.Errorf("%+v", e)
	}
	e = explained("/v1/nodes/series/rows?from=2026-01-02&to=2026-01-03&timezone=Europe/Berlin&explain=1")
	if e.Range["from"] != "2026-01-01T23:00:00Z" || e.Range["to"] != "2026-01-03T23:00:00Z" || e.Limits.Seconds != 20 || e.Limits.Rows != 400_000 || len(e.Notes) != 1 || e.Statements[0].Reads[0].Table != "series" {
		t.Errorf("%+v", e)
	}
	// More than the limit allows can be explained; that it is refused is what one wants to know.
	if e = explained("/v1/nodes/series/rows?interval=1d&explain=1"); *e.Statements[0].Rows != 500_000 {
		t.Errorf("%+v", e)
	}
	if e = explained("/v1/tables/ticks/rows?limit=all&id=1&explain=1"); *e.Statements[0].Rows == 0 {
		t.Errorf("%+v", e)
	}
	if e = explained("/v1/tables/ticks/rows?time.gte=2027-01-01&explain=1"); *e.Statements[0].Rows != 0 || *e.Statements[0].Bytes != 0 {
		t.Errorf("nothing is to be read: %+v", e)
	}
	for path, note := range map[string]string{
		"/v1/tables/ticks/rows?id=3&count=exact&limit=5&explain=1": "a second query counts them",
		"/v1/nodes/series/rows?points=100&explain=1":               "This counts the rows",
		"/v1/nodes/series/rows?shape=wide&explain=1":               "This finds the series",
		"/v1/nodes/series/latest?explain=1":                        "queries that go further back follow",
		"/v1/tables/ticks/rows?thing.name=3&explain=1":             "were not looked up",
		"/v1/tables/memory/rows?explain=1":                         "has no estimate",
	} {
		if e := explained(path); !strings.Contains(strings.Join(e.Notes, " "), note) {
			t.Errorf("%s: notes %q", path, e.Notes)
		}
	}
	if e = explained("/v1/tables/memory/rows?explain=1"); e.Statements[0].Rows != nil || e.Statements[0].Bytes != nil || len(e.Statements[0].Reads) != 0 {
		t.Errorf("an engine without estimates: %+v", e)
	}
	// What stands behind a view is the operator's business, and so is a column that is hidden.
	a := get(t, app.URL()+"/v1/tables/view/rows?id=3&explain=1")
	if e := a.explanation(t); len(e.Statements[0].Reads) != 1 || e.Statements[0].Reads[0].Table != "" || *e.Statements[0].Rows == 0 {
		t.Errorf("%s", a.body)
	}
	for _, word := range []string{"secret", "ticks", "test_", "SELECT", "PrimaryKey\",\"keys"} {
		if strings.Contains(string(a.body), word) {
			t.Errorf("the explanation of a view says %s: %s", word, a.body)
		}
	}
	// Another version of the data is another one, and only of what tells when it changes.
	before := explained("/v1/tables/things/rows?explain=1").Version
	if again := explained("/v1/tables/things/rows?id=1&explain=1").Version; before == "" || again != before {
		t.Errorf("versions %q, %q", before, again)
	}
	if e := explained("/v1/tables/view/rows?explain=1"); e.Version != "" || e.Cache != "unknown" {
		t.Errorf("a view has the version %q, and of the cache it says %q", e.Version, e.Cache)
	}
	for _, state := range []string{"miss", "hit"} {
		if got := explained("/v1/tables/things/rows?id=2&explain=1").Cache; got != state {
			t.Errorf("the cache: %q, not %q", got, state)
		}
		a := get(t, app.URL()+"/v1/tables/things/rows?id=2")
		if timing := a.header.Get("Server-Timing"); a.status != http.StatusOK || !strings.Contains(timing, `cache;desc="`+state+`", total;dur=`) {
			t.Errorf("status %d, Server-Timing %q", a.status, timing)
		}
	}
	storetest.Exec(t, database, "INSERT INTO things VALUES (100, 'new')")
	eventually(t, 10*time.Second, "there is another version", func() bool { return explained("/v1/tables/things/rows?explain=1").Version != before })

	// The document says of each what it is.
	document, err := contracttest.OpenDocument(get(t, app.URL()+"/openapi.json").body)
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"/v1/tables/ticks/rows?id=3", "/v1/tables/memory/rows?limit=1", "/v1/nodes/series/rows?points=9", "/v1/tables/view/values/id?limit=2"} {
		if err := document.Validate(get(t, app.URL()+path+"&explain=1").body, "components", "schemas", "Explanation"); err != nil {
			t.Errorf("%s: %v", path, err)
		}
	}
	// In a body, as a parameter.
	a = ask(t, http.MethodPost, app.URL()+"/v1/tables/ticks/query?explain=1", `{"where": {"column": "id", "op": "eq", "value": 3}}`, "Content-Type", "application/json")
	if e := a.explanation(t); e.Statements[0].Reads[0].Granules*4 > e.Statements[0].Reads[0].OfGranules {
		t.Errorf("%s", a.body)
	}
	a = ask(t, http.MethodPost, app.URL()+"/v1/nodes/series/query?explain=1", `{"from": "2026-01-01", "to": "2026-01-02"}`, "Content-Type", "application/json")
	if e := a.explanation(t); e.Range["from"] == nil {
		t.Errorf("%s", a.body)
	}
	for _, path := range []string{
		"/v1/tables/ticks/rows?explain=0", "/v1/tables/ticks/rows?explain=", "/v1/tables/ticks/rows?explain=1&format=csv", "/v1/tables/ticks/rows?explain=1&download=1",
		"/v1/tables/ticks/rows?explain=1&compression=zstd", "/v1/tables/ticks/rows?explain=1&nothing=3", "/v1/tables/ticks/rows?explain=1&id=much",
		"/v1/nodes/series/rows?explain=1&from=2026-01-03&to=2026-01-01", "/v1/tables/view/rows?explain=1&limit=all", "/v1/tables?explain=1",
	} {
		if p := get(t, app.URL()+path).problem(t); p.Status != http.StatusUnprocessableEntity {
			t.Errorf("%s: %+v", path, p)
		}
	}
	if p := getAs(t, app.URL()+"/v1/tables/ticks/rows?explain=1", "text/csv").problem(t); p.Status != http.StatusUnprocessableEntity {
		t.Errorf("an explanation as CSV: %+v", p)
	}
}

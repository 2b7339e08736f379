package main

import (
	"bytes"
	"net/http"
	"testing"
	"time"

	"framehouse/internal/store/storetest"
)

// openPieced serves a table of 150,000 observations as a node behind a tap, from pieces wherever
// there may be.
func openPieced(t *testing.T, cfg Config, columns, of string) (app *App, database string, p *tap) {
	t.Helper()
	database = storetest.Database(t)
	storetest.Exec(t, database, otherTable+"INSERT INTO other VALUES (1, 1, 0);\n"+
		"CREATE TABLE x ("+columns+", id UInt8, v Float64) ENGINE = MergeTree "+of+";\n"+
		"INSERT INTO x SELECT toDateTime('2024-01-20 00:00:00') + number * 61 AS at, number % 3 AS id, number % 100 AS v FROM numbers(150000)")
	p = newTap(t)
	cfg.piecesFrom, cfg.ClickHouse = 1, urlOf(t, database, p.address)
	cfg.CatalogFile = writeCatalog(t, otherCatalog+"nodes: {x: {time: at, dimensions: [id]}}")
	return open(t, cfg), database, p
}

// asAWhole holds an answer against what ClickHouse says.
func asAWhole(t *testing.T, got answer, address string) {
	t.Helper()
	sameAsWhole(t, address, got, ask(t, http.MethodGet, address, "", "Cache-Control", "no-cache"))
}

// Parts of which nobody knows the times, such as patches, and buckets of any length do not take
// long to be cut.
func TestPiecesOfUnknownTimes(t *testing.T) {
	t.Parallel()
	app, database, _ := openPieced(t, Config{}, "at DateTime64(3)", "ORDER BY (id, at) SETTINGS enable_block_number_column = 1, enable_block_offset_column = 1")
	client := http.Client{Timeout: 10 * time.Second}
	for _, change := range []string{"SELECT 1", "UPDATE x SET v = 7 WHERE id = 1 AND at < '2024-02-01' SETTINGS enable_lightweight_update = 1"} {
		storetest.Exec(t, database, change)
		renew(t, app)
		for _, query := range []string{"interval=1h", "interval=1d&from=2024-01-21", "interval=1d&to=2024-03-01", "interval=365000d", "interval=120000d&from=2024-01-25T01:00:00Z", "interval=213504d", "interval=1000y"} {
			address := app.URL() + "/v1/nodes/x/rows?format=csv&" + query
			for range 2 {
				response, err := client.Get(address)
				if err != nil {
					t.Fatal(err)
				}
				response.Body.Close()
				asAWhole(t, ask(t, http.MethodGet, address, ""), address)
			}
		}
	}
}

// Buckets that are longer than nanoseconds can tell are what they are in pieces too.
func TestPiecesOfLongBuckets(t *testing.T) {
	t.Parallel()
	app, _, _ := openPieced(t, Config{}, "at DateTime64(9)", "ORDER BY (id, at)")
	for _, query := range []string{
		"interval=1000y", "interval=300y&label=right", "interval=365000d&label=right", "interval=120000d&from=2024-01-21", "interval=1000y&from=2024-01-21&to=2024-03-01",
		"interval=120000d&from=2024-01-21&to=2024-03-01&label=right", "interval=1h&from=1600-01-01", "interval=1h&to=3000-01-01&label=right",
	} {
		address := app.URL() + "/v1/nodes/x/rows?format=csv&" + query
		for range 2 {
			asAWhole(t, ask(t, http.MethodGet, address, ""), address)
		}
	}
}

// Buckets are of the times that there are, as long as the catalog does not know that the column
// has another precision by now.
func TestBucketsOfAnotherPrecision(t *testing.T) {
	t.Parallel()
	for from, to := range map[string]string{"DateTime64(3)": "DateTime64(6)", "DateTime64(6)": "DateTime", "DateTime64(0)": "DateTime64(3)", "DateTime": "DateTime64(3)"} {
		app, database, _ := openPieced(t, Config{}, "at "+from, "ORDER BY id")
		address := app.URL() + "/v1/nodes/x/rows?format=csv&interval=1d&agg=v:sum,v:last"
		before := ask(t, http.MethodGet, address, "")
		storetest.Exec(t, database, "ALTER TABLE x MODIFY COLUMN at "+to)
		renew(t, app)
		for range 2 {
			pieces, whole := ask(t, http.MethodGet, address, ""), ask(t, http.MethodGet, address, "", "Cache-Control", "no-cache")
			if timeType(t, app, "x") != from {
				t.Logf("the catalog was read again before %s was seen", from)
				break
			}
			for _, a := range []answer{pieces, whole} {
				if a.status != http.StatusOK || !bytes.Equal(a.body, before.body) {
					t.Errorf("%s for %s: %s %s\n%.300s\nbefore %s\n%.300s", to, from, a.where(), a.header.Get("Server-Timing"), a.body, before.where(), before.body)
				}
			}
		}
	}
}

package main

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"testing"
	"time"

	"framehouse/internal/store/storetest"
)

// piecedNodes have the same 150,000 observations of three series over some hundred days, in
// tables that are divided and sorted in different ways. Values are quarters, whose sums are
// exact in whatever order they are added.
const piecedNodes = `
	CREATE TABLE divided (at DateTime64(3), id LowCardinality(String), v Float64, n Nullable(Int32), d Decimal(18, 4), s String) ENGINE = MergeTree PARTITION BY toYYYYMM(at) ORDER BY (id, at) SETTINGS enable_block_number_column = 1, enable_block_offset_column = 1;
	CREATE TABLE sorted (at DateTime, id String, v Float64, n Nullable(Int32), d Decimal(18, 4), s String) ENGINE = MergeTree ORDER BY (at, id);
	CREATE TABLE series (at DateTime64(6), id LowCardinality(Nullable(String)), v Float64, n Nullable(Int32), d Decimal(18, 4), s String) ENGINE = MergeTree ORDER BY (id, at) SETTINGS allow_nullable_key = 1;
	CREATE TABLE days (at Date, id UInt8, v Float64, n Nullable(Int32), d Decimal(18, 4), s String) ENGINE = MergeTree PARTITION BY toYYYYMM(at) ORDER BY (id, at);
	CREATE TABLE replaced (at DateTime64(9), id LowCardinality(String), v Float64, n Nullable(Int32), d Decimal(18, 4), s String, version UInt32) ENGINE = ReplacingMergeTree(version) PARTITION BY toMonday(at) ORDER BY (id, at);
` + otherTable

// observations inserts some from a time on, at random or one each minute.
func observations(table string, from time.Time, every string, count, seed int) string {
	id, at := "['A', 'B', 'C'][number % 3 + 1]", fmt.Sprintf("toDateTime64('%s', 3, 'UTC') + %s", from.Format(time.DateTime), every)
	switch table {
	case "days":
		id, at = "number % 3", "toDate("+at+")"
	case "series":
		id = "[NULL, 'B', 'C'][number % 3 + 1]"
	}
	version := ""
	if table == "replaced" {
		version = fmt.Sprintf(", %d AS version", seed)
	}
	return fmt.Sprintf("INSERT INTO %s SELECT %s AS at, %s AS id, if(number %% 50 = 0, nan, x / 4) AS v, if(number %% 7 = 0, NULL, x %% 100) AS n, x * 1.25 AS d, toString(number %% 11) AS s%s"+
		" FROM (SELECT number, cityHash64(number, %d) %% 1000 AS x FROM numbers(%d))", table, at, id, version, seed, count)
}

// An answer that is put together from pieces is, byte by byte, the one that ClickHouse gives as
// a whole: for any range, buckets and filter, and while rows are added, changed and taken.
func TestPieces(t *testing.T) {
	t.Parallel()
	database := storetest.Database(t)
	storetest.Exec(t, database, piecedNodes)
	tables := []string{"divided", "sorted", "series", "days", "replaced"}
	start := time.Date(2024, 1, 20, 0, 0, 0, 0, time.UTC)
	for _, table := range tables {
		storetest.Exec(t, database, observations(table, start, "number * 61", 150_000, 1))
	}
	address, _ := forward(t, "127.0.0.1:0")
	app := open(t, Config{piecesFrom: 1, ClickHouse: urlOf(t, database, address), CatalogFile: writeCatalog(t, otherCatalog+`
nodes:
  divided: {time: at, dimensions: [id]}
  sorted: {time: at, dimensions: [id]}
  series: {time: at, dimensions: [id]}
  days: {time: at, dimensions: [id]}
  replaced: {time: at, dimensions: [id], columns: {version: {hidden: true}}}
`)})
	trial := &piecesTrial{app: app, database: database, random: rand.New(rand.NewPCG(7, 0))}
	r := trial.random
	table, q := "", url.Values{}
	for round := range 40 {
		if round%2 == 0 {
			table = trial.pick(tables...)
			q = trial.query([][]string{
				{"format", "json", "csv", "ndjson"},
				{"inclusive", "", "", "both", "neither", "right"},
				{"timezone", "", "", "America/New_York", "Asia/Kathmandu"},
				{"interval", "1h", "6h", "90m", "1d", "1w", "1mo", "3d", "1h"},
				{"agg", "", "mean", "v:mean,v:count,n:sum", "ohlc", "v:last,s:first,d:sum", "v:median,d:mean,n:max"},
				{"label", "", "right"},
				{"order", "", "", "desc"},
				{"origin", "", "", "", "2024-02-01"},
				{"limit", "", "100000", "100000", "77"},
				{"v.gte", "", "", "", "", "50", "0.25"},
				{"n.isnull", "", "", "", "", "true", "false"},
			})
			if table == "days" {
				trial.set(q, "interval", "1d", "1w", "1mo", "3d")
			}
			if q.Get("format") == "json" {
				trial.set(q, "decimals", "", "string")
			}
		}
		trial.compareRanges(t, table, q, start)
		change := observations(table, start.AddDate(0, 0, 106+round), "number * 60", 100, round+2)
		switch r.IntN(8) {
		case 0: // late rows
			change = observations(table, start.AddDate(0, 0, r.IntN(100)), "number * 60", 100, round+2)
		case 1:
			change = fmt.Sprintf("DELETE FROM %s WHERE at >= '%s' AND s = '3'", table, start.AddDate(0, 0, r.IntN(120)).Format(time.DateOnly))
		case 2:
			change = fmt.Sprintf("ALTER TABLE %s UPDATE v = v + 0.25 WHERE at < '%s' SETTINGS mutations_sync = 2", table, start.AddDate(0, 0, r.IntN(50)).Format(time.DateOnly))
		case 3:
			change = "OPTIMIZE TABLE " + table
		}
		if table == "divided" && r.IntN(8) == 0 { // a part that changes rows of any time
			change = fmt.Sprintf("UPDATE divided SET v = v + 0.25 WHERE s = '%d' SETTINGS enable_lightweight_update = 1", r.IntN(11))
		}
		trial.change(t, change)
		trial.compare(t, table, q)
	}
	trial.enough(t, 500)
}

// Rows of times that their column's type is not said to hold, and of the last ones that it does,
// are in pieces like any others.
func TestPiecesBeyond(t *testing.T) {
	t.Parallel()
	database := storetest.Database(t)
	storetest.Exec(t, database, `
		CREATE TABLE beyond (at DateTime64(3), id String, v Float64) ENGINE = MergeTree ORDER BY id;
		INSERT INTO beyond SELECT toDateTime64('2024-01-01 00:00:00', 3, 'UTC') + number, 'A', number FROM numbers(200000);
		INSERT INTO beyond SELECT reinterpret(toInt64(95617584000000 - number * 3000000000), 'DateTime64(3)'), 'B', number FROM numbers(20);
		INSERT INTO beyond SELECT reinterpret(toInt64(-30609792000000 + number * 3000000000), 'DateTime64(3)'), 'C', number FROM numbers(20);
		CREATE TABLE latest (at DateTime64(9), id String, v Float64) ENGINE = MergeTree ORDER BY id;
		INSERT INTO latest SELECT toDateTime64('2024-01-01 00:00:00', 9, 'UTC') + number, 'A', number FROM numbers(200000);
		INSERT INTO latest SELECT reinterpret(toInt64(9223372036854775807 - number * 300000000), 'DateTime64(9)'), 'B', number FROM numbers(20);
	`)
	app := open(t, Config{piecesFrom: 1, ClickHouse: urlOf(t, database, newTap(t).address), CatalogFile: writeCatalog(t, "nodes: {beyond: {time: at, dimensions: [id]}, latest: {time: at, dimensions: [id]}}")})
	for _, node := range []string{"beyond", "latest"} {
		for _, ends := range []string{"", "&from=2024-01-01T01:01:01Z", "&to=2024-01-03T01:01:01Z", "&from=1900-01-01", "&to=2299-12-31", "&to=2262-04-11", "&to=2299-12-31T23:59:59.999Z&inclusive=both", "&from=1000-01-01&to=3000-01-01"} {
			for _, interval := range []string{"1h", "1d", "1w", "1y"} {
				url := app.URL() + "/v1/nodes/" + node + "/rows?limit=100000&format=csv&agg=v:sum,v:count&interval=" + interval + ends
				whole := ask(t, http.MethodGet, url, "", "Cache-Control", "no-cache")
				for _, more := range []string{"", "&download=1"} { // with pieces that are kept
					a := ask(t, http.MethodGet, url+more, "")
					if _, of := piecesOf(t, a); of == 0 && interval == "1h" || a.status != http.StatusOK || !bytes.Equal(a.body, whole.body) {
						t.Errorf("%s%s, of %d pieces: %s\n%.300s\nas a whole %s\n%.300s", url, more, of, a.where(), a.body, whole.where(), whole.body)
					}
				}
			}
		}
	}
}

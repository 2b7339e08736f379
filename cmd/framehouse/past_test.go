package main

import (
	"bytes"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"framehouse/internal/store/storetest"
)

// pastNodes have the same rows, one a minute over two days, in tables in which ClickHouse can
// tell the rows of a time from others, but for "latest", of which newer rows replace older ones.
const pastNodes = `
	CREATE TABLE divided (at DateTime, id LowCardinality(String), v Float64) ENGINE = MergeTree PARTITION BY toYYYYMMDD(at) ORDER BY (id, at);
	CREATE TABLE sorted (at DateTime64(3), id String, v Float64) ENGINE = MergeTree ORDER BY (at, id);
	CREATE TABLE replaced (at DateTime64(6), id String, v Float64) ENGINE = ReplacingMergeTree ORDER BY (id, at);
	CREATE TABLE days (at Date, id String, v Float64) ENGINE = MergeTree ORDER BY (id, at);
	CREATE TABLE latest (at DateTime, id String, v Float64) ENGINE = ReplacingMergeTree(at) ORDER BY (id, v);
	CREATE TABLE other (id UInt32, version UInt64, is_deleted UInt8) ENGINE = ReplacingMergeTree(version, is_deleted) ORDER BY id SETTINGS non_replicated_deduplication_window = 100;
`

// Rows that are added after a range that has ended leave its answers as they are, and those
// within it make others, at once.
func TestPastStays(t *testing.T) {
	t.Parallel()
	database := storetest.Database(t)
	storetest.Exec(t, database, pastNodes)
	nodes := []string{"divided", "sorted", "replaced", "days", "latest"}
	add := func(node, at string, count, v int) {
		t.Helper()
		storetest.Exec(t, database, fmt.Sprintf("INSERT INTO %s SELECT toDateTime('%s', 'UTC') + number * 60 AS at, ['A', 'B'][number %% 2 + 1] AS id, number + %d FROM numbers(%d)", node, at, v, count))
	}
	for _, node := range nodes {
		storetest.Exec(t, database, "SYSTEM STOP MERGES "+node) // which make other parts, and so other versions, whenever
		add(node, "2024-01-01 00:00:00", 2880, 0)
	}
	p := newTap(t)
	app := open(t, Config{ClickHouse: urlOf(t, database, p.address), CatalogFile: writeCatalog(t, `
tables:
  other: {write: upsert}
nodes:
  divided: {time: at, dimensions: [id], cache: {max_age: 7s}}
  sorted: {time: at, dimensions: [id]}
  replaced: {time: at, dimensions: [id], cache: {past_max_age: 1d, stale: 1m}}
  days: {time: at, dimensions: [id]}
  latest: {time: at, dimensions: [id]}
`)})
	// A write through us, of another table, has versions asked for anew.
	look := func() {
		t.Helper()
		if a := ask(t, http.MethodPost, app.URL()+"/v1/tables/other/rows", `[{"id":1}]`, "Content-Type", jsonType); a.status != http.StatusOK {
			t.Fatalf("%s: %s", a.where(), a.body)
		}
	}
	const ended = "from=2024-01-01&to=2024-01-02"
	for _, node := range nodes {
		url := app.URL() + "/v1/nodes/" + node
		queries := []string{
			"/rows?" + ended, "/rows?to=2024-01-02&order=desc&limit=7", "/rows?" + ended + "&interval=1d&agg=v:sum&format=csv", "/rows?" + ended + "&interval=1d&fill=previous&format=ndjson",
			"/rows?" + ended + "&points=20", "/rows?" + ended + "&format=arrow", "/rows?" + ended + "&format=parquet",
		}
		if node != "days" {
			queries = append(queries, "/rows?"+ended+"&shape=wide&format=csv")
		}
		body := `{"from": "2024-01-01", "to": "2024-01-02", "limit": 5000}`
		post := func() answer {
			t.Helper()
			return ask(t, http.MethodPost, url+"/query", body, "Content-Type", jsonType)
		}
		control := map[string]string{"replaced": "max-age=86400, stale-while-revalidate=60"}[node]
		if control == "" {
			control = "max-age=3600, stale-while-revalidate=5"
		}
		firsts := map[string]answer{}
		made := func(from string) {
			t.Helper()
			for _, query := range queries {
				a := ask(t, http.MethodGet, url+query, "")
				if a.status != http.StatusOK || a.header.Get("X-Cache") != from || a.header.Get("Cache-Control") != control || a.header.Get("ETag") == "" || a.header.Get("ETag") == firsts[query].header.Get("ETag") {
					t.Errorf("%s%s: %s, before %s", node, query, a.where(), firsts[query].where())
				}
				firsts[query] = a
			}
			for i, want := range []string{from, "hit"} {
				a := post()
				if a.where() != "200 "+want+` "" no-store` {
					t.Errorf("%s: a body asks: %s", node, a.where())
				}
				if before := firsts["POST"]; i == 0 && bytes.Equal(own.ReplaceAll(a.body, nil), own.ReplaceAll(before.body, nil)) {
					t.Errorf("%s: a body asks, and what it gets is still %.300s", node, a.body)
				}
				if i == 1 {
					firsts["POST"] = a
				}
			}
		}
		made("miss")
		open := ask(t, http.MethodGet, url+"/rows?from=2024-01-01&limit=5", "")
		for i, at := range []string{"2024-01-03 00:00:00", "2024-03-01 00:00:00", time.Now().UTC().Format(time.DateTime)} {
			if node == "latest" {
				break // all may be replaced
			}
			add(node, at, 10, 10_000+100*i)
			look()
			p.set(func() {})
			for _, query := range queries {
				first := firsts[query]
				tag := first.header.Get("ETag")
				a := ask(t, http.MethodGet, url+query, "")
				if a.where() != "200 hit"+fmt.Sprintf(" %q %s", tag, control) || !bytes.Equal(a.body, first.body) {
					t.Errorf("%s%s, after rows of %s: %s, and first %s", node, query, at, a.where(), first.where())
				}
				for _, method := range []string{http.MethodGet, http.MethodHead} {
					if a := ask(t, method, url+query, "", "If-None-Match", tag); a.status != http.StatusNotModified || a.header.Get("ETag") != tag || a.header.Get("Cache-Control") != control {
						t.Errorf("%s %s%s, after rows of %s: %s", method, node, query, at, a.where())
					}
				}
			}
			if a := post(); a.where() != `200 hit "" no-store` || !bytes.Equal(a.body, firsts["POST"].body) {
				t.Errorf("%s: a body asks, after rows of %s: %s", node, at, a.where())
			}
			if reads, _ := p.counted(); reads != 0 {
				t.Errorf("%s: after rows of %s ClickHouse was read %d times", node, at, reads)
			}
			// What has no end has changed.
			if a := ask(t, http.MethodGet, url+"/rows?from=2024-01-01&limit=5", ""); a.header.Get("X-Cache") != "miss" || a.header.Get("ETag") == open.header.Get("ETag") || strings.Contains(a.header.Get("Cache-Control"), "max-age=3600") {
				t.Errorf("%s: what is open, after rows of %s: %s", node, at, a.where())
			}
		}
		// Late rows, also of the last moment of the range.
		for i, at := range []string{"2024-01-01 12:00:00", "2024-01-02 23:59:59", "2024-01-01 00:00:00"} {
			add(node, at, 1, 20_000+i)
			look()
			made("miss")
		}
		// What lies before the range counts as far as it is looked back for.
		add(node, "2023-12-31 23:30:00", 1, 30_000)
		look()
		for _, query := range queries {
			wants := "hit"
			if !strings.HasPrefix(query, "/rows?from") || strings.Contains(query, "fill=previous") || node == "latest" {
				wants = "miss"
			}
			if a := ask(t, http.MethodGet, url+query, ""); a.header.Get("X-Cache") != wants || (a.header.Get("ETag") == firsts[query].header.Get("ETag")) != (wants == "hit") {
				t.Errorf("%s%s, after rows before it: %s, not a %s", node, query, a.where(), wants)
			}
		}
	}
}

// How long others may keep an answer about the past depends on how long ago that is; what ends
// later than now is another whenever anything changes.
func TestPastControl(t *testing.T) {
	t.Parallel()
	app, database, p := cached(t)
	storetest.Exec(t, database, "SYSTEM STOP MERGES prices")
	url := app.URL() + "/v1/nodes/ticks/rows?interval=1h&from=2024-01-01&to="
	long, short := "max-age=3600, stale-while-revalidate=5", "max-age=1, stale-while-revalidate=5"
	for _, test := range []struct {
		to, control string
		stays       bool
	}{
		{"2024-01-02", long, true},
		{time.Now().Add(-25 * time.Hour).UTC().Format(time.RFC3339), long, true},
		{time.Now().Add(-23 * time.Hour).UTC().Format(time.RFC3339), short, true},
		{time.Now().Add(-time.Minute).UTC().Format(time.RFC3339), short, true},
		{time.Now().Add(time.Hour).UTC().Format(time.RFC3339), short, false},
	} {
		first := ask(t, http.MethodGet, url+test.to, "")
		if first.status != http.StatusOK || first.header.Get("Cache-Control") != test.control {
			t.Errorf("up to %s: %s, not %s", test.to, first.where(), test.control)
		}
		storetest.Exec(t, database, "INSERT INTO prices SELECT now() + 600 + number, 'A', 1 FROM numbers(3)")
		if a := ask(t, http.MethodPost, app.URL()+"/v1/tables/notes/rows", `[{"id":9,"text":"nine"}]`, "Content-Type", jsonType); a.status != http.StatusOK {
			t.Fatalf("%s: %s", a.where(), a.body)
		}
		p.set(func() {})
		a := ask(t, http.MethodGet, url+test.to, "", "If-None-Match", first.header.Get("ETag"))
		reads, _ := p.counted()
		same := a.header.Get("ETag") == first.header.Get("ETag") && a.status == http.StatusNotModified && reads == 0
		if same != test.stays || a.status >= 400 || a.header.Get("Cache-Control") != test.control || a.header.Get("ETag") == "" {
			t.Errorf("up to %s: first %s, then %s after %d reads", test.to, first.where(), a.where(), reads)
		}
	}
}

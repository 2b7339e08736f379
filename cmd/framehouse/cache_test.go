package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"

	"framehouse/internal/contracts"
	"framehouse/internal/store/storetest"
)

// cached serves tables behind a tap.
func cached(t *testing.T) (app *App, database string, p *tap) {
	t.Helper()
	return cachedIn(t, 0)
}

// cachedIn has so many bytes for what is kept.
func cachedIn(t *testing.T, size int64) (app *App, database string, p *tap) {
	t.Helper()
	database = storetest.Database(t)
	storetest.Exec(t, database, `
		CREATE TABLE prices (time DateTime, id String, price Float64) ORDER BY (time, id) AS SELECT toDateTime('2024-01-01', 'UTC') + number AS time, ['A', 'B'][number % 2 + 1] AS id, number / 4 AS price FROM numbers(5000);
		CREATE TABLE notes (id UInt32, text String, version UInt64, is_deleted UInt8)
			ENGINE = ReplacingMergeTree(version, is_deleted) ORDER BY id SETTINGS non_replicated_deduplication_window = 100;
		CREATE TABLE owners (id UInt32, name String) ORDER BY id;
		CREATE VIEW seen AS SELECT * FROM owners;
		INSERT INTO notes VALUES (1, 'one', 1, 0);
		INSERT INTO owners VALUES (1, 'me');
	`)
	p = newTap(t)
	app = open(t, Config{CacheSize: size, ClickHouse: urlOf(t, database, p.address), CatalogFile: writeCatalog(t, `
tables:
  prices: {}
  notes: {write: upsert, references: {owner: {columns: id, table: owners}}}
  owners: {}
  seen: {}
  uncached: {table: owners, cache: off}
  aged: {table: owners, cache: {max_age: 30s, past_max_age: 1d, stale: 2m}}
nodes:
  ticks: {table: prices, time: time, dimensions: [id]}
`)})
	return app, database, p
}

// where is what an answer says of where it comes from and whether it is still true.
func (a answer) where() string {
	return fmt.Sprintf("%d %s %q %s", a.status, a.header.Get("X-Cache"), a.header.Get("ETag"), a.header.Get("Cache-Control"))
}

// An answer is kept as long as its data does not change, in every format and coding, and is
// the same whoever made it.
func TestKeptAnswers(t *testing.T) {
	t.Parallel()
	app, database, p := cached(t)
	for _, path := range []string{
		"/v1/tables/prices/rows?limit=2000", "/v1/tables/prices/values/id", "/v1/tables/notes/rows?select=id,owner.name",
		"/v1/nodes/ticks/rows?from=2024-01-01", "/v1/nodes/ticks/rows?from=2024-01-01&interval=10m", "/v1/nodes/ticks/latest", "/v1/nodes/ticks/coverage",
		"/v1/nodes/ticks/rows?from=2024-01-01&points=100", "/v1/nodes/ticks/asof?with=ticks:price", "/v1/nodes/ticks/values/id",
	} {
		for _, format := range contracts.Formats() {
			url := app.URL() + path + sign(path) + "format=" + format.Name
			p.set(func() {})
			first := ask(t, http.MethodGet, url, "")
			made, _ := p.counted()
			if first.status != http.StatusOK || first.header.Get("X-Cache") != "miss" || made == 0 {
				t.Fatalf("%s: %s, after %d reads: %s", url, first.where(), made, first.body)
			}
			tag := first.header.Get("ETag")
			for range 2 { // the second time it is known what is asked for
				again := ask(t, http.MethodGet, url, "")
				if again.header.Get("X-Cache") != "hit" || !bytes.Equal(again.body, first.body) || again.header.Get("ETag") != tag || !strings.HasPrefix(tag, `W/"`) ||
					again.header.Get("Cache-Control") != first.header.Get("Cache-Control") || again.header.Get("Content-Type") != first.header.Get("Content-Type") ||
					again.header.Get("Vary") != "Accept, Accept-Encoding" || again.header.Get("X-Request-Id") == first.header.Get("X-Request-Id") {
					t.Errorf("%s: first %s %v, then %s %v", url, first.where(), first.header, again.where(), again.header)
				}
				unchanged := ask(t, http.MethodGet, url, "", "If-None-Match", `"other", `+tag)
				if unchanged.status != http.StatusNotModified || len(unchanged.body) > 0 || unchanged.header.Get("ETag") != tag || unchanged.header.Get("Vary") == "" || unchanged.header.Get("Cache-Control") == "" {
					t.Errorf("%s: %s %v", url, unchanged.where(), unchanged.header)
				}
				head := ask(t, http.MethodHead, url, "")
				if head.status != http.StatusOK || head.header.Get("ETag") != tag || len(head.body) > 0 || head.header.Get("X-Cache") != "hit" || head.header.Get("X-Row-Count") != again.header.Get("X-Row-Count") {
					t.Errorf("HEAD %s: %s", url, head.where())
				}
				if head := ask(t, http.MethodHead, url, "", "If-None-Match", "*"); head.status != http.StatusNotModified {
					t.Errorf("HEAD %s: %s", url, head.where())
				}
			}
			for _, coding := range []string{"gzip", "zstd", "gzip", "identity"} {
				packed := ask(t, http.MethodGet, url, "", "Accept-Encoding", coding)
				if got := unpack(t, packed); packed.header.Get("X-Cache") != "hit" || !bytes.Equal(got, first.body) {
					t.Errorf("%s in %s: %s, %d bytes instead of %d", url, coding, packed.where(), len(got), len(first.body))
				}
			}
			if reads, _ := p.counted(); reads != made {
				t.Errorf("%s: ClickHouse was read %d times instead of %d", url, reads, made)
			}
			bypass := ask(t, http.MethodGet, url, "", "Cache-Control", "no-cache", "If-None-Match", tag)
			if reads, _ := p.counted(); bypass.status != http.StatusOK || bypass.header.Get("X-Cache") != "bypass" || reads == made {
				t.Errorf("%s: %s, after %d reads", url, bypass.where(), reads)
			}
		}
	}
	// Whatever is read of changes them, also what rows refer to.
	url := app.URL() + "/v1/tables/notes/rows?select=id,owner.name"
	before := ask(t, http.MethodGet, url, "")
	storetest.Exec(t, database, "INSERT INTO owners VALUES (1, 'you')")
	eventually(t, 5*time.Second, "another version", func() bool {
		return ask(t, http.MethodGet, url, "").header.Get("ETag") != before.header.Get("ETag")
	})
}

func sign(path string) string {
	if strings.Contains(path, "?") {
		return "&"
	}
	return "?"
}

func unpack(t *testing.T, a answer) []byte {
	t.Helper()
	var r io.Reader = bytes.NewReader(a.body)
	var err error
	switch coding := a.header.Get("Content-Encoding"); coding {
	case "":
	case "gzip":
		r, err = gzip.NewReader(r)
	case "zstd":
		r, err = zstd.NewReader(r)
	default:
		t.Fatalf("coding %q", coding)
	}
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return body
}

// What is not known to be true is not kept, and failures are not.
func TestNotKept(t *testing.T) {
	t.Parallel()
	app, _, p := cached(t)
	for path, want := range map[string]string{
		"/v1/tables/seen/rows":             `200 bypass "" no-store`,
		"/v1/tables/uncached/rows":         `200 bypass "" no-store`,
		"/v1/tables":                       `200 bypass "" no-store`,
		"/v1/nodes":                        `200 bypass "" no-store`,
		"/v1/tables/prices/rows?limit=0":   `422  "" no-store`,
		"/v1/tables/price/rows":            `404  "" no-store`,
		"/v1/nothing":                      `404  "" no-store`,
		"/v1/tables/prices/rows?pric=1":    `422  "" no-store`,
		"/v1/tables/prices/rows?format=x":  `406  "" no-store`,
		"/v1/nodes/ticks/rows?from=1&to=0": `422  "" no-store`,
	} {
		for range 2 {
			if a := ask(t, http.MethodGet, app.URL()+path, "", "If-None-Match", "*"); a.where() != want {
				t.Errorf("%s: %s, not %s", path, a.where(), want)
			}
		}
	}
	url := app.URL() + "/v1/tables/prices/rows?limit=3"
	p.set(func() { p.fail = true })
	if a := ask(t, http.MethodGet, url, ""); a.status < 500 || a.header.Get("ETag") != "" || a.header.Get("Cache-Control") != "no-store" {
		t.Errorf("a failure: %s", a.where())
	}
	p.set(func() { p.fail = false })
	if a := ask(t, http.MethodGet, url, ""); a.status != http.StatusOK || a.header.Get("X-Cache") != "miss" {
		t.Errorf("after a failure: %s", a.where())
	}
	for name, test := range map[string]struct{ path, control string }{
		"a table":                    {"/v1/tables/owners/rows", "max-age=1, stale-while-revalidate=5"},
		"with ages of its own":       {"/v1/tables/aged/rows", "max-age=30, stale-while-revalidate=120"},
		"a range without an end":     {"/v1/nodes/ticks/rows?from=2024-01-01", "max-age=1, stale-while-revalidate=5"},
		"a range up to now":          {"/v1/nodes/ticks/rows?from=2024-01-01&to=now", "max-age=1, stale-while-revalidate=5"},
		"a range that is long past":  {"/v1/nodes/ticks/rows?from=2024-01-01&to=2024-01-02", "max-age=3600, stale-while-revalidate=5"},
		"a range up to an hour ago":  {"/v1/nodes/ticks/rows?to=-1h", "max-age=1, stale-while-revalidate=5"},
		"a range up to two days ago": {"/v1/nodes/ticks/rows?to=-2d", "max-age=1, stale-while-revalidate=5"}, // in an hour, another
	} {
		if a := ask(t, http.MethodGet, app.URL()+test.path, ""); a.header.Get("Cache-Control") != test.control || a.header.Get("ETag") == "" {
			t.Errorf("%s: %s", name, a.where())
		}
	}
	// A body asks for it: nobody but us can keep that.
	query := app.URL() + "/v1/tables/prices/query"
	for _, from := range []string{"miss", "hit"} {
		if a := ask(t, http.MethodPost, query, `{"limit":7}`, "Content-Type", jsonType, "If-None-Match", "*"); a.where() != `200 `+from+` "" no-store` {
			t.Errorf("POST: %s", a.where())
		}
	}
	if a := ask(t, http.MethodGet, app.URL()+"/v1/tables/prices/rows?limit=7", ""); a.header.Get("X-Cache") != "hit" || a.header.Get("Link") == "" {
		t.Errorf("what a body asked for, in a URL: %s", a.where())
	}
}

// Requests that mean the same share an answer, each with its own link; those that do not have
// answers of their own.
func TestSpellings(t *testing.T) {
	t.Parallel()
	app, _, _ := cached(t)
	tags := map[string]string{}
	for _, spellings := range [][]string{
		{"/v1/tables/prices/rows?id=A&price.lt=9", "/v1/tables/prices/rows?price.lt=9&id=A", "/v1/tables/prices/rows?price.lt=9&id.in=A&limit=1000&count=none&format=json&int64=auto", "/v1/tables/prices/rows?id=A&price.lt=9&order=time,id"},
		{"/v1/tables/prices/rows?id=A&price.lt=9&int64=string"},
		{"/v1/tables/prices/rows?id=A&price.lt=9&format=csv"},
		{"/v1/tables/prices/rows?id=A&price.lt=9&format=arrow"},
		{"/v1/tables/prices/rows?id=A&price.lt=9&format=arrow&compression=lz4"},
		{"/v1/tables/prices/rows?id=A&price.lt=9&download=1"},
		{"/v1/nodes/ticks/rows?from=2024-01-01", "/v1/nodes/ticks/rows?start=2024-01-01", "/v1/nodes/ticks/rows?start_date=2024-01-01T00:00Z&order=asc&shape=long", "/v1/nodes/ticks/rows?from=1704067200&inclusive=left"},
		{"/v1/nodes/ticks/rows?from=2024-01-01&order=desc"},
		{"/v1/nodes/ticks/coverage?from=2024-01-01"},
	} {
		var first string
		for i, path := range spellings {
			a := ask(t, http.MethodGet, app.URL()+path, "")
			if i == 0 {
				first = a.header.Get("ETag")
			}
			if from := a.header.Get("X-Cache"); a.status != http.StatusOK || a.header.Get("ETag") != first || (from == "hit") != (i > 0) {
				t.Errorf("%s: %s", path, a.where())
			}
		}
		if tags[first] != "" {
			t.Errorf("%s has the tag of %s", spellings[0], tags[first])
		}
		tags[first] = spellings[0]
	}
	for _, path := range []string{"/v1/tables/prices/rows?limit=5", "/v1/tables/prices/rows?limit=5&count=none"} {
		link := ask(t, http.MethodGet, app.URL()+path, "").header.Get("Link")
		if !strings.HasPrefix(link, "<?") || strings.Contains(link, "count=none") != strings.Contains(path, "count=none") {
			t.Errorf("%s: link %s", path, link)
		}
	}
}

// What was written through us is read by the next who asks.
func TestKeptAnswersAndWrites(t *testing.T) {
	t.Parallel()
	app, _, _ := cached(t)
	url := app.URL() + "/v1/tables/notes/rows"
	tag := ""
	for i := range 20 {
		text := fmt.Sprintf("text %d", i)
		if a := ask(t, http.MethodPost, url, `[{"id":1,"text":"`+text+`"}]`, "Content-Type", jsonType); a.status != http.StatusOK {
			t.Fatalf("%s", a.body)
		}
		for range 2 {
			a := ask(t, http.MethodGet, url, "", "If-None-Match", tag)
			if a.status != http.StatusOK || !bytes.Contains(a.body, []byte(text+`"`)) {
				t.Fatalf("after the write of %q: %s %s", text, a.where(), a.body)
			}
			tag = `"none"`
			if a.header.Get("X-Cache") == "hit" {
				tag = a.header.Get("ETag")
			}
		}
	}
	if a := ask(t, http.MethodDelete, url+"?id=1", ""); a.status != http.StatusOK {
		t.Fatalf("%s", a.body)
	}
	if a := ask(t, http.MethodGet, url, "", "If-None-Match", tag); a.status != http.StatusOK || len(a.frame(t).Rows) != 0 {
		t.Errorf("after the deletion: %s", a.where())
	}
}

// Many who ask the same at one time cost one read, and all get its answer, or its failure.
func TestRush(t *testing.T) {
	t.Parallel()
	app, _, p := cached(t)
	rush := func(url string, n int, headers ...string) []answer {
		answers := make([]answer, n)
		var group sync.WaitGroup
		for i := range answers {
			group.Go(func() { answers[i] = ask(t, http.MethodGet, url, "", headers...) })
		}
		eventually(t, 10*time.Second, "all wait", func() bool {
			reads, _ := p.counted()
			return reads > 0 && app.waiting() == n
		})
		p.mu.Lock()
		close(p.hold)
		p.hold = nil
		p.mu.Unlock()
		group.Wait()
		return answers
	}
	const n = 30
	p.set(func() { p.hold = make(chan struct{}) })
	url := app.URL() + "/v1/tables/prices/rows?limit=3000"
	hits := 0
	for _, a := range rush(url, n) {
		if len(a.frame(t).Rows) != 3000 {
			t.Errorf("%s", a.where())
		}
		if a.header.Get("X-Cache") == "hit" {
			hits++
		}
	}
	if reads, _ := p.counted(); reads != 1 || hits != n-1 {
		t.Errorf("%d reads, %d answers from others", reads, hits)
	}

	p.set(func() { p.hold, p.fail = make(chan struct{}), true })
	for _, a := range rush(app.URL()+"/v1/tables/prices/rows?limit=3001", n) {
		if problem := a.problem(t); problem.Status < 500 || a.header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s", a.where())
		}
	}
	if reads, _ := p.counted(); reads != 1 {
		t.Errorf("%d reads that fail", reads)
	}
	p.set(func() { p.fail = false })
	if a := ask(t, http.MethodGet, app.URL()+"/v1/tables/prices/rows?limit=3001", ""); a.status != http.StatusOK {
		t.Errorf("after a failure: %s", a.where())
	}
}

// What is too large to be kept is whole all the same, for all who ask for it at one time, and
// each reads it for himself.
func TestRushForALargeAnswer(t *testing.T) {
	t.Parallel()
	app, _, p := cachedIn(t, 1e6) // of which one answer may take a sixteenth
	for _, format := range []string{"json", "csv", "arrow"} {
		url := app.URL() + "/v1/tables/prices/rows?limit=5000&format=" + format
		whole := len(ask(t, http.MethodGet, url, "", "Cache-Control", "no-cache", "Accept-Encoding", "identity").body)
		p.set(func() {})
		var group sync.WaitGroup
		for range 8 {
			group.Go(func() {
				a := ask(t, http.MethodGet, url, "", "Accept-Encoding", "identity")
				// The id of a request stands in two of them.
				if a.status != http.StatusOK || len(a.body) < whole-100 || len(a.body) > whole+100 || a.header.Get("X-Cache") != "miss" {
					t.Errorf("%s: %s, %d bytes instead of %d", url, a.where(), len(a.body), whole)
				}
			})
		}
		group.Wait()
		if reads, _ := p.counted(); reads != 8 {
			t.Errorf("%s: %d reads", url, reads)
		}
		if a := ask(t, http.MethodGet, url, "", "Accept-Encoding", "identity"); a.header.Get("X-Cache") != "miss" || a.header.Get("ETag") == "" {
			t.Errorf("%s: then %s", url, a.where())
		}
	}
}

// With nothing kept, answers can still be asked for on the condition that they changed.
func TestNoCache(t *testing.T) {
	t.Parallel()
	app, _, p := cachedIn(t, noCache)
	url := app.URL() + "/v1/tables/prices/rows?limit=10"
	first := ask(t, http.MethodGet, url, "")
	if again := ask(t, http.MethodGet, url, ""); first.header.Get("X-Cache") != "" || again.header.Get("ETag") != first.header.Get("ETag") || first.header.Get("ETag") == "" {
		t.Errorf("%s, then %s", first.where(), again.where())
	}
	p.set(func() {})
	a := ask(t, http.MethodGet, url, "", "If-None-Match", first.header.Get("ETag"))
	if reads, _ := p.counted(); a.status != http.StatusNotModified || reads != 0 {
		t.Errorf("%s, %d reads", a.where(), reads)
	}
}

// waiting is how many requests wait for answers under way.
func (a *App) waiting() int { return a.kept.Waiting() }

// One who leaves does not end what others wait for; the last who leaves does.
func TestLeaving(t *testing.T) {
	t.Parallel()
	app, _, p := cached(t)
	url := app.URL() + "/v1/tables/prices/rows?limit=3000"
	start := func() (cancel func(), done chan error) {
		ctx, cancel := context.WithCancel(t.Context())
		done = make(chan error, 1)
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			t.Fatal(err)
		}
		before := app.waiting()
		go func() {
			response, err := http.DefaultClient.Do(request)
			if err == nil {
				_, err = io.Copy(io.Discard, response.Body)
				response.Body.Close()
			}
			done <- err
		}()
		eventually(t, 5*time.Second, "it waits", func() bool { return app.waiting() == before+1 })
		return cancel, done
	}
	p.set(func() { p.hold = make(chan struct{}) })
	leave, left := start()
	_, stays := start()
	leave() // who asked first
	if err := <-left; err == nil {
		t.Error("who left has an answer")
	}
	eventually(t, 5*time.Second, "one waits", func() bool { return app.waiting() == 1 })
	p.mu.Lock()
	close(p.hold)
	p.mu.Unlock()
	if err := <-stays; err != nil {
		t.Errorf("who stayed: %v", err)
	}
	if reads, gone := p.counted(); reads != 1 || gone != 0 {
		t.Errorf("%d reads, %d given up", reads, gone)
	}

	url = app.URL() + "/v1/tables/prices/rows?limit=2999"
	p.set(func() { p.hold = make(chan struct{}) })
	leaveA, a := start()
	leaveB, b := start()
	leaveB()
	<-b
	leaveA()
	<-a
	eventually(t, 5*time.Second, "the read is given up", func() bool { _, gone := p.counted(); return gone == 1 })
	p.set(func() { p.hold = nil })
	if answer := ask(t, http.MethodGet, url, ""); answer.status != http.StatusOK || answer.header.Get("X-Cache") != "miss" {
		t.Errorf("who asks then: %s", answer.where())
	}
}

// An outage is never answered with what was kept.
func TestKeptAnswersAndOutages(t *testing.T) {
	t.Parallel()
	database := storetest.Database(t)
	storetest.Exec(t, database, "CREATE TABLE things (id UInt32) ORDER BY id AS SELECT 1 AS id")
	address, stop := forward(t, "127.0.0.1:0")
	app := open(t, Config{ClickHouse: urlOf(t, database, address), CatalogFile: writeCatalog(t, "tables: {things: }")})
	url := app.URL() + "/v1/tables/things/rows"
	tag := ask(t, http.MethodGet, url, "").header.Get("ETag")
	stop()
	eventually(t, 10*time.Second, "what was known is too old", func() bool {
		a := ask(t, http.MethodGet, url, "")
		return a.status == http.StatusServiceUnavailable && a.header.Get("Cache-Control") == "no-store"
	})
	if a := ask(t, http.MethodGet, url, "", "If-None-Match", tag); a.status != http.StatusServiceUnavailable {
		t.Errorf("to who has an answer: %s", a.where())
	}
	eventually(t, 30*time.Second, "it is back", func() bool {
		forward(t, address)
		return ask(t, http.MethodGet, url, "").status == http.StatusOK
	})
}

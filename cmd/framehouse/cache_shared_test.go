package main

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"framehouse/internal/store/storetest"
)

// release lets reads go on that are held.
func (p *tap) release() {
	p.mu.Lock()
	defer p.mu.Unlock()
	close(p.hold)
	p.hold = nil
}

// later is an answer that is asked for now.
func later(t *testing.T, client *http.Client, url string) <-chan answer {
	t.Helper()
	answers := make(chan answer, 1)
	go func() {
		defer close(answers)
		if a, err := askAs(t.Context(), client, url); err == nil {
			answers <- a
		}
	}()
	return answers
}

// Who waits for another's answer, and closes its sending side, is told nothing; that is no
// answer, least of all an empty one.
func TestHalfClosed(t *testing.T) {
	t.Parallel()
	app, _, p := cached(t)
	const path = "/v1/tables/prices/rows?limit=3000"
	p.set(func() { p.hold = make(chan struct{}) })
	leader := later(t, http.DefaultClient, app.URL()+path)
	eventually(t, 5*time.Second, "one asks", func() bool { return app.waiting() == 1 })
	connection, err := net.Dial("tcp", strings.TrimPrefix(app.URL(), "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer connection.Close()
	if _, err := fmt.Fprintf(connection, "GET %s HTTP/1.1\r\nHost: here\r\n\r\n", path); err != nil {
		t.Fatal(err)
	}
	eventually(t, 5*time.Second, "another waits", func() bool { return app.waiting() == 2 })
	if err := connection.(*net.TCPConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(connection)
	if err != nil || bytes.HasPrefix(got, []byte("HTTP/1.1 200")) {
		t.Errorf("got %q, %v", got, err)
	}
	p.release()
	if a := <-leader; a.status != http.StatusOK {
		t.Errorf("the other: %s", a.where())
	}
}

// That one caller waited in vain for a turn is not the answer to another, who asks the same.
func TestRefusalOfAnother(t *testing.T) {
	t.Parallel()
	database := storetest.Database(t)
	storetest.Exec(t, database, "CREATE TABLE things (id UInt32) ORDER BY id AS SELECT number AS id FROM numbers(10)")
	p := newTap(t)
	app := open(t, Config{
		ClickHouse: urlOf(t, database, p.address), CatalogFile: writeCatalog(t, "tables: {things: }"),
		MaxQueries: 1, QueueTimeout: 2 * time.Second,
	})
	url := app.URL() + "/v1/tables/things/rows?limit="
	p.set(func() { p.hold = make(chan struct{}) })
	busy := later(t, from(t, "127.0.0.2"), url+"1")
	eventually(t, 5*time.Second, "one is served", func() bool { reads, _ := p.counted(); return reads == 1 })
	first := later(t, from(t, "127.0.0.3"), url+"2")
	eventually(t, 5*time.Second, "one waits for a turn", func() bool { return app.waiting() == 2 })
	second := later(t, from(t, "127.0.0.4"), url+"2")
	eventually(t, 5*time.Second, "one waits for its answer", func() bool { return app.waiting() == 3 })
	if a := <-first; a.status != http.StatusTooManyRequests {
		t.Errorf("who asked first: %s", a.where())
	}
	p.release()
	if a := <-second; a.status != http.StatusOK || len(a.frame(t).Rows) != 2 {
		t.Errorf("who waited for it: %s %s", a.where(), a.body)
	}
	if a := <-busy; a.status != http.StatusOK {
		t.Errorf("who was served: %s", a.where())
	}
}

// Who wants what another asked for does not wait until that other may ask for more.
func TestTurnsOfThoseWhoWait(t *testing.T) {
	t.Parallel()
	database := storetest.Database(t)
	storetest.Exec(t, database, "CREATE TABLE things (id UInt32) ORDER BY id AS SELECT number AS id FROM numbers(10)")
	p := newTap(t)
	app := open(t, Config{
		ClickHouse: urlOf(t, database, p.address), CatalogFile: writeCatalog(t, "tables: {things: }"),
		MaxQueries: 2, QueueTimeout: time.Minute,
	})
	url := app.URL() + "/v1/tables/things/rows?limit="
	hold := make(chan struct{})
	p.set(func() { p.hold = hold })
	greedy := from(t, "127.0.0.2")
	long := later(t, greedy, url+"1")
	eventually(t, 5*time.Second, "it has all that one may have", func() bool { reads, _ := p.counted(); return reads == 1 })
	p.set(func() { p.hold = nil })
	next := later(t, greedy, url+"2")
	eventually(t, 5*time.Second, "it asks for more", func() bool { return app.waiting() == 2 })
	if a := <-later(t, from(t, "127.0.0.3"), url+"2"); a.status != http.StatusOK || a.header.Get("X-Cache") != "hit" {
		t.Errorf("who wants the same: %s %s", a.where(), a.body)
	}
	if a := <-next; a.status != http.StatusOK || a.header.Get("X-Cache") != "miss" {
		t.Errorf("who asked for it: %s", a.where())
	}
	close(hold)
	if a := <-long; a.status != http.StatusOK {
		t.Errorf("what took long: %s", a.where())
	}
}

// What is not to be kept is not kept as a part of what is either.
func TestNotKeptThroughOthers(t *testing.T) {
	t.Parallel()
	database := storetest.Database(t)
	storetest.Exec(t, database, `
		CREATE TABLE notes (id UInt32, owner_id UInt32) ORDER BY id AS SELECT 1 AS id, 1 AS owner_id;
		CREATE TABLE owners (id UInt32, name String) ORDER BY id AS SELECT 1 AS id, 'me' AS name;
		CREATE TABLE places (id UInt32, name String) ORDER BY id AS SELECT 1 AS id, 'here' AS name;
	`)
	app := open(t, Config{ClickHouse: urlOf(t, database, newTap(t).address), CatalogFile: writeCatalog(t, `
tables:
  notes: {references: {owner: {columns: owner_id, table: owners}, place: {columns: owner_id, table: places}}}
  owners: {key: id, cache: off}
  places: {key: id, cache: off}
  known_places: {table: places}
`)})
	for path, kept := range map[string]bool{
		"notes/rows": true, "notes/rows?select=id,owner.name": false, "notes/rows?owner.name=me": false,
		"owners/rows": false, "notes/rows?select=id,place.name": true, "places/rows": false, "known_places/rows": true,
	} {
		for range 2 {
			a := ask(t, http.MethodGet, app.URL()+"/v1/tables/"+path, "")
			if a.status != http.StatusOK || (a.header.Get("ETag") != "") != kept || (a.header.Get("Cache-Control") == "no-store") == kept {
				t.Errorf("%s: %s %s", path, a.where(), a.body)
			}
		}
	}
}

// A client that has any answer has one only where there is one.
func TestAnyAnswer(t *testing.T) {
	t.Parallel()
	app, _, p := cached(t)
	for _, path := range []string{"/v1/tables/prices/rows?limit=3", "/v1/nodes/ticks/rows?from=2024-01-01&points=100"} {
		for range 2 { // the second time it is known what is asked for
			p.set(func() { p.fail = true })
			if a := ask(t, http.MethodGet, app.URL()+path, "", "If-None-Match", "*"); a.status < 500 || a.header.Get("Cache-Control") != "no-store" {
				t.Errorf("%s, which fails: %s", path, a.where())
			}
			p.set(func() { p.fail = false })
			a := ask(t, http.MethodGet, app.URL()+path, "", "If-None-Match", " * ")
			if a.status != http.StatusNotModified || len(a.body) > 0 || a.header.Get("ETag") == "" {
				t.Errorf("%s, which is made: %s", path, a.where())
			}
		}
		kept := ask(t, http.MethodGet, app.URL()+path, "")
		p.set(func() { p.fail = true })
		if a := ask(t, http.MethodGet, app.URL()+path, "", "If-None-Match", "*"); a.status != http.StatusNotModified || a.header.Get("ETag") != kept.header.Get("ETag") {
			t.Errorf("%s, which is kept: %s", path, a.where())
		}
		if a := ask(t, http.MethodGet, app.URL()+path, "", "If-None-Match", `"*", *x`); a.status != http.StatusOK {
			t.Errorf("%s, with tags of others: %s", path, a.where())
		}
	}
}

// An answer that is small as it is kept, and large without its coding, is not unpacked for who
// takes another coding.
func TestLargeUnpacked(t *testing.T) {
	t.Parallel()
	database := storetest.Database(t)
	storetest.Exec(t, database, "CREATE TABLE long (id UInt32, text String) ORDER BY id AS SELECT number AS id, repeat('x', 100000) AS text FROM numbers(50)")
	app := open(t, Config{
		ClickHouse: urlOf(t, database, newTap(t).address), CatalogFile: writeCatalog(t, "tables: {long: }"), CacheSize: 16 << 20,
	})
	url := app.URL() + "/v1/tables/long/rows"
	var first []byte
	for _, step := range []struct{ coding, from string }{
		{"zstd", "miss"}, {"zstd", "hit"}, {"gzip", "miss"}, {"gzip", "hit"}, {"identity", "miss"}, {"identity", "miss"},
	} {
		a := ask(t, http.MethodGet, url, "", "Accept-Encoding", step.coding)
		got := unpack(t, a)
		if i := bytes.Index(got, []byte(`"requestId"`)); a.header.Get("X-Cache") != step.from || i < 0 || a.status != http.StatusOK {
			t.Errorf("in %s: %s, not a %s", step.coding, a.where(), step.from)
		}
		if first == nil {
			first = got
		}
		if len(got) != len(first) {
			t.Errorf("in %s: %d bytes, not %d", step.coding, len(got), len(first))
		}
	}
}

// What is wrong with a request is said in the words of that request, also where another that
// means the same fails at the same time.
func TestFailuresInTheirOwnWords(t *testing.T) {
	t.Parallel()
	app, _, p := cached(t)
	p.set(func() { p.hold = make(chan struct{}) })
	url := app.URL() + "/v1/nodes/ticks/"
	get := later(t, http.DefaultClient, url+"rows?from=2024-01-01&points=100&shape=wide")
	eventually(t, 5*time.Second, "one asks", func() bool { return app.waiting() == 1 })
	post := make(chan answer, 1)
	go func() {
		post <- ask(t, http.MethodPost, url+"query", `{"from": "2024-01-01", "points": 100, "shape": "wide"}`, "Content-Type", jsonType)
	}()
	eventually(t, 5*time.Second, "another asks", func() bool { return app.waiting() == 2 })
	p.release()
	for location, a := range map[string]answer{"query.points": <-get, "body.points": <-post} {
		if problem := a.problem(t); problem.Status != http.StatusUnprocessableEntity || problem.Errors[0].Location != location {
			t.Errorf("%s: %s", location, a.body)
		}
	}
}

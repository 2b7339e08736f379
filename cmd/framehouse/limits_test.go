package main

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"framehouse/internal/store/sql"
	"framehouse/internal/store/storetest"
)

// from is a client whose requests come from an address of this machine.
func from(t *testing.T, address string) *http.Client {
	t.Helper()
	dialer := &net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(address)}}
	transport := &http.Transport{DialContext: dialer.DialContext}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

// askAs asks as a client does; an error means that there was no answer.
func askAs(ctx context.Context, client *http.Client, url string) (answer, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return answer{}, err
	}
	response, err := client.Do(request)
	if err != nil {
		return answer{}, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	return answer{response.StatusCode, response.Header, body}, err
}

// limited is an App over a ClickHouse of ours with tables that cost something.
func limited(t *testing.T, cfg Config) (app *App, database string) {
	t.Helper()
	database = storetest.Database(t)
	storetest.Exec(t, database, `
		CREATE VIEW slow AS SELECT number, sleepEachRow(0.1) AS slept FROM numbers(3);
		CREATE VIEW endless AS SELECT number, sleepEachRow(0.1) AS slept FROM numbers(100000) SETTINGS max_block_size = 10;
		CREATE TABLE quick (id UInt32) ORDER BY id AS SELECT number AS id FROM numbers(10);
		CREATE TABLE large (time DateTime, id UInt64, text String) ORDER BY time
			AS SELECT toDateTime('2026-01-01') + number AS time, number AS id, repeat('x', 100) AS text FROM numbers(500000);
	`)
	address, _ := forward(t, "127.0.0.1:0")
	cfg.ClickHouse = urlOf(t, database, address)
	cfg.CacheSize = noCache // which would answer in the place of ClickHouse
	cfg.CatalogFile = writeCatalog(t, `
tables:
  slow:
  endless:
  quick:
  large: {export: true}
  narrow: {table: large, limits: {rows: 100_000}}
  lean: {table: large, limits: {memory: 20MB, rows: none}}
  light: {table: large, limits: {bytes: 1MB, rows: none}}
  brief: {table: endless, limits: {time: 200ms}}
  free: {table: large, limits: {rows: none}}
nodes:
  ticks: {table: large, time: time}
  narrow_ticks: {table: large, time: time, limits: {rows: 100_000}}
`)
	return open(t, cfg), database
}

// nothingRuns waits until ClickHouse works on nothing of a database.
func nothingRuns(t *testing.T, database string) {
	t.Helper()
	eventually(t, 10*time.Second, "nothing is left in ClickHouse", func() bool {
		return storetest.Query(t, "", "SELECT count() FROM system.processes WHERE current_database = '"+database+"'") == "0"
	})
}

// One caller's hundreds of slow requests do not stand before another's one, and are gone
// with the clients that sent them.
func TestCallersTakeTurns(t *testing.T) {
	t.Parallel()
	app, database := limited(t, Config{MaxQueries: 4, QueueTimeout: 5 * time.Minute})
	many, leave := context.WithCancel(t.Context())
	greedy := from(t, "127.0.0.1")
	const requests = 300
	var answered atomic.Int64
	var all sync.WaitGroup
	for range requests {
		all.Go(func() {
			if a, err := askAs(many, greedy, app.URL()+"/v1/tables/slow/rows"); err == nil && a.status == http.StatusOK {
				answered.Add(1)
			} else if many.Err() == nil {
				t.Errorf("status %d, %v: %s", a.status, err, a.body)
			}
		})
	}
	eventually(t, 30*time.Second, "some are answered", func() bool { return answered.Load() > 0 })
	for range 3 {
		before := answered.Load()
		a, err := askAs(t.Context(), from(t, "127.0.0.2"), app.URL()+"/v1/tables/slow/rows")
		if err != nil || a.status != http.StatusOK {
			t.Fatalf("status %d, %v: %s", a.status, err, a.body)
		}
		// In order of arrival, all of them would be.
		if between := answered.Load() - before; between > requests/4 {
			t.Errorf("one request of another caller is answered after %d of %d", between, requests)
		}
		timing := a.header.Get("Server-Timing")
		for _, part := range []string{`\bqueue;dur=\d+\.\d,`, `\bclickhouse;dur=\d{3,}\.\d,`, `, total;dur=\d{3,}\.\d$`} {
			if !regexp.MustCompile(part).MatchString(timing) {
				t.Errorf("Server-Timing %q does not match %s", timing, part)
			}
		}
	}
	leave()
	all.Wait()
	nothingRuns(t, database)
	if a, err := askAs(t.Context(), greedy, app.URL()+"/v1/tables/quick/rows"); err != nil || a.status != http.StatusOK {
		t.Errorf("after all have left: status %d, %v: %s", a.status, err, a.body)
	}
}

// Who comes when the queue is full is told when to come again; so is who has waited too long.
// Questions of our own are answered all the while.
func TestQueueIsFull(t *testing.T) {
	t.Parallel()
	app, database := limited(t, Config{MaxQueries: 1, QueueTimeout: 10 * time.Minute, QueryTimeout: 10 * time.Minute})
	many, leave := context.WithCancel(t.Context())
	client := from(t, "127.0.0.1")
	const surplus = 9
	var refused atomic.Int64
	var all sync.WaitGroup
	for range 1 + mostWaitingOfOne + surplus {
		all.Go(func() {
			a, err := askAs(many, client, app.URL()+"/v1/tables/endless/rows")
			if err != nil {
				return // it was among those that wait, or the one that is served
			}
			checkRefusal(t, a, "You have 500 requests waiting already.")
			refused.Add(1)
		})
	}
	eventually(t, time.Minute, "those that find no room are refused", func() bool { return refused.Load() == surplus })
	if a := get(t, app.URL()+"/ready"); a.status != http.StatusOK {
		t.Errorf("/ready: %d %s", a.status, a.body)
	}
	leave()
	all.Wait()
	nothingRuns(t, database)
	if a, err := askAs(t.Context(), client, app.URL()+"/v1/tables/quick/rows"); err != nil || a.status != http.StatusOK {
		t.Errorf("after all have left: status %d, %v: %s", a.status, err, a.body)
	}
}

func checkRefusal(t *testing.T, a answer, detail string) {
	t.Helper()
	p := a.problem(t)
	after, err := strconv.Atoi(a.header.Get("Retry-After"))
	if p.Status != http.StatusTooManyRequests || p.Code != "too_many_requests" || !strings.Contains(p.Detail, detail) || err != nil || after < 1 || after > 30 {
		t.Errorf("Retry-After %q: %s", a.header.Get("Retry-After"), a.body)
	}
}

// A client that does not take its answer holds a place, and no more of them than one caller
// may have.
func TestSlowClient(t *testing.T) {
	t.Parallel()
	app, database := limited(t, Config{MaxQueries: 2, QueueTimeout: 200 * time.Millisecond})
	ctx, leave := context.WithCancel(t.Context())
	defer leave()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, app.URL()+"/v1/tables/large/rows?limit=all&format=ndjson", nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Accept-Encoding", "identity")
	response, err := from(t, "127.0.0.1").Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	a, err := askAs(t.Context(), from(t, "127.0.0.1"), app.URL()+"/v1/tables/quick/rows")
	if err != nil {
		t.Fatal(err)
	}
	checkRefusal(t, a, "the turn of this request did not come within 200ms")
	if a, err := askAs(t.Context(), from(t, "127.0.0.2"), app.URL()+"/v1/tables/quick/rows"); err != nil || a.status != http.StatusOK {
		t.Errorf("another caller: status %d, %v: %s", a.status, err, a.body)
	}
	leave()
	nothingRuns(t, database)
}

// Requests that need several queries do not wait for each other's second one.
func TestSeveralQueriesOfARequest(t *testing.T) {
	t.Parallel()
	app, _ := limited(t, Config{MaxQueries: 1, QueueTimeout: time.Minute})
	var all sync.WaitGroup
	for i := range 16 {
		all.Go(func() {
			for _, path := range []string{
				"/v1/tables/large/rows?limit=20000&count=exact", "/v1/nodes/ticks/rows?points=100&select=id", "/v1/nodes/ticks/rows?limit=10",
			} {
				a, err := askAs(t.Context(), from(t, "127.0.0."+strconv.Itoa(1+i%4)), app.URL()+path)
				if err != nil || a.status != http.StatusOK {
					t.Errorf("%s: status %d, %v: %s", path, a.status, err, a.body[:min(len(a.body), 500)])
				}
			}
		})
	}
	all.Wait()
}

// Limits of flags, and those of the catalog in their place, are a 422 that names them.
func TestQueryLimits(t *testing.T) {
	t.Parallel()
	app, database := limited(t, Config{QueryLimits: sql.Limits{Rows: 300_000}})
	for path, want := range map[string][2]string{
		"/v1/tables/large/rows?order=id":                       {"300,000", "filter on a column of the key"},
		"/v1/tables/narrow/rows?order=id":                      {"100,000", "filter on a column of the key"},
		"/v1/nodes/ticks/rows?interval=1h&agg=count":           {"300,000", "Narrow the range"},
		"/v1/nodes/narrow_ticks/rows?points=1000":              {"100,000", "Narrow the range"},
		"/v1/nodes/narrow_ticks/latest?at=2026-12-31":          {"100,000", "Narrow the range"},
		"/v1/tables/lean/rows?group=text,id&agg=count&limit=9": {"20 MB", "fewer columns"},
		"/v1/tables/light/rows?select=text&text.ne=y":          {"1 MB", "fewer columns"},
		"/v1/tables/brief/rows":                                {"200ms", "Narrow the range"},
	} {
		a := get(t, app.URL()+path)
		p := a.problem(t)
		if p.Status != 422 || p.Code != "query_too_expensive" || !strings.Contains(p.Detail, want[0]) || !strings.Contains(p.Errors[0].Hint, want[1]) {
			t.Errorf("%s: %s", path, a.body)
		}
	}
	for _, path := range []string{
		"/v1/tables/free/rows?order=id&limit=2", "/v1/tables/large/rows?time.lt=2026-01-02&order=id&limit=2", "/v1/tables/quick/rows",
		"/v1/nodes/narrow_ticks/rows?from=2026-01-01&to=2026-01-01&limit=2&interval=1h&agg=count", "/v1/tables/narrow", "/v1/tables",
	} {
		if a := get(t, app.URL()+path); a.status != http.StatusOK {
			t.Errorf("%s: %d %s", path, a.status, a.body)
		}
	}
	nothingRuns(t, database)
}

// A limit that is met on the way breaks the answer off.
func TestQueryLimitsOnTheWay(t *testing.T) {
	t.Parallel()
	app, database := limited(t, Config{QueryLimits: sql.Limits{Bytes: 500_000}, QueryTimeout: time.Second})
	storetest.Exec(t, database, "CREATE VIEW more AS SELECT number, repeat('x', 100) AS text FROM system.numbers LIMIT 1000000 SETTINGS max_block_size = 1000")
	for _, format := range []string{"ndjson", "csv", "arrow", "parquet", "json"} {
		a, err := tryGet(t, app.URL()+"/v1/tables/more/rows?limit=100000&format="+format, "")
		if err == nil && a.status == http.StatusOK {
			t.Errorf("%s: %d bytes pass for an answer", format, len(a.body))
		}
	}
	nothingRuns(t, database)
}

func TestLimitFlags(t *testing.T) {
	t.Parallel()
	for flags, want := range map[string]string{
		"--max-queries=-1":           "--max-queries is -1",
		"--max-queries=1001":         "between 1 and 1000",
		"--queue-timeout=0s":         "--queue-timeout must be longer",
		"--query-timeout=0s":         "--query-timeout must be longer",
		"--max-query-rows=-5":        "--max-query-rows is -5",
		"--max-query-memory=2 gigs":  `"2 gigs" is no size; write one such as 2GB, 512MiB or 1.5TB`,
		"--max-query-bytes=much":     `"much" is no size`,
		"--max-query-memory=-1MB":    `"-1MB" is no size`,
		"--max-query-rows=1e6":       "1e6",
		"--max-queries=\x20many":     "many",
		"--queue-timeout=as long as": "as long as",
	} {
		var out, errs bytes.Buffer
		if code := run(t.Context(), []string{"serve", "--demo", flags}, &out, &errs); code != exitUsage || !strings.Contains(errs.String(), want) {
			t.Errorf("%s: exit code %d: %s", flags, code, errs.String())
		}
	}
}

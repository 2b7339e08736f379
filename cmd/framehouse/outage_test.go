package main

import (
	"bytes"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"framehouse/internal/contracts"
	"framehouse/internal/store/storetest"
)

func testSecond(t *testing.T, app *App, dir string) {
	var out, errs bytes.Buffer
	code := run(t.Context(), []string{"serve", "--demo", "--listen", "127.0.0.1:0", "--data", dir}, &out, &errs)
	if code != 1 || !strings.Contains(errs.String(), "framehouse serve on "+strings.TrimPrefix(app.URL(), "http://")) {
		t.Errorf("exit code %d: %s", code, errs.String())
	}
	if out.Len() > 0 {
		t.Errorf("standard output: %s", out.String())
	}
	if a := get(t, app.URL()+"/customers"); a.status != http.StatusOK {
		t.Errorf("the first server then answers %d: %s", a.status, a.body)
	}
}

// ClickHouse dies while an answer is on its way, in each format.
func TestKilledOnTheWay(t *testing.T) {
	t.Parallel()
	app := open(t, Config{Demo: true, DataDir: t.TempDir()})
	for _, format := range contracts.Formats() {
		limit := "all"
		if !format.Streams {
			limit = "100000"
		}
		// A row of data may be one that was kept.
		eventually(t, 20*time.Second, "ClickHouse is back", func() bool {
			return app.engine.Pid() != 0 && get(t, app.URL()+"/ready").status == http.StatusOK
		})
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, app.URL()+"/v1/nodes/flights/rows?limit="+limit+"&format="+format.Name, nil)
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Accept-Encoding", "identity")
		request.Header.Set("Cache-Control", "no-store")
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		// Nothing more is read until ClickHouse is dead, so it can't have sent everything.
		// A JSON frame is small enough to have left ClickHouse whole; that is then all.
		killEngine(t, app)
		body, err := io.ReadAll(response.Body)
		response.Body.Close()
		if err == nil && (format.Streams || !json.Valid(body)) {
			t.Errorf("%s: %d bytes pass for all of it", format.Name, len(body))
		}
	}
}

// killEngine kills the ClickHouse of an App, which must run: process 0 would be our own process
// group, with all that started the tests.
func killEngine(t *testing.T, app *App) {
	t.Helper()
	pid := app.engine.Pid()
	if pid <= 0 {
		t.Fatal("there is no ClickHouse to be killed")
	}
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
}

func testKilledEngine(t *testing.T, app *App) {
	killEngine(t, app)
	// The child is back within a moment; until then nothing looks like data.
	eventually(t, time.Second, "/ready says that ClickHouse ended", func() bool {
		a := get(t, app.URL()+"/ready")
		return a.status == http.StatusServiceUnavailable && strings.Contains(string(a.body), "is being restarted")
	})
	if a := get(t, app.URL()+"/health"); a.status != http.StatusOK {
		t.Errorf("/health: %d", a.status)
	}
	eventually(t, 20*time.Second, "data is served again", func() bool {
		a := get(t, app.URL()+"/v1/nodes/sp500/rows?limit=5")
		if a.status == http.StatusOK {
			return len(a.frame(t).Rows) == 5
		}
		if p := a.problem(t); p.Status != 503 || p.Code != "unavailable" || a.header.Get("Retry-After") == "" {
			t.Fatalf("status %d, Retry-After %q: %s", a.status, a.header.Get("Retry-After"), a.body)
		}
		return false
	})
}

// A ClickHouse that runs elsewhere answers the same as our own, through the same code.
func TestYourOwnClickHouse(t *testing.T) {
	t.Parallel()
	database := storetest.Database(t)
	storetest.Exec(t, database, `
		CREATE TABLE prices (time DateTime64(3, 'UTC') COMMENT 'When it was paid', id LowCardinality(String), price Float64) ORDER BY (time, id);
		INSERT INTO prices VALUES ('2026-01-01 00:00:00.000', 'A', 1.5), ('2026-01-01 00:00:00.250', 'B', nan), ('2026-01-02 00:00:00.000', 'A', 2.25);
	`)
	catalog := writeCatalog(t, "tables:\n  prices:\nnodes:\n  ticks: {table: prices, time: time, dimensions: id}\n")
	address, _ := forward(t, "127.0.0.1:0")
	down := refused(t)
	for name, addresses := range map[string][]string{
		"one host":               {address},
		"the first host is down": {down, address},
		"the second is down":     {address, down},
	} {
		t.Run(name, func(t *testing.T) {
			app := open(t, Config{ClickHouse: urlOf(t, database, addresses...), CatalogFile: catalog})
			f := get(t, app.URL()+"/v1/nodes/ticks/rows?to=2026-01-01").frame(t)
			if len(f.Rows) != 2 || f.Rows[1]["time"] != "2026-01-01T00:00:00.250Z" || f.Rows[1]["price"] != nil || f.Rows[1]["id"] != "B" {
				t.Errorf("ticks of a day: %v", f.Rows)
			}
			if f := get(t, app.URL()+"/v1/tables/prices/rows?id=A").frame(t); len(f.Rows) != 2 {
				t.Errorf("prices of A: %v", f.Rows)
			}
		})
	}
}

// refused is an address where nobody listens.
func refused(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	listener.Close()
	return listener.Addr().String()
}

func TestClickHouseAway(t *testing.T) {
	t.Parallel()
	database := storetest.Database(t)
	storetest.Exec(t, database, "CREATE TABLE things (id UInt32) ORDER BY id AS SELECT 1 AS id")
	address := refused(t)
	app := open(t, Config{ClickHouse: urlOf(t, database, address), CatalogFile: writeCatalog(t, "tables: {things: }")})

	unavailable := func(paths ...string) {
		t.Helper()
		for _, path := range paths {
			a := get(t, app.URL()+path)
			if p := a.problem(t); p.Status != 503 || p.Code != "unavailable" || a.header.Get("Retry-After") == "" {
				t.Errorf("%s: status %d, Retry-After %q: %s", path, a.status, a.header.Get("Retry-After"), a.body)
			}
			if bytes.Contains(a.body, []byte(address)) {
				t.Errorf("%s gives the address away: %s", path, a.body)
			}
		}
		if a := get(t, app.URL()+"/ready"); a.status != 503 {
			t.Errorf("/ready: %d %s", a.status, a.body)
		}
		if a := get(t, app.URL()+"/health"); a.status != 200 {
			t.Errorf("/health: %d %s", a.status, a.body)
		}
	}
	unavailable("/v1/tables", "/v1/tables/things", "/v1/tables/things/rows", "/v1/nodes", "/v1/nodes/any/latest", "/customers")

	_, stop := forward(t, address)
	eventually(t, 20*time.Second, "things are served once ClickHouse is there", func() bool {
		a := get(t, app.URL()+"/v1/tables/things/rows")
		return a.status == 200 && len(a.frame(t).Rows) == 1
	})
	stop()
	eventually(t, 5*time.Second, "the connection is gone", func() bool { return get(t, app.URL()+"/ready").status == 503 })
	// A version is taken for that of now for a second, and what is kept with it.
	eventually(t, 5*time.Second, "nothing is known any more", func() bool { return get(t, app.URL()+"/v1/tables/things/rows").status != 200 })
	unavailable("/v1/tables/things/rows")
}

func TestFaultyEntry(t *testing.T) {
	t.Parallel()
	database := storetest.Database(t)
	storetest.Exec(t, database, "CREATE TABLE good (id UInt32) ORDER BY id AS SELECT 1 AS id")
	address, _ := forward(t, "127.0.0.1:0")
	url := urlOf(t, database, address)
	file := writeCatalog(t, "tables:\n  good:\n  bad:\n    labl: Bad\n  gone:\n")
	app := open(t, Config{ClickHouse: url, CatalogFile: file})
	if f := get(t, app.URL()+"/v1/tables/good/rows").frame(t); len(f.Rows) != 1 {
		t.Errorf("the good table: %v", f.Rows)
	}
	if p := get(t, app.URL()+"/v1/tables/bad/rows").problem(t); p.Status != 503 {
		t.Errorf("a table that is left out: %+v", p)
	}
	ready := get(t, app.URL()+"/ready")
	for _, want := range []string{`"entry":"tables.bad"`, `did you mean \"label\"?`, `"entry":"tables.gone"`, `"line":5`} {
		if ready.status != 200 || !strings.Contains(string(ready.body), want) {
			t.Errorf("/ready: %d, no %s in %s", ready.status, want, ready.body)
		}
	}

	var out, errs bytes.Buffer
	if code := run(t.Context(), []string{"catalog", "check", "--catalog", file, "--clickhouse", url}, &out, &errs); code != 1 {
		t.Errorf("catalog check: exit code %d", code)
	}
	for _, want := range []string{file + `:4: tables.bad: unknown key "labl"; did you mean "label"?`, file + ":5: tables.gone: ClickHouse has no table " + database + ".gone"} {
		if !strings.Contains(out.String(), want+"\n") {
			t.Errorf("catalog check says %s, not %s", out.String(), want)
		}
	}
	if err := os.WriteFile(file, []byte("tables: {good: }"), 0o600); err != nil {
		t.Fatal(err)
	}
	out.Reset()
	if code := run(t.Context(), []string{"catalog", "check", "--catalog", file, "--clickhouse", url}, &out, &errs); code != 0 {
		t.Errorf("catalog check of a good catalog: exit code %d: %s%s", code, out.String(), errs.String())
	}
}

// A failure keeps its own status until bytes have left; after that the answer is broken
// off, and never looks whole.
func TestFailureOnTheWay(t *testing.T) {
	t.Parallel()
	database := storetest.Database(t)
	storetest.Exec(t, database, `
		CREATE VIEW slow AS SELECT number, sleepEachRow(0.1) AS slept FROM numbers(1000);
		CREATE VIEW failing AS SELECT number, throwIf(number = 2, 'a secret of the database') AS t FROM numbers(10);
		CREATE VIEW late AS SELECT number, throwIf(number = 90000) AS t, repeat('x', 100) AS text FROM numbers(100000) SETTINGS max_block_size = 1000;
		CREATE VIEW stuck AS SELECT number, if(number < 90000, 0, sleepEachRow(0.001)) AS slept, repeat('x', 100) AS text FROM numbers(100000) SETTINGS max_block_size = 1000;
	`)
	address, _ := forward(t, "127.0.0.1:0")
	app := open(t, Config{
		ClickHouse:   urlOf(t, database, address),
		CatalogFile:  writeCatalog(t, "tables: {slow: , failing: , late: , stuck: }"),
		QueryTimeout: time.Second,
	})
	for _, format := range contracts.Formats() {
		request := "/rows?limit=100000&format=" + format.Name
		p := get(t, app.URL()+"/v1/tables/slow"+request).problem(t)
		if p.Status != 422 || p.Code != "query_too_expensive" || !strings.Contains(p.Errors[0].Hint, "Narrow") {
			t.Errorf("%s: a slow query: %+v", format.Name, p)
		}
		a := get(t, app.URL()+"/v1/tables/failing"+request)
		if p := a.problem(t); p.Status != 500 || p.Code != "internal" || bytes.Contains(a.body, []byte("secret")) {
			t.Errorf("%s: an early failure: %s", format.Name, a.body)
		}
		for _, table := range []string{"late", "stuck"} {
			a, err := tryGet(t, app.URL()+"/v1/tables/"+table+request, "")
			if err == nil && a.status == http.StatusOK {
				t.Errorf("%s: a failure of %s passed for an answer of %d bytes", format.Name, table, len(a.body))
			}
		}
	}
}

// A client that hangs up ends its query in ClickHouse too.
func TestHangUp(t *testing.T) {
	t.Parallel()
	database := storetest.Database(t)
	storetest.Exec(t, database, "CREATE VIEW slow AS SELECT number, sleepEachRow(0.01) AS slept FROM numbers(100000) SETTINGS max_block_size = 100")
	address, _ := forward(t, "127.0.0.1:0")
	app := open(t, Config{ClickHouse: urlOf(t, database, address), CatalogFile: writeCatalog(t, "tables: {slow: }")})
	running := func() bool {
		return storetest.Query(t, "", "SELECT count() FROM system.processes WHERE current_database = '"+database+"' AND query LIKE '%slow%' AND query NOT LIKE '%system.processes%'") != "0"
	}
	client, err := net.Dial("tcp", strings.TrimPrefix(app.URL(), "http://"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.Write([]byte("GET /v1/tables/slow/rows?limit=100000 HTTP/1.1\r\nHost: x\r\n\r\n")); err != nil {
		t.Fatal(err)
	}
	eventually(t, 5*time.Second, "the query runs", running)
	client.Close()
	eventually(t, 2*time.Second, "the query is gone", func() bool { return !running() })
}

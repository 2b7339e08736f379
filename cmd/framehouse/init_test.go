package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"framehouse/internal/store/storetest"
)

// inited has one of everything that a database may hold: each type, odd names, an empty
// table, views of both kinds, and what cannot be read.
func inited(t *testing.T) (database string) {
	t.Helper()
	database = storetest.Database(t)
	for i, column := range types {
		table := fmt.Sprintf("t%02d", i)
		storetest.Exec(t, database, fmt.Sprintf("CREATE TABLE %s (n UInt8, v %s, at DateTime) ORDER BY (n, at) SETTINGS flatten_nested = 0, allow_suspicious_low_cardinality_types = 1", table, column.typ))
		storetest.Exec(t, database, fmt.Sprintf("INSERT INTO %s SETTINGS input_format_try_infer_datetimes = 0 VALUES (1, %s, 1)", table, column.values[0]))
	}
	storetest.Exec(t, database, `
		CREATE TABLE empty (a Int8) ENGINE = MergeTree ORDER BY tuple();
		CREATE TABLE log (a Int8, at DateTime) ENGINE = Log;
		CREATE TABLE `+"`no`"+` (`+"`the \"time\"` DateTime, `größe, 'x'` UInt8"+`) ENGINE = MergeTree ORDER BY `+"`the \"time\"`"+`;
		CREATE TABLE `+"`a b/c?`"+` (at Date, symbol String, v Float64) ENGINE = ReplacingMergeTree ORDER BY (symbol, at);
		CREATE TABLE states (at Date, s AggregateFunction(sum, UInt64), __framehouse_x UInt8) ENGINE = MergeTree ORDER BY at;
		INSERT INTO states SELECT '2026-01-01', sumState(toUInt64(number)), 1 FROM numbers(10);
		CREATE VIEW seen AS SELECT * FROM states;
		CREATE MATERIALIZED VIEW per_day ENGINE = SummingMergeTree ORDER BY at AS SELECT at, count() AS n FROM `+"`a b/c?`"+` GROUP BY at;
		INSERT INTO `+"`a b/c?`"+` VALUES ('2026-01-01', 'A', 1);
		INSERT INTO `+"`a b/c?`"+` VALUES ('2026-01-01', 'B', 2);
		CREATE TABLE gone (a Int8) ENGINE = Null;
	`)
	return database
}

func TestCatalogInit(t *testing.T) {
	t.Parallel()
	database := inited(t)
	address, _ := forward(t, "127.0.0.1:0")
	command := func(args ...string) (code int, out, errs string) {
		var o, e bytes.Buffer
		code = run(t.Context(), args, &o, &e)
		return code, o.String(), e.String()
	}
	for _, where := range [][]string{
		{"--clickhouse", urlOf(t, database, address)},
		{"--clickhouse", urlOf(t, "default", address), "--database", database},
	} {
		code, text, errs := command(append([]string{"catalog", "init"}, where...)...)
		if code != 0 || errs != "" {
			t.Fatalf("%v: exit code %d: %s", where, code, errs)
		}
		file := writeCatalog(t, text)
		if code, out, errs := command(append([]string{"catalog", "check", "--catalog", file}, where[:2]...)...); code != 0 || !strings.Contains(out, " is fine: ") {
			t.Errorf("exit code %d: %s%s\n%s", code, out, errs, text)
		}
	}
	url := urlOf(t, database, address)
	for _, test := range []struct {
		args []string
		code int
		out  string
		errs string
	}{
		{[]string{"--help"}, 0, "framehouse catalog init --clickhouse http", ""},
		{[]string{"--clickhouse", url, "--database", database + "x"}, 1, "", `did you mean "` + database + `"?`},
		{[]string{"--clickhouse", url + "x"}, 1, "", "no database"},
		{[]string{"--clickhouse", url, "--database", storetest.Database(t)}, 1, "", "no table or view"},
		{[]string{"--clickhouse", url, "--data", "d"}, 2, "", "--data"},
		{[]string{"--clickhouse", url, "--databse", "d"}, 2, "", "--database"},
		{[]string{"--clickhouse", "clickhouse://u:hidden@db:9000/x"}, 2, "", "http://db:8123/x"},
		{[]string{"--clickhouse", "http://u:hidden@127.0.0.1:1/x"}, 1, "", "127.0.0.1:1"},
	} {
		code, out, errs := command(append([]string{"catalog", "init"}, test.args...)...)
		if code != test.code || !strings.Contains(out, test.out) || test.code != 0 && out != "" || !strings.Contains(errs, test.errs) || strings.Contains(errs, "hidden") {
			t.Errorf("%v: exit code %d\nout: %s\nerr: %s", test.args, code, out, errs)
		}
	}
	for _, args := range [][]string{{"--catalog", "x.yaml"}, {"--demo"}} {
		if code, _, errs := command(append([]string{"serve", "--publish", "x"}, args...)...); code != 2 || !strings.Contains(errs, "--publish") {
			t.Errorf("%v: exit code %d: %s", args, code, errs)
		}
	}
	if code, _, errs := command("serve", "--listen", "127.0.0.1:0", "--publish", database+"x", "--clickhouse", url); code != 1 || !strings.Contains(errs, `did you mean "`+database+`"?`) {
		t.Errorf("exit code %d: %s", code, errs)
	}
}

// names are the published names that a list gives.
func names(t *testing.T, url string) []string {
	t.Helper()
	var names []string
	for _, row := range get(t, url).frame(t).Rows {
		names = append(names, row["name"].(string))
	}
	return names
}

// Everything that --publish lists can be read, and the list follows the database.
func TestPublish(t *testing.T) {
	t.Parallel()
	database := inited(t)
	address, _ := forward(t, "127.0.0.1:0")
	app := open(t, Config{ClickHouse: urlOf(t, "default", address), Publish: database})
	began := time.Now()
	tables, nodes := names(t, app.URL()+"/v1/tables"), names(t, app.URL()+"/v1/nodes")
	t.Logf("listed within %s of the start", time.Since(began))
	if want := len(types) + 7; len(tables) != want {
		t.Errorf("%d tables of %d: %s", len(tables), want, tables)
	}
	if want := len(types) + 4; len(nodes) != want {
		t.Errorf("%d nodes of %d: %s", len(nodes), want, nodes)
	}
	for _, name := range tables {
		get(t, app.URL()+"/v1/tables/"+name+"/rows").frame(t)
	}
	for _, name := range nodes {
		for _, route := range []string{"/rows?from=1970-01-01&to=2030-01-01", "/latest"} {
			get(t, app.URL()+"/v1/nodes/"+name+route).frame(t)
		}
	}
	// Two insertions that are not merged yet are one row of the view.
	if f := get(t, app.URL()+"/v1/nodes/per_day/rows?from=2026-01-01&to=2026-01-01").frame(t); len(f.Rows) != 1 || f.Rows[0]["n"] != "2" {
		t.Errorf("per_day has %v", f.Rows)
	}
	var ready struct{ NotServed []any }
	if a := get(t, app.URL()+"/ready"); a.status != 200 || json.Unmarshal(a.body, &ready) != nil || len(ready.NotServed) > 0 {
		t.Errorf("/ready: %s", a.body)
	}
	storetest.Exec(t, database, "CREATE TABLE later (at DateTime, v Float64) ENGINE = MergeTree ORDER BY at")
	app.Reload()
	eventually(t, 20*time.Second, "the new table and series are served", func() bool {
		return get(t, app.URL()+"/v1/tables/later/rows").status == 200 && get(t, app.URL()+"/v1/nodes/later/latest").status == 200
	})
}

// With no ClickHouse given, what is published is in the one that framehouse runs.
func TestPublishEmbedded(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := start(t, "--demo", "--data", dir)
	stop(t, s)
	s = start(t, "--publish", "framehouse", "--data", dir)
	if tables, nodes := names(t, s.url+"/v1/tables"), names(t, s.url+"/v1/nodes"); len(tables) != 10 || len(nodes) != 5 {
		t.Errorf("tables %s, nodes %s", tables, nodes)
	}
	if f := get(t, s.url+"/v1/nodes/sp500/rows?from=2008-09-01&to=2008-09-30").frame(t); len(f.Rows) != 21 {
		t.Errorf("%d trading days in September 2008", len(f.Rows))
	}
	stop(t, s)
	var text, errs bytes.Buffer
	if code := run(context.WithoutCancel(t.Context()), []string{"catalog", "init", "--data", dir}, &text, &errs); code != 0 {
		t.Fatalf("exit code %d: %s", code, errs.String())
	}
	file := writeCatalog(t, text.String())
	if code := run(t.Context(), []string{"catalog", "check", "--data", dir, "--catalog", file}, &text, &errs); code != 0 {
		t.Errorf("exit code %d: %s%s", code, text.String(), errs.String())
	}
}

func stop(t *testing.T, s *server) {
	t.Helper()
	if err := s.cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if err := s.cmd.Wait(); err != nil {
		t.Fatal(err)
	}
}

package main

import (
	"bufio"
	"bytes"
	"io"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"framehouse/internal/store/storetest"
)

// server is framehouse as a process of its own.
type server struct {
	cmd *exec.Cmd
	url string
}

var servesAt = regexp.MustCompile(`serves at (http://\S+)`)

func start(t *testing.T, args ...string) *server {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self, append([]string{"serve", "--listen", "127.0.0.1:0"}, args...)...)
	cmd.Env = append(os.Environ(), asFramehouse+"=1")
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill() // fails when the test has ended it already
		_ = cmd.Wait()
	})
	lines := bufio.NewScanner(stderr)
	var said []string
	for lines.Scan() {
		said = append(said, lines.Text())
		if m := servesAt.FindStringSubmatch(lines.Text()); m != nil {
			go func() { _, _ = io.Copy(io.Discard, stderr) }()
			return &server{cmd, m[1]}
		}
	}
	t.Fatalf("framehouse did not start:\n%s", strings.Join(said, "\n"))
	return nil
}

// engines are the processes of ClickHouse on a data folder.
func engines(dir string) []string {
	out, _ := exec.Command("pgrep", "-f", "^framehouse-clickhouse "+regexp.QuoteMeta(dir)).Output() // fails when there is none
	return strings.Fields(string(out))
}

// However the server ends, ClickHouse ends with it, and the data is there afterwards. An
// orderly end is well under the five seconds after which ClickHouse would be killed.
func TestServerEnds(t *testing.T) {
	t.Parallel()
	dir := t.TempDir() + "/data of a server"
	for _, end := range []struct {
		signal syscall.Signal
		within time.Duration
	}{{syscall.SIGKILL, 2 * time.Second}, {syscall.SIGINT, 4 * time.Second}, {syscall.SIGTERM, 4 * time.Second}} {
		s := start(t, "--demo", "--data", dir)
		if f := get(t, s.url+"/v1/nodes/sp500/rows?from=2008-09-01&to=2008-09-30").frame(t); len(f.Rows) != 21 {
			t.Errorf("%d trading days in September 2008", len(f.Rows))
		}
		if len(engines(dir)) != 1 {
			t.Fatalf("engines on %s: %v", dir, engines(dir))
		}
		ended := time.Now()
		if err := s.cmd.Process.Signal(end.signal); err != nil {
			t.Fatal(err)
		}
		err := s.cmd.Wait()
		eventually(t, end.within, "no process is left after "+end.signal.String(), func() bool { return len(engines(dir)) == 0 })
		t.Logf("%s: gone after %s", end.signal, time.Since(ended).Round(time.Millisecond))
		if end.signal != syscall.SIGKILL && err != nil {
			t.Errorf("after %s: %v", end.signal, err)
		}
	}
}

func TestCommandLine(t *testing.T) {
	t.Parallel()
	tests := []struct {
		args string
		code int
		out  string // part of standard output
		errs string // part of standard error
	}{
		{"--help", 0, "serve", ""},
		{"serve --help", 0, "framehouse serve --demo", ""},
		{"serve --help", 0, "$FRAMEHOUSE_CLICKHOUSE", ""},
		{"catalog check --help", 0, "framehouse catalog check --catalog", ""},
		{"openapi --help", 0, "framehouse openapi --format json", ""},
		{"version", 0, "framehouse dev\n", ""},
		{"openapi", 0, "openapi: 3.1.0", ""},
		{"openapi --format json", 0, `"openapi": "3.1.0"`, ""},
		{"", 2, "", "--help"},
		{"sreve", 2, "", "sreve"},
		{"serve --lisen :1", 2, "", "--listen"},
		{"serve --query-timeout fast", 2, "", "query-timeout"},
		{"openapi", 0, "", "There is no catalog.yaml here"},
		{"openapi --catalog none.yaml", 1, "", "none.yaml"},
		{"openapi --demo --publish x", 2, "", "--publish"},
		{"openapi --format xml", 2, "", "yaml"},
		{"serve --listen 256.0.0.1:80", 1, "", "--listen"},
		{"serve --clickhouse clickhouse://u:hidden@db:9000/x --demo", 2, "", "http://db:8123/x"},
		{"serve --clickhouse http://u:hidden@db:8123/x?secure=1 --demo", 2, "", "secure"},
		{"serve --demo --catalog mine.yaml", 2, "", "--catalog"},
		{"serve --demo --cors-origins https://app.example.com,app.example.com", 2, "", `--cors-origins: the origin "app.example.com" must begin with https://`},
		{"serve --demo --base-path data", 2, "", `--base-path "data" is no path such as /data`},
		{"serve --demo --base-path /a/../b", 2, "", "--base-path"},
		{"serve --demo --base-path //a", 2, "", "--base-path"},
		{"serve --demo --base-path /a?b", 2, "", "--base-path"},
		{"serve --demo --public-url data.example.com", 2, "", "must begin with https://"},
		{"serve --demo --public-url https://u:hidden@data.example.com", 2, "", "leave the user and password out"},
		{"serve --demo --public-url https://data.example.com/a?b=c", 2, "", "without ? and #"},
		{"serve --demo --public-url https://data.example.com/a//b", 2, "", "has a path that is not"},
		{"openapi --base-path /data/", 0, "servers:\n  - url: /data\n", ""},
		{"openapi --base-path /data --public-url https://data.example.com/data/", 0, "servers:\n  - url: https://data.example.com/data\n", ""},
		{"serve --demo --query-timeout 0s", 2, "", "--query-timeout"},
		{"serve --demo --query-timeout -1s", 2, "", "--query-timeout"},
		{"serve --demo --clickhouse http://127.0.0.1:1 --data d", 2, "", "--data"},
		{"serve --clickhouse http://u:hidden@127.0.0.1:1/x --catalog none.yaml", 1, "", "none.yaml"},
	}
	for _, test := range tests {
		t.Run(test.args, func(t *testing.T) {
			var out, errs bytes.Buffer
			args := strings.Fields(test.args)
			if strings.HasPrefix(test.args, "serve") && !strings.Contains(test.args, "--listen") && !strings.Contains(test.args, "--help") {
				args = append(args, "--listen", "127.0.0.1:0")
			}
			code := run(t.Context(), args, &out, &errs)
			if code != test.code || !strings.Contains(out.String(), test.out) || !strings.Contains(errs.String(), test.errs) {
				t.Errorf("exit code %d\nout: %s\nerr: %s", code, out.String(), errs.String())
			}
			if test.code != 0 && out.Len() > 0 {
				t.Errorf("a failure wrote to standard output: %s", out.String())
			}
			if strings.Contains(errs.String(), "hidden") {
				t.Errorf("the password is shown: %s", errs.String())
			}
		})
	}
	var first, second bytes.Buffer
	run(t.Context(), []string{"openapi"}, &first, io.Discard)
	run(t.Context(), []string{"openapi"}, &second, io.Discard)
	if !bytes.Equal(first.Bytes(), second.Bytes()) {
		t.Error("two OpenAPI documents differ")
	}
}

// The document of a catalog has its tables, each time alike; one with a fault has none.
func TestOpenAPICommand(t *testing.T) {
	t.Parallel()
	database := storetest.Database(t)
	storetest.Exec(t, database, "CREATE TABLE order_lines (i UInt32, price Nullable(Decimal(18, 2)) COMMENT 'What was paid.') ORDER BY i")
	address, _ := forward(t, "127.0.0.1:0")
	server := urlOf(t, database, address)
	var printed [3]string
	for i, args := range [][]string{
		{"--catalog", writeCatalog(t, "tables: {order_lines: {key: i}}")}, {"--catalog", writeCatalog(t, "tables: {order_lines: {key: i}}")}, {"--publish", database},
	} {
		var out, errs bytes.Buffer
		if code := run(t.Context(), append([]string{"openapi", "--clickhouse", server}, args...), &out, &errs); code != 0 {
			t.Fatalf("exit code %d: %s", code, errs.String())
		}
		printed[i] = out.String()
		for _, part := range []string{"/v1/tables/order_lines/rows:", "operationId: readOrderLines", "description: What was paid.", "price.gte"} {
			if !strings.Contains(printed[i], part) {
				t.Errorf("%v: the document has no %s", args, part)
			}
		}
	}
	if printed[0] != printed[1] {
		t.Error("two documents of one catalog differ")
	}
	var out, errs bytes.Buffer
	code := run(t.Context(), []string{"openapi", "--clickhouse", server, "--catalog", writeCatalog(t, "tables: {order_lines: {key: j}}")}, &out, &errs)
	if code != 1 || out.Len() > 0 || !strings.Contains(errs.String(), `"j"`) || strings.Contains(errs.String(), storetest.Engine(t).Password()) {
		t.Errorf("of a faulty catalog: exit code %d, %d bytes, %s", code, out.Len(), errs.String())
	}
}

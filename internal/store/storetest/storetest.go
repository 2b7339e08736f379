// Package storetest gives tests a database of their own on a real ClickHouse.
//
// One engine serves all tests of a test binary; it starts on first use and is stopped by Main. A test never skips for
// want of it: a missing library fails the test with the text that says how to get it.
package storetest

import (
	"context"
	"crypto/rand"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"strings"
	"sync"
	"testing"

	"framehouse/internal/store/engine"
)

// shared is the engine of this test binary. It is the one exception to the rule against package-level state: there
// is no other place that outlives a test and is reached by all of them.
var shared struct {
	once   sync.Once
	engine *engine.Engine
	dir    string
	err    error
}

// Main is the body of a TestMain:
//
//	func TestMain(m *testing.M) { storetest.Main(m) }
func Main(m *testing.M) {
	engine.Main()
	code := m.Run()
	if shared.engine != nil {
		shared.engine.Close()
	}
	if shared.dir != "" {
		os.RemoveAll(shared.dir)
	}
	os.Exit(code)
}

// Engine is the one of this test binary. It must not be closed.
func Engine(t testing.TB) *engine.Engine {
	t.Helper()
	shared.once.Do(func() {
		if shared.dir, shared.err = os.MkdirTemp("", "framehouse-test-"); shared.err == nil {
			// Not the test's context: the engine outlives the test that happens to start it.
			shared.engine, shared.err = engine.Open(context.Background(), engine.Config{Dir: shared.dir, Owner: "tests"})
		}
	})
	if shared.err != nil {
		t.Fatal(shared.err)
	}
	return shared.engine
}

// Database makes an empty database, dropped when the test ends, and returns its name, which needs no quoting.
func Database(t testing.TB) string {
	t.Helper()
	name := "test_" + strings.ToLower(rand.Text()[:16])
	Exec(t, "", "CREATE DATABASE "+name)
	t.Cleanup(func() { Exec(t, "", "DROP DATABASE IF EXISTS "+name+" SYNC") })
	return name
}

var statementEnd = regexp.MustCompile(`;[ \t]*(\n|$)`)

// Exec runs a statement in database, or several that each end in a semicolon at the end of a line.
func Exec(t testing.TB, database, statement string) {
	t.Helper()
	for _, s := range statementEnd.Split(statement, -1) {
		if s = strings.TrimSpace(s); s != "" {
			do(t, database, s)
		}
	}
}

// Query returns what ClickHouse itself answers, as tab-separated text without the last line break, so that an
// assertion does not rest on the code under test.
func Query(t testing.TB, database, statement string) string {
	t.Helper()
	return strings.TrimSuffix(do(t, database, statement), "\n")
}

func do(t testing.TB, database, statement string) string {
	t.Helper()
	e := Engine(t)
	// A cleanup runs when the context of its test has ended already.
	req, err := http.NewRequestWithContext(context.WithoutCancel(t.Context()), http.MethodPost,
		"http://engine/?"+url.Values{"database": {database}, "wait_end_of_query": {"1"}}.Encode(), strings.NewReader(statement))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("X-ClickHouse-User", e.User())
	req.Header.Set("X-ClickHouse-Key", e.Password())
	client := http.Client{Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext:       func(ctx context.Context, _, addr string) (net.Conn, error) { return e.DialContext(ctx, addr) },
	}}
	resp, err := client.Do(req)
	if err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
	if resp.StatusCode != http.StatusOK {
		t.Fatalf("%s\n%s: %s", statement, resp.Status, body)
	}
	return string(body)
}

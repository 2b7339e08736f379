package engine

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestMain lets this test binary be an engine's child, and a parent that tests can kill.
func TestMain(m *testing.M) {
	Main()
	if dir := os.Getenv(parentEnv); dir != "" {
		parent(dir)
	}
	os.Exit(m.Run())
}

// open opens an engine that is closed, and whose process must be gone, when the test ends.
func open(t *testing.T, cfg Config) *Engine {
	t.Helper()
	if cfg.Dir == "" {
		cfg.Dir = t.TempDir()
	}
	e, err := Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		pid := e.Pid()
		if err := e.Close(); err != nil {
			t.Error(err)
		}
		if pid != 0 && alive(pid) {
			t.Errorf("process %d outlived Close", pid)
		}
	})
	return e
}

// request sends a statement as header says, and returns status and text.
func request(ctx context.Context, e *Engine, query, statement string, header http.Header) (int, string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://engine/"+query, strings.NewReader(statement))
	if err != nil {
		return 0, "", err
	}
	req.Header = header
	client := http.Client{Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext:       func(ctx context.Context, _, addr string) (net.Conn, error) { return e.DialContext(ctx, addr) },
	}}
	resp, err := client.Do(req)
	if err != nil {
		return 0, "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return resp.StatusCode, strings.TrimSpace(string(body)), err
}

func try(e *Engine, statement string) (string, error) {
	status, text, err := request(context.Background(), e, "?database="+e.Database(), statement,
		http.Header{"X-ClickHouse-User": {e.User()}, "X-ClickHouse-Key": {e.Password()}})
	if err == nil && status != http.StatusOK {
		err = errors.New(text)
	}
	return text, err
}

func ask(t *testing.T, e *Engine, statement string) string {
	t.Helper()
	text, err := try(e, statement)
	if err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
	return text
}

// kill kills the process of an engine, which must run: process 0 would be our own process group,
// with all that started the tests.
func kill(t *testing.T, e *Engine) {
	t.Helper()
	pid := e.Pid()
	if pid <= 0 {
		t.Fatal("there is no process to be killed")
	}
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
}

// within waits for something that happens in another process.
func within(t *testing.T, limit time.Duration, what string, happened func() bool) time.Duration {
	t.Helper()
	began := time.Now()
	for !happened() {
		if time.Since(began) > limit {
			t.Fatalf("not within %s: %s", limit, what)
		}
		time.Sleep(time.Millisecond)
	}
	return time.Since(began)
}

func TestAnswersItsOwner(t *testing.T) {
	e := open(t, Config{})
	if err := e.Health(); err != nil {
		t.Error(err)
	}
	if got, want := ask(t, e, "SELECT currentUser(), currentDatabase(), timezone(), 6 * 7"), "framehouse\tframehouse\tUTC\t42"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	ask(t, e, "CREATE TABLE t (a Int64) ENGINE = MergeTree ORDER BY a")
	if got, want := ask(t, e, "SELECT engine FROM system.databases WHERE name = 'framehouse'"), "Atomic"; got != want {
		t.Errorf("database engine %s, want %s", got, want)
	}
}

func TestNobodyElseGetsAnAnswer(t *testing.T) {
	e := open(t, Config{})
	h := func(pairs ...string) http.Header {
		header := http.Header{}
		for i := 0; i < len(pairs); i += 2 {
			header.Set(pairs[i], pairs[i+1])
		}
		return header
	}
	for _, test := range []struct {
		name, query, statement string
		header                 http.Header
		status                 int
	}{
		{"no user", "", "SELECT 1", h(), 404},
		{"no user, statement in the URL", "?query=SELECT+1", "", h(), 404},
		{"ping", "ping", "", h(), 404},
		{"play", "play", "", h(), 404},
		{"default in the URL", "?user=default", "SELECT 1", h(), 404},
		{"default by header", "", "SELECT 1", h("X-ClickHouse-User", "default"), 404},
		{"default by basic authentication", "", "SELECT 1", h("Authorization", "Basic ZGVmYXVsdDo="), 404},
		{"stop listening, as default", "", "SYSTEM STOP LISTEN HTTP", h("X-ClickHouse-User", "default"), 404},
		{"our user in the URL, with the password", "?user=framehouse&password=" + e.Password(), "SELECT 1", h(), 404},
		{"our user without password", "", "SELECT 1", h("X-ClickHouse-User", "framehouse"), 403},
		{"our user with a wrong password", "", "SELECT 1", h("X-ClickHouse-User", "framehouse", "X-ClickHouse-Key", "guess"), 403},
		{"our user by header, default in the URL", "?user=default&password=", "SYSTEM STOP LISTEN HTTP", h("X-ClickHouse-User", "framehouse"), 403},
		{"our user by header, default by basic authentication", "", "SYSTEM STOP LISTEN HTTP",
			h("X-ClickHouse-User", "framehouse", "Authorization", "Basic ZGVmYXVsdDo="), 403},
		{"both users by header", "", "SYSTEM STOP LISTEN HTTP",
			http.Header{"X-ClickHouse-User": {"default", "framehouse"}}, 404},
		{"both users by header, the other way", "", "SYSTEM STOP LISTEN HTTP",
			http.Header{"X-ClickHouse-User": {"framehouse", "default"}}, 403},
	} {
		t.Run(test.name, func(t *testing.T) {
			status, text, err := request(t.Context(), e, test.query, test.statement, test.header)
			if err != nil {
				t.Fatal(err)
			}
			if status != test.status {
				t.Errorf("status %d, want %d; answer: %s", status, test.status, text)
			}
		})
	}
	if got := ask(t, e, "SELECT 1"); got != "1" {
		t.Errorf("after all that, SELECT 1 is %q", got)
	}
}

func TestFolderNames(t *testing.T) {
	for _, name := range []string{`a b & <c> 'd' "e"`, "größe-日本", "${HOME} %s"} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "new", name)
			e := open(t, Config{Dir: dir})
			ask(t, e, "CREATE TABLE t (a Int8) ENGINE = MergeTree ORDER BY a")
			for _, inside := range []string{"lock", "password", "clickhouse.log", "clickhouse/metadata"} {
				if _, err := os.Stat(filepath.Join(dir, inside)); err != nil {
					t.Error(err)
				}
			}
		})
	}
}

func TestRelativeFolder(t *testing.T) {
	t.Chdir(t.TempDir())
	e := open(t, Config{Dir: "data"})
	t.Chdir(t.TempDir()) // where the process goes later must not matter
	kill(t, e)
	within(t, time.Second, "death noticed", func() bool { return e.Health() != nil })
	within(t, 10*time.Second, "restart", func() bool { return e.Health() == nil })
	if got := ask(t, e, "SELECT 1"); got != "1" {
		t.Errorf("SELECT 1 is %q", got)
	}
}

func TestChildSeesNoSecrets(t *testing.T) {
	t.Setenv("FRAMEHOUSE_SECRET", "hush")
	e := open(t, Config{})
	for _, file := range []string{"environ", "cmdline"} {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", e.Pid(), file))
		if errors.Is(err, os.ErrNotExist) {
			t.Skip("this system has no /proc to look into another process")
		}
		if err != nil {
			t.Fatal(err)
		}
		for _, secret := range []string{"hush", e.Password()} {
			if strings.Contains(string(text), secret) {
				t.Errorf("%s of the child holds a secret: %q", file, text)
			}
		}
	}
	for _, file := range []string{"config.xml", "users.xml", "clickhouse.log", "lock"} {
		text, err := os.ReadFile(filepath.Join(e.folder.dir, file))
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(text), e.Password()) {
			t.Errorf("%s holds the password", file)
		}
	}
}

func TestCloseIsQuick(t *testing.T) {
	e := open(t, Config{})
	started := make(chan error, 1)
	go func() {
		_, err := try(e, "SELECT sleepEachRow(1) FROM numbers(3600) SETTINGS max_block_size = 1, function_sleep_max_microseconds_per_block = 0")
		started <- err
	}()
	within(t, 5*time.Second, "a long query runs", func() bool {
		return ask(t, e, "SELECT count() FROM system.processes WHERE query LIKE '%3600%' AND user = 'framehouse'") == "2"
	})
	pid, began := e.Pid(), time.Now()
	e.Close()
	if took := time.Since(began); took > 4*time.Second {
		t.Errorf("Close took %s beside a long query", took)
	}
	if alive(pid) {
		t.Errorf("process %d outlived Close", pid)
	}
	if err := <-started; err == nil {
		t.Error("the long query ended without error")
	}
	if err := e.Health(); !errors.Is(err, errClosed) {
		t.Errorf("Health after Close: %v", err)
	}
	if _, err := e.DialContext(t.Context(), ""); !errors.Is(err, errClosed) {
		t.Errorf("DialContext after Close: %v", err)
	}
	e.Close()
}

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"framehouse/internal/store/storetest"
)

// asFramehouse makes the test binary behave as the command, for tests that need it as a
// process of its own.
const asFramehouse = "FRAMEHOUSE_TEST_AS_COMMAND"

func TestMain(m *testing.M) {
	if os.Getenv(asFramehouse) != "" && os.Getenv("FRAMEHOUSE_ENGINE_CHILD") == "" {
		main()
	}
	storetest.Main(m)
}

// open starts an App on a free port and closes it when the test ends.
// noCache is the CacheSize of an App that keeps no answers.
const noCache = -1

func open(t *testing.T, cfg Config) *App {
	t.Helper()
	cfg.Listen = "127.0.0.1:0"
	cfg.Logger = slog.New(slog.NewTextHandler(testLog{t}, &slog.HandlerOptions{Level: slog.LevelError}))
	cfg.Progress = func(string) {}
	switch cfg.CacheSize { // as it is served, unless a test wants none
	case 0:
		cfg.CacheSize = 256e6
	case noCache:
		cfg.CacheSize = 0
	}
	app, err := Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := app.Close(); err != nil {
			t.Error(err)
		}
	})
	return app
}

// testLog shows the log of a failed test.
type testLog struct{ t *testing.T }

func (l testLog) Write(p []byte) (int, error) {
	if l.t.Context().Err() == nil {
		l.t.Logf("%s", p)
	}
	return len(p), nil
}

// answer is a response with its body read.
type answer struct {
	status int
	header http.Header
	body   []byte
}

func get(t *testing.T, url string) answer {
	t.Helper()
	return getAs(t, url, "")
}

func getAs(t *testing.T, url, accept string) answer {
	t.Helper()
	a, err := tryGet(t, url, accept)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func tryGet(t *testing.T, url, accept string) (answer, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	if accept != "" {
		request.Header.Set("Accept", accept)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return answer{}, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	return answer{response.StatusCode, response.Header, body}, err
}

// frame is the part of a frame that tests look at.
type frame struct {
	Status  string           `json:"status"`
	Columns []string         `json:"columns"`
	Fields  []map[string]any `json:"fields"`
	Rows    []map[string]any `json:"rows"`
	Meta    struct {
		Tabular struct {
			RowCount  int  `json:"rowCount"`
			Limit     int  `json:"limit"`
			Truncated bool `json:"truncated"`
		} `json:"tabular"`
		Range struct {
			From, To string
		} `json:"range"`
		TimeSeries map[string]any `json:"timeSeries"`
	} `json:"meta"`
	Source map[string]any `json:"source"`
}

func (a answer) frame(t *testing.T) frame {
	t.Helper()
	if a.status != http.StatusOK {
		t.Fatalf("status %d: %s", a.status, a.body)
	}
	var f frame
	decoder := json.NewDecoder(bytes.NewReader(a.body))
	decoder.UseNumber()
	if err := decoder.Decode(&f); err != nil {
		t.Fatalf("%v: %s", err, a.body)
	}
	return f
}

// problem is an error document.
type problem struct {
	Status int
	Code   string
	Detail string
	Errors []struct{ Location, Message, Hint string }
}

func (a answer) problem(t *testing.T) problem {
	t.Helper()
	if got := a.header.Get("Content-Type"); got != "application/problem+json" {
		t.Fatalf("content type %q, status %d: %s", got, a.status, a.body)
	}
	var p problem
	if err := json.Unmarshal(a.body, &p); err != nil {
		t.Fatal(err)
	}
	if p.Status != a.status || p.Detail == "" {
		t.Errorf("problem %s has status %d in an answer of status %d", a.body, p.Status, a.status)
	}
	return p
}

// eventually waits for a condition that another process brings about.
func eventually(t *testing.T, within time.Duration, what string, condition func() bool) {
	t.Helper()
	for deadline := time.Now().Add(within); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		if condition() {
			return
		}
	}
	t.Fatalf("not within %s: %s", within, what)
}

// forward makes the tests' engine a server with an address, as an operator's would be.
// It stops, with all connections, at the end of the test or when stop is called.
func forward(t *testing.T, address string) (listening string, stop func()) {
	t.Helper()
	listener, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	stop = func() {
		cancel()
		listener.Close()
	}
	t.Cleanup(stop)
	engine := storetest.Engine(t)
	go func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			server, err := engine.DialContext(ctx, "")
			if err != nil {
				client.Close()
				continue
			}
			context.AfterFunc(ctx, func() { client.Close(); server.Close() })
			go func() { _, _ = io.Copy(server, client); server.Close() }()
			go func() { _, _ = io.Copy(client, server); client.Close() }()
		}
	}()
	return listener.Addr().String(), stop
}

// urlOf is the URL of the tests' engine behind addresses, with a database.
func urlOf(t *testing.T, database string, addresses ...string) string {
	e := storetest.Engine(t)
	return "http://" + e.User() + ":" + e.Password() + "@" + strings.Join(addresses, ",") + "/" + database
}

// writeCatalog writes a catalog file and returns its path.
func writeCatalog(t *testing.T, text string) string {
	t.Helper()
	path := t.TempDir() + "/catalog.yaml"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

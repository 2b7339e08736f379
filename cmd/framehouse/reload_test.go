package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"framehouse/internal/store/storetest"
)

// An edit of the catalog is served within two seconds, whichever way it is written and
// whatever is wrong with it, and no request for a table that it leaves alone fails.
func TestReloadUnderLoad(t *testing.T) {
	t.Parallel()
	database := storetest.Database(t)
	storetest.Exec(t, database, "CREATE TABLE steady (i UInt32) ORDER BY i;\nINSERT INTO steady SELECT number FROM numbers(1000);\nCREATE TABLE edited (i UInt32) ORDER BY i;")
	address, _ := forward(t, "127.0.0.1:0")
	file := writeCatalog(t, "tables: {steady: {key: i}, edited: {label: Before}}")
	s := start(t, "--catalog", file, "--clickhouse", urlOf(t, database, address))

	ctx, end := context.WithCancel(t.Context())
	var load sync.WaitGroup
	var requests atomic.Int64
	for range 4 {
		load.Go(func() {
			for ctx.Err() == nil {
				a, err := tryGet(t, s.url+"/v1/tables/steady/rows?limit=1000&format=csv", "")
				if err != nil || a.status != http.StatusOK || strings.Count(string(a.body), "\n") != 1001 {
					t.Errorf("%d %v: %.200s", a.status, err, a.body)
					return
				}
				requests.Add(1)
			}
		})
	}
	edits := []struct {
		text  string
		label string // of the edited table; empty when it is not published
		fault string
	}{
		{"tables: {steady: {key: i}, edited: {label: Version %d}}", "Version %d", ""},
		{"tables: {steady: {key: i}, edited: {label: Faulty %d, kye: i}}", "Version %d", "unknown key"},
		{"tables: {steady: {key: i}\n# %d", "Version %d", "this is no YAML"},
		{"tables: {steady: {key: i}}\n# %d", "", ""},
	}
	version := ""
	for n := range 20 {
		edit := edits[n%len(edits)]
		text := fmt.Sprintf(edit.text, n)
		if n%2 == 0 {
			overwrite(t, file, text)
		} else {
			replace(t, file, text)
		}
		if strings.Contains(edit.text, "Version") {
			version = fmt.Sprintf(edit.label, n)
		}
		label := version
		if edit.label == "" {
			label = ""
		}
		began := time.Now()
		eventually(t, 20*time.Second, fmt.Sprintf("edit %d is served: %s", n, text), func() bool {
			return labelOf(t, s.url, "edited") == label && strings.Contains(notServed(t, s.url), edit.fault) &&
				(edit.fault != "" || notServed(t, s.url) == "") && documented(t, s.url, label)
		})
		t.Logf("edit %d is served after %s", n, time.Since(began).Round(10*time.Millisecond))
	}
	end()
	load.Wait()
	if requests.Load() < 20 {
		t.Errorf("no more than %d requests", requests.Load())
	}
	t.Logf("%d requests", requests.Load())
}

// SIGHUP reads the catalog and ClickHouse again, and ends nothing.
func TestHangup(t *testing.T) {
	t.Parallel()
	database := storetest.Database(t)
	address, _ := forward(t, "127.0.0.1:0")
	s := start(t, "--publish", database, "--clickhouse", urlOf(t, database, address))
	if a := get(t, s.url+"/ready"); a.status != http.StatusServiceUnavailable || !strings.Contains(string(a.body), "no table or view") {
		t.Errorf("of an empty database: %d %s", a.status, a.body)
	}
	for n := range 3 {
		table := fmt.Sprintf("made_%d", n)
		storetest.Exec(t, database, "CREATE TABLE "+table+" (i UInt32) ORDER BY i")
		if err := s.cmd.Process.Signal(syscall.SIGHUP); err != nil {
			t.Fatal(err)
		}
		eventually(t, 20*time.Second, table+" is published", func() bool { return labelOf(t, s.url, table) != "" })
	}
	stop(t, s)
}

func overwrite(t *testing.T, file, text string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// replace writes a file as editors do.
func replace(t *testing.T, file, text string) {
	t.Helper()
	overwrite(t, file+"~", text)
	if err := os.Rename(file+"~", file); err != nil {
		t.Fatal(err)
	}
}

// labelOf is the label of a table, empty when it is not published.
func labelOf(t *testing.T, url, table string) string {
	t.Helper()
	for _, row := range get(t, url+"/v1/tables").frame(t).Rows {
		if row["name"] == table {
			return row["label"].(string)
		}
	}
	return ""
}

// documented tells whether the documents describe the edited table under its label, or not at
// all when it has none.
func documented(t *testing.T, url, label string) bool {
	t.Helper()
	for _, path := range []string{"/openapi.json", "/openapi.yaml", discoveryPath} {
		text := string(get(t, url+path).body)
		if strings.Contains(text, "readEdited") != (label != "") || !strings.Contains(text, label) || !strings.Contains(text, "readSteady") {
			return false
		}
	}
	return true
}

// notServed is what /ready finds wrong with the catalog.
func notServed(t *testing.T, url string) string {
	t.Helper()
	var ready struct{ NotServed []struct{ Message string } }
	if err := json.Unmarshal(get(t, url+"/ready").body, &ready); err != nil {
		t.Fatal(err)
	}
	var messages []string
	for _, fault := range ready.NotServed {
		messages = append(messages, fault.Message)
	}
	return strings.Join(messages, "\n")
}

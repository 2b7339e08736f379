package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"framehouse/internal/contracts"
	"framehouse/internal/store/sql"
	"framehouse/internal/store/storetest"
)

const millionRows = "SELECT number, toString(number) AS s FROM numbers(1000000)"

func TestQuery(t *testing.T) {
	t.Parallel()
	s := open(t, Config{Server: server(t, "default")})
	tests := []struct {
		text string
		rows int64
	}{
		{"SELECT 1 AS one", 1},
		{"SELECT 1 AS one WHERE 0", 0},
		{"SELECT toLowCardinality('a') AS a WHERE 0", 0},
		{millionRows, 1_000_000},
	}
	for _, test := range tests {
		if rows, err := countRows(t.Context(), s, test.text); rows != test.rows || err != nil {
			t.Errorf("%s: got %d rows, %v", test.text, rows, err)
		}
	}
}

// Each block may bring other values of a dictionary. What is read of an earlier one is
// not overwritten, and codes are never taken for another block's.
func TestDictionaries(t *testing.T) {
	t.Parallel()
	s := open(t, Config{Server: server(t, "default")})
	const rows = 300_000
	records, err := s.Query(t.Context(), sql.Statement{Text: fmt.Sprintf(
		"SELECT toLowCardinality(toString(intDiv(number, 7))) AS v FROM numbers(%d) SETTINGS max_block_size = 10000", rows)})
	if err != nil {
		t.Fatal(err)
	}
	got, err := contracts.Rows[struct{ V string }](contracts.NewFrame(
		[]contracts.Field{{Key: "v", Type: contracts.TypeString}}, records, contracts.NoLimit))
	if err != nil || len(got) != rows {
		t.Fatalf("%d rows, %v", len(got), err)
	}
	for i, row := range got {
		if row.V != fmt.Sprint(i/7) {
			t.Fatalf("row %d is %q", i, row.V)
		}
	}
}

// A query that fails after rows were sent is an error and not a shorter answer, also when
// the failing row would be the first of a block.
func TestLateFailure(t *testing.T) {
	t.Parallel()
	s := open(t, Config{Server: server(t, "default")})
	for _, at := range []int{0, 1, 65408, 65409, 65410, 65535, 65536, 65537, 700_000, 999_999} {
		rows, err := countRows(t.Context(), s, fmt.Sprintf(
			"SELECT number, throwIf(number = %d, 'late') FROM numbers(1000000) SETTINGS max_block_size = 65409, max_threads = 1", at))
		e := wantCode(t, err, contracts.CodeInternal)
		if rows > int64(at) || !strings.Contains(e.Cause.Error(), "late") || strings.Contains(e.Detail, "late") {
			t.Errorf("at %d: %d rows, %v", at, rows, err)
		}
	}
}

// A reader that goes on after a failure never gets to an end.
func TestFailureStays(t *testing.T) {
	t.Parallel()
	s := open(t, Config{Server: server(t, "default")})
	records, err := s.Query(t.Context(), sql.Statement{Text: "SELECT throwIf(number = 900000) FROM numbers(1000000)"})
	if err != nil {
		t.Fatal(err)
	}
	defer records.Close()
	for err == nil {
		_, err = records.Next()
	}
	for range 3 {
		if _, again := records.Next(); again != err {
			t.Errorf("asked again: %v", again)
		}
	}
	records.Close()
	if _, again := records.Next(); again != err {
		t.Errorf("after Close: %v", again)
	}
}

func TestClosedRecords(t *testing.T) {
	t.Parallel()
	s := open(t, Config{Server: server(t, "default")})
	records, err := s.Query(t.Context(), sql.Statement{Text: millionRows})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		records.Close()
	}
	if _, err := records.Next(); err == nil || errors.Is(err, io.EOF) {
		t.Errorf("closed records answer %v", err)
	}
}

// running is whether a query with a marker in its text still runs in ClickHouse.
func running(t *testing.T, marker string) bool {
	return storetest.Query(t, "", "SELECT count() FROM system.processes WHERE position(query, '"+marker+"') > 0 AND position(query, 'system.processes') = 0") != "0"
}

// A query that nobody waits for any longer ends in ClickHouse too. Not beside other tests:
// they would keep a small machine from ending it in time.
func TestQueryEndsInClickHouse(t *testing.T) {
	s := open(t, Config{Server: server(t, "default")})
	const flood = "SELECT number, '%s' FROM numbers(100000000000)"
	const slow = "SELECT sleepEachRow(0.5), '%s' FROM numbers(60) SETTINGS max_block_size = 1"
	const mute = "SELECT count(), '%s' FROM numbers(1000000000000) WHERE NOT ignore(cityHash64(number))"
	for name, test := range map[string]struct {
		text string
		stop func(cancel func(), records *Records)
	}{
		"closed":                   {flood, func(_ func(), r *Records) { r.Close() }},
		"cancelled":                {flood, func(cancel func(), _ *Records) { cancel() }},
		"closed while it waits":    {slow, func(_ func(), r *Records) { r.Close() }},
		"cancelled while it works": {mute, nil},
	} {
		t.Run(name, func(t *testing.T) {
			marker := "marker_" + strings.ReplaceAll(name, " ", "_")
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			statement := sql.Statement{Text: fmt.Sprintf(test.text, marker)}
			if test.stop == nil {
				done := make(chan error)
				go func() {
					_, err := s.Query(ctx, statement)
					done <- err
				}()
				eventually(t, 5*time.Second, "the query runs", func() bool { return running(t, marker) })
				cancel()
				wantCode(t, <-done, contracts.CodeCanceled)
			} else {
				records, err := s.Query(ctx, statement)
				if err != nil {
					t.Fatal(err)
				}
				defer records.Close()
				if !running(t, marker) {
					t.Fatal("the query does not run")
				}
				began := time.Now()
				test.stop(cancel, records)
				if took := time.Since(began); took > time.Second {
					t.Errorf("giving up takes %s", took)
				}
			}
			eventually(t, time.Second, "the query is gone", func() bool { return !running(t, marker) })
		})
	}
}

func TestCancelledReadSaysSo(t *testing.T) {
	t.Parallel()
	s := open(t, Config{Server: server(t, "default")})
	ctx, cancel := context.WithCancel(t.Context())
	records, err := s.Query(ctx, sql.Statement{Text: "SELECT number FROM numbers(100000000000)"})
	if err != nil {
		t.Fatal(err)
	}
	defer records.Close()
	cancel()
	for err == nil {
		_, err = records.Next()
	}
	wantCode(t, err, contracts.CodeCanceled)
}

func TestTimeLimit(t *testing.T) {
	t.Parallel()
	s := open(t, Config{Server: server(t, "default"), QueryTimeout: time.Second})
	for name, text := range map[string]string{
		"before the first row": "SELECT count() FROM numbers(1000000000000) WHERE NOT ignore(cityHash64(number))",
		"after some rows":      "SELECT sleepEachRow(0.1) FROM numbers(1000) SETTINGS max_block_size = 5",
	} {
		began := time.Now()
		_, err := countRows(t.Context(), s, text)
		wantCode(t, err, contracts.CodeQueryTooExpensive)
		if took := time.Since(began); took > 5*time.Second {
			t.Errorf("%s: took %s", name, took)
		}
	}
}

func TestErrors(t *testing.T) {
	t.Parallel()
	s := open(t, Config{Server: server(t, "default")})
	for text, code := range map[string]contracts.Code{
		"SELEC 1":                       contracts.CodeInternal,
		"SELECT * FROM no_such_table":   contracts.CodeUnavailable, // it was there when the catalog was read
		"SELECT 1 SETTINGS no_such = 1": contracts.CodeInternal,
		"SELECT throwIf(1, 'x', 158::Int16) SETTINGS allow_custom_error_code_in_throwif = 1":       contracts.CodeQueryTooExpensive,
		"SELECT throwIf(1, 'x', 241::Int16) SETTINGS allow_custom_error_code_in_throwif = 1":       contracts.CodeQueryTooExpensive,
		"SELECT throwIf(1, '(total)', 241::Int16) SETTINGS allow_custom_error_code_in_throwif = 1": contracts.CodeUnavailable,
		"SELECT throwIf(1, 'x', 202::Int16) SETTINGS allow_custom_error_code_in_throwif = 1":       contracts.CodeTooManyRequests,
		"SELECT throwIf(1, 'x', 279::Int16) SETTINGS allow_custom_error_code_in_throwif = 1":       contracts.CodeUnavailable,
		"SELECT throwIf(1, 'x', 394::Int16) SETTINGS allow_custom_error_code_in_throwif = 1":       contracts.CodeUnavailable,
		"SELECT number FROM numbers(1000) SETTINGS max_result_rows = 10":                           contracts.CodeQueryTooExpensive,
		"SELECT number FROM numbers(1000) SETTINGS max_rows_to_read = 10":                          contracts.CodeQueryTooExpensive,
		"SELECT count() FROM numbers(1000000) GROUP BY number SETTINGS max_rows_to_group_by = 10":  contracts.CodeQueryTooExpensive,
		"SELECT groupArray(number) FROM numbers(10000000) SETTINGS max_memory_usage = 1000000":     contracts.CodeQueryTooExpensive,
		"CREATE TABLE no_write (x Int8) ENGINE = Memory":                                           contracts.CodeInternal,
	} {
		_, err := countRows(t.Context(), s, text)
		if err == nil || contracts.AsError(err).Code != code {
			t.Errorf("%s: got %v, want %s", text, err, code)
		}
	}
}

// Queries that are given up leave nothing behind: no goroutine, no connection in use.
func TestNothingLeaks(t *testing.T) {
	p := startProxy(t)
	before := runtime.NumGoroutine()
	s := open(t, Config{Server: p.server(t, "default")})
	for range 10 {
		var wait sync.WaitGroup
		for i := range 20 {
			wait.Go(func() {
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				records, err := s.Query(ctx, sql.Statement{Text: millionRows})
				if err != nil {
					t.Error(err)
					return
				}
				if i%2 == 0 {
					cancel()
					records.Next()
				}
				records.Close()
			})
		}
		wait.Wait()
	}
	if rows, err := countRows(t.Context(), s, "SELECT 1 AS one"); rows != 1 || err != nil {
		t.Fatal(rows, err)
	}
	s.Close()
	eventually(t, 5*time.Second, "all connections are closed", func() bool { return p.conns.Load() == 0 })
	p.engine.CloseIdleConnections()
	eventually(t, 5*time.Second, "all goroutines have ended", func() bool {
		p.engine.CloseIdleConnections()
		return runtime.NumGoroutine() <= before+2
	})
}

// An answer that was read to its end gives its connection back.
func TestConnectionIsReused(t *testing.T) {
	t.Parallel()
	p := startProxy(t)
	s := open(t, Config{Server: p.server(t, "default")})
	for range 50 {
		if _, err := countRows(t.Context(), s, "SELECT 1 AS one"); err != nil {
			t.Fatal(err)
		}
	}
	if n := p.conns.Load(); n > 2 {
		t.Errorf("%d connections for one query after another", n)
	}
}

package store

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"framehouse/internal/contracts"
	"framehouse/internal/fair"
	"framehouse/internal/store/sql"
	"framehouse/internal/store/storetest"
)

// drain reads all of an answer and says whether there was a row before the error.
func drain(ctx context.Context, s *Store, statement sql.Statement) (some bool, err error) {
	records, err := s.Query(ctx, statement)
	if err != nil {
		return false, err
	}
	defer records.Close()
	for {
		if _, err := records.Next(); err == io.EOF {
			return some, nil
		} else if err != nil {
			return some, err
		}
		some = true
	}
}

// Each limit, whoever sets it, is an error that names it and says what to do, whether it is
// met before the first row or after some; and nothing is left of the query.
func TestLimits(t *testing.T) {
	t.Parallel()
	database := storetest.Database(t)
	storetest.Exec(t, database, `
		CREATE TABLE numbered (n UInt64, text String) ORDER BY n;
		INSERT INTO numbered SELECT number, repeat('x', 100) FROM numbers(1000000);
	`)
	const (
		sorted = "SELECT text FROM numbered ORDER BY cityHash64(n)"
		slow   = "SELECT n, sleepEachRow(0.002) FROM numbered SETTINGS max_block_size = 100, max_threads = 1"
		stuck  = "SELECT count() FROM numbers(1000000000000) WHERE NOT ignore(cityHash64(number))"
		// Reads little at first, and then holds more and more.
		growing = "SELECT length(groupArray(number)) AS l FROM numbers(100000000)"
		beyond  = "SELECT number, repeat('x', 100) AS text FROM system.numbers SETTINGS max_block_size = 1000, max_threads = 1"
	)
	for _, test := range []struct {
		name   string
		limits sql.Limits
		text   string
		some   bool // rows come before the error
		detail string
		hint   string
	}{
		{"time", sql.Limits{Time: 300 * time.Millisecond}, stuck, false, "take longer than the 300ms that are allowed", "Narrow the range"},
		{"time, on the way", sql.Limits{Time: 500 * time.Millisecond}, slow, true, "take longer than the 500ms", "Narrow the range"},
		{"memory", sql.Limits{Memory: 20e6}, sorted, false, "need more memory than the 20 MB that are allowed", "fewer columns"},
		{"memory of an aggregate", sql.Limits{Memory: 20 << 20}, growing, false, "need more memory than the 20 MiB that are allowed", "fewer groups"},
		{"rows", sql.Limits{Rows: 123_456}, sorted, false, "read more rows than the 123,456 that are allowed", "a column of the key"},
		{"rows, on the way", sql.Limits{Rows: 1_000_000}, beyond, true, "read more rows than the 1,000,000 that", "a column of the key"},
		{"bytes", sql.Limits{Bytes: 1e6}, sorted, false, "read more data than the 1 MB that are allowed", "fewer columns"},
		{"bytes, on the way", sql.Limits{Bytes: 8e6}, beyond, true, "read more data than the 8 MB that", "fewer columns"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			of := Config{Server: server(t, database), QueryTimeout: test.limits.Time, Limits: test.limits}
			flags, none := open(t, of), open(t, Config{Server: of.Server})
			looser := sql.Limits{Time: time.Minute, Memory: 10e9, Rows: sql.Unlimited, Bytes: sql.Unlimited}
			purpose := database + " " + test.name
			ctx := WithPurpose(t.Context(), purpose)
			for who, s := range map[string]*Store{"flags": flags, "the statement": none} {
				statement := sql.Statement{Text: test.text}
				if s == none {
					statement.Limits = test.limits
				}
				some, err := drain(ctx, s, statement)
				e := wantCode(t, err, contracts.CodeQueryTooExpensive)
				if some != test.some {
					t.Errorf("limits of %s: rows before the error: %v", who, some)
				}
				if !strings.Contains(e.Detail, test.detail) || !strings.Contains(e.Issues[0].Hint, test.hint) || !strings.Contains(e.Issues[0].Message, test.detail) {
					t.Errorf("limits of %s: %q, %q, %q", who, e.Detail, e.Issues[0].Message, e.Issues[0].Hint)
				}
			}
			eventually(t, 5*time.Second, "the queries have ended", func() bool {
				return storetest.Query(t, "", "SELECT count() FROM system.processes WHERE Settings['log_comment'] = '"+purpose+"'") == "0"
			})
			if test.text != stuck && test.text != slow && test.text != beyond && test.text != growing {
				if _, err := drain(ctx, flags, sql.Statement{Text: test.text, Limits: looser}); err != nil {
					t.Errorf("with looser limits of its own: %v", err)
				}
			}
		})
	}
}

// Our own questions are not the clients' to narrow.
func TestLimitsOfSmallQuestions(t *testing.T) {
	t.Parallel()
	s := open(t, Config{Server: server(t, "default"), Limits: sql.Limits{Rows: 1, Bytes: 1, Memory: 1}})
	if _, err := s.Ping(t.Context()); err != nil {
		t.Error(err)
	}
	if _, err := s.List(t.Context(), "system"); err != nil {
		t.Error(err)
	}
}

// A place is held until the records are read to their end or closed. Who finds none waits;
// our own questions do not.
func TestPlaces(t *testing.T) {
	t.Parallel()
	queue := fair.New(fair.Config{Slots: 1, Waiting: 1, WaitingOfOne: 1, Timeout: 100 * time.Millisecond})
	s := open(t, Config{Server: server(t, "default"), Queries: queue})
	statement := sql.Statement{Text: millionRows}
	caller := func(name string) context.Context { return fair.With(t.Context(), name) }
	refused := func(ctx context.Context) {
		t.Helper()
		_, err := s.Query(ctx, statement)
		if e := wantCode(t, err, contracts.CodeTooManyRequests); e.RetryAfter < time.Second || e.RetryAfter > 30*time.Second || e.Issues[0].Hint == "" {
			t.Errorf("%+v", e)
		}
	}
	first := caller("a")
	records, err := s.Query(first, statement)
	if err != nil {
		t.Fatal(err)
	}
	refused(caller("a"))
	refused(caller("b"))
	if _, err := s.Ping(t.Context()); err != nil {
		t.Errorf("a question of our own: %v", err)
	}
	second, err := s.Query(first, sql.Statement{Text: "SELECT 1 AS one"})
	if err != nil {
		t.Fatalf("a second query of the same request: %v", err)
	}
	second.Close()
	refused(caller("b"))
	left, leave := context.WithCancel(caller("b"))
	leave()
	_, err = s.Query(left, statement)
	wantCode(t, err, contracts.CodeCanceled)

	records.Close()
	records.Close()
	for range 3 {
		// Neither an end, nor a failure, nor the end of a context keeps a place.
		if rows, err := countRows(caller("b"), s, "SELECT 1 AS one"); rows != 1 || err != nil {
			t.Fatal(rows, err)
		}
		if _, err := s.Query(caller("b"), sql.Statement{Text: "SELEC"}); err == nil {
			t.Fatal("no error")
		}
		ctx, cancel := context.WithCancel(caller("c"))
		if records, err = s.Query(ctx, statement); err != nil {
			t.Fatal(err)
		}
		cancel()
		for err == nil {
			_, err = records.Next()
		}
		if _, err := countRows(caller("b"), s, "SELECT 1 AS one"); err != nil {
			t.Errorf("after a failure, before its records are closed: %v", err)
		}
		records.Close()
	}
	// Read to the end, and not closed yet.
	if records, err = s.Query(caller("a"), statement); err != nil {
		t.Fatal(err)
	}
	defer records.Close()
	for err == nil {
		_, err = records.Next()
	}
	if !errors.Is(err, io.EOF) {
		t.Fatal(err)
	}
	if _, err := countRows(caller("b"), s, "SELECT 1 AS one"); err != nil {
		t.Errorf("after all was read: %v", err)
	}
}

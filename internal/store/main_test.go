package store

import (
	"context"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow/go/v17/arrow/array"

	"framehouse/internal/contracts"
	"framehouse/internal/store/sql"
	"framehouse/internal/store/storetest"
)

func TestMain(m *testing.M) { storetest.Main(m) }

// server is the engine of the tests as a Server.
func server(t testing.TB, database string) Server {
	t.Helper()
	e := storetest.Engine(t)
	return Server{
		Hosts: []string{"127.0.0.1:8123"}, User: e.User(), Password: e.Password(), Database: database,
		Dial: e.DialContext, Local: true,
	}
}

func open(t testing.TB, cfg Config) *Store {
	t.Helper()
	s, err := Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// firstColumn reads all of an answer and returns its first column, which is text.
func firstColumn(ctx context.Context, s *Store, statement sql.Statement) (cells []string, err error) {
	records, err := s.Query(ctx, statement)
	if err != nil {
		return nil, err
	}
	defer records.Close()
	for {
		record, err := records.Next()
		if err == io.EOF {
			return cells, nil
		}
		if err != nil {
			return cells, err
		}
		column := record.Column(0).(*array.String)
		for row := range column.Len() {
			cells = append(cells, strings.Clone(column.Value(row)))
		}
	}
}

// countRows reads all of an answer.
func countRows(ctx context.Context, s *Store, text string) (rows int64, err error) {
	records, err := s.Query(ctx, sql.Statement{Text: text})
	if err != nil {
		return 0, err
	}
	defer records.Close()
	for {
		record, err := records.Next()
		if err == io.EOF {
			return rows, nil
		}
		if err != nil {
			return rows, err
		}
		rows += record.NumRows()
	}
}

// wantCode fails the test unless err is one of the code that a reader cannot mistake for
// the end.
func wantCode(t *testing.T, err error, code contracts.Code) *contracts.Error {
	t.Helper()
	if err == nil {
		t.Fatalf("no error, want %s", code)
	}
	e := contracts.AsError(err)
	if e.Code != code {
		t.Fatalf("got %v, want %s", err, code)
	}
	if code == contracts.CodeUnavailable && e.RetryAfter <= 0 {
		t.Errorf("%v says nothing about when to retry", err)
	}
	if err == io.EOF {
		t.Errorf("%v passes for the end", err)
	}
	return e
}

// eventually waits for something that another process does soon.
func eventually(t *testing.T, limit time.Duration, what string, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(limit); !done(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%s: not within %s", what, limit)
		}
	}
}

package store

import (
	"encoding/json"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"

	"framehouse/internal/contracts"
	"framehouse/internal/store/sql"
	"framehouse/internal/store/storetest"
)

func insertion(database, table, token, rows string, columns ...string) Insertion {
	return Insertion{sql.Insert{Into: sql.Table{Database: database, Name: table}, Columns: columns}, token, strings.NewReader(rows)}
}

func TestInsertAll(t *testing.T) {
	t.Parallel()
	database := storetest.Database(t)
	s := open(t, Config{Server: server(t, database)})
	storetest.Exec(t, database, "CREATE TABLE `o``dd` (a Int64, b Nullable(String), d Int8 DEFAULT 7, t DateTime('Europe/Paris'), CONSTRAINT small CHECK a < 1000)"+
		" ENGINE = MergeTree PARTITION BY intDiv(a, 100) ORDER BY a SETTINGS non_replicated_deduplication_window = 10")
	put := func(token, rows string) error {
		return s.InsertAll(t.Context(), insertion(database, "o`dd", token, rows, "a", "b", "d", "t"))
	}
	content := func() string {
		return storetest.Query(t, database, "SELECT a, b, d, toUnixTimestamp(t) FROM `o``dd` ORDER BY a")
	}
	rows := `[1,"(x) VALUES (1)",null,"2026-07-01T00:00:00Z"]` + "\n" + `[2,null,3,"2026-01-01T00:00:00Z"]`
	const stored = "1\t(x) VALUES (1)\t7\t1782864000\n2\t\\N\t3\t1767225600"
	if err := put("one", rows); err != nil || content() != stored {
		t.Fatalf("%v: %q", err, content())
	}
	if err := put("one", `[5,"a repetition, whatever it holds",1,"2026-01-01T00:00:00Z"]`); err != nil || content() != stored {
		t.Errorf("%v: %q", err, content())
	}
	const day = `"2026-01-01T00:00:00Z"]`
	for name, test := range map[string]struct {
		rows, location string
	}{
		"two partitions":  {`[3,"",1,` + day + "\n" + `[103,"",1,` + day, "body"},
		"constraint":      {`[913,"",1,` + day + "\n" + `[1003,"",1,` + day, "body"},
		"not of the type": {`[3,"",1,` + day + "\n" + `[4,"",1,"tomorrow"]`, "body.row[2].t"},
	} {
		e := wantCode(t, put(name, test.rows), contracts.CodeInvalidRequest)
		if !strings.HasPrefix(e.Issues[0].Location, test.location) || !strings.Contains(e.Detail, "nothing was written") {
			t.Errorf("%s: %s %+v", name, e.Detail, e.Issues)
		}
	}
	if content() != stored {
		t.Errorf("refused rows are there: %q", content())
	}
}

// As many rows as there may be are one block, sent or selected.
func TestInsertIsOneBlock(t *testing.T) {
	t.Parallel()
	database := storetest.Database(t)
	s := open(t, Config{Server: server(t, database)})
	storetest.Exec(t, database, "CREATE TABLE many (a Int64) ENGINE = MergeTree ORDER BY a SETTINGS non_replicated_deduplication_window = 10;\nCREATE TABLE copy AS many;\nSYSTEM STOP MERGES many;\nSYSTEM STOP MERGES copy;")
	if err := s.InsertAll(t.Context(), insertion(database, "many", "t", strings.Repeat("[1]\n", MostRows), "a")); err != nil {
		t.Fatal(err)
	}
	from := sql.Select{Columns: []sql.Column{{Expr: sql.Ref{Table: "t", Column: "a"}, As: "a"}}, From: sql.Table{Database: database, Name: "many"}, Alias: "t"}
	for range 2 {
		if err := s.InsertAll(t.Context(), Insertion{sql.Insert{Into: sql.Table{Database: database, Name: "copy"}, Columns: []string{"a"}, From: &from}, "once", nil}); err != nil {
			t.Fatal(err)
		}
	}
	if got := storetest.Query(t, "", "SELECT count(), sum(rows) FROM system.parts WHERE active AND database = '"+database+"'"); got != "2\t2000000" {
		t.Errorf("parts and rows: %s", got)
	}
}

func TestLookup(t *testing.T) {
	t.Parallel()
	database := storetest.Database(t)
	s := open(t, Config{Server: server(t, database)})
	storetest.Exec(t, database, "CREATE TABLE t (a Int64, b String) ENGINE = MergeTree ORDER BY a;\nINSERT INTO t VALUES (1, 'x'), (3, 'y\\n\"');")
	ref := func(table, column string) sql.Ref { return sql.Ref{Table: table, Column: column} }
	query := sql.Select{
		Columns: []sql.Column{{Expr: ref("t", "b"), As: "b"}},
		From:    sql.Table{Database: database, Name: "t"}, Alias: "t",
		Where: []sql.Expr{sql.InSelect{Exprs: []sql.Expr{ref("t", "a")}, From: sql.Select{
			Columns: []sql.Column{{Expr: ref("k", "v"), As: "v"}}, From: sql.External{Name: "k"}, Alias: "k",
		}}},
	}
	var got []string
	err := s.Lookup(t.Context(), query.Build(), External{"k", []string{"v", "Int64"}, strings.NewReader("[3]\n[4]\n")}, func(cells []json.RawMessage) error {
		got = append(got, string(cells[0]))
		return nil
	})
	if err != nil || len(got) != 1 || got[0] != `"y\n\""` {
		t.Errorf("got %q, %v", got, err)
	}
	cell, err := s.Cell(t.Context(), sql.Select{Columns: []sql.Column{{Expr: sql.Call("toString", sql.Text("42")), As: "cell"}}, From: sql.Table{Database: "system", Name: "one"}})
	if cell != "42" || err != nil {
		t.Errorf("got %q, %v", cell, err)
	}
}

func TestDeleteAll(t *testing.T) {
	t.Parallel()
	database := storetest.Database(t)
	s := open(t, Config{Server: server(t, database)})
	storetest.Exec(t, database, "CREATE TABLE t (a Int64, b String) ENGINE = MergeTree ORDER BY a;\nINSERT INTO t VALUES (1, 'x'), (3, 'it''s');")
	err := s.DeleteAll(t.Context(), sql.Delete{From: sql.Table{Database: database, Name: "t"}, Alias: "t",
		Where: []sql.Expr{sql.Compare{Left: sql.Ref{Table: "t", Column: "b"}, Operator: "=", Right: sql.Value{Type: "String", Text: "it's"}}}})
	if got := storetest.Query(t, database, "SELECT a FROM t"); err != nil || got != "1" {
		t.Errorf("left: %q, %v", got, err)
	}
}

// What became of a write is known, or said to be unknown.
func TestWriteFailures(t *testing.T) {
	t.Parallel()
	database := storetest.Database(t)
	storetest.Exec(t, database, "CREATE TABLE t (a Int64) ENGINE = MergeTree ORDER BY a SETTINGS non_replicated_deduplication_window = 10")
	t.Run("nobody there", func(t *testing.T) {
		away := server(t, database)
		away.Hosts, away.Dial = []string{"127.0.0.1:1"}, nil
		e := wantCode(t, open(t, Config{Server: away}).InsertAll(t.Context(), insertion(database, "t", "x", "[1]", "a")), contracts.CodeUnavailable)
		if errors.Is(e, ErrUnsure) {
			t.Errorf("nothing was sent, and yet: %v", e)
		}
	})
	t.Run("silent", func(t *testing.T) {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer listener.Close()
		go func() {
			for {
				conn, err := listener.Accept()
				if err != nil {
					return
				}
				_ = conn.SetReadDeadline(time.Now().Add(100 * time.Millisecond))
				_, _ = io.Copy(io.Discard, conn)
				conn.Close()
			}
		}()
		mute := server(t, database)
		mute.Hosts, mute.Dial = []string{listener.Addr().String()}, nil
		e := wantCode(t, open(t, Config{Server: mute}).InsertAll(t.Context(), insertion(database, "t", "x", "[1]", "a")), contracts.CodeUnavailable)
		if !errors.Is(e, ErrUnsure) || !strings.Contains(e.Issues[0].Hint, "Idempotency-Key") {
			t.Errorf("got %v", e)
		}
	})
	t.Run("data that breaks off", func(t *testing.T) {
		s := open(t, Config{Server: server(t, database)})
		in := insertion(database, "t", "x", "", "a")
		in.Rows = io.MultiReader(strings.NewReader("[1]\n[2]\n"), broken{})
		if err := s.InsertAll(t.Context(), in); err == nil {
			t.Error("half of the rows were taken for all")
		}
	})
	if got := storetest.Query(t, database, "SELECT count() FROM t"); got != "0" {
		t.Errorf("%s rows", got)
	}
}

// What ClickHouse refuses is told apart by what a client can do about it.
func TestExplainWrite(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		code    int32
		message string
		want    contracts.Code
		says    string
	}{
		{accessDenied, "Not enough privileges", contracts.CodeInternal, "not allow the user"},
		{readonlySetting, "Cannot execute query in readonly mode", contracts.CodeInternal, "not allow the user"},
		{tooManyParts, "Too many parts (300) in table", contracts.CodeTooManyRequests, "busy"},
		{tooManyParts, "Too many partitions for single INSERT block (more than 1)", contracts.CodeInvalidRequest, "more than one partition"},
		{notEnoughSpace, "Cannot reserve 1 MiB", contracts.CodeUnavailable, "nothing was written"},
		{tableIsReadOnly, "Table is in readonly mode", contracts.CodeUnavailable, "nothing was written"},
		{unknownStatus, "Unknown status of part", contracts.CodeUnavailable, "may have happened or not"},
		{queryWasCancelled, "Query was cancelled", contracts.CodeUnavailable, "may have happened or not"},
		{timeoutExceeded, "Timeout exceeded", contracts.CodeQueryTooExpensive, "nothing was written"},
		{violatedConstraint, "Constraint `c` for table db.t is violated at row 2. Expression: (a < 5)", contracts.CodeInvalidRequest, "Row 2: the row violates the constraint c"},
		{117, "while reading the value of key j): (at row 7)", contracts.CodeInvalidRequest, "Row 7: ClickHouse refuses the value of j"},
		{9999, "something new", contracts.CodeInternal, "refused"},
	} {
		e := wantCode(t, explainWrite(&clickhouse.Exception{Code: test.code, Message: test.message}), test.want)
		if !strings.Contains(e.Detail, test.says) {
			t.Errorf("%d %s: %s", test.code, test.message, e.Detail)
		}
	}
}

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, errors.New("broken") }

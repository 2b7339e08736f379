package tables

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
	"sync"
	"time"

	"framehouse/internal/catalog"
	"framehouse/internal/contracts"
	"framehouse/internal/store"
	"framehouse/internal/store/sql"
	"framehouse/internal/tables/ingest"
)

type rawCell = json.RawMessage

// writes is what a Service knows of the writes that it makes. The zero value is ready.
type writes struct {
	budget ingest.Budget
	now    func() time.Time // nil means time.Now

	mu     sync.Mutex
	tables map[sql.Table]*turn
}

func (w *writes) clock() instant {
	if w.now != nil {
		return instant(w.now())
	}
	return instant(time.Now())
}

// turn is held by one write of a table at a time: what a write finds there is still so
// when it stores its rows. Tables are known by what they are in ClickHouse, since two
// names may be published for one.
type turn struct {
	held chan struct{}

	clock   func() instant
	last    uint64 // the greatest version that is given out or stored
	learned bool   // what is stored
	keys    keys
}

func (w *writes) of(table sql.Table) *turn {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.tables == nil {
		w.tables = map[sql.Table]*turn{}
	}
	if w.tables[table] == nil {
		w.tables[table] = &turn{held: make(chan struct{}, 1), clock: w.clock}
	}
	return w.tables[table]
}

// inTurn does something to a table when nobody else does. What was done under the same key
// before is not done again. Once its turn has come it is done to its end, whether or not
// the client waits: nobody could tell the client otherwise what became of it.
func inTurn[A any](ctx context.Context, s *Service, table *catalog.Table, key string, print [32]byte, do func(context.Context, *turn, *attempt) (A, error)) (A, error) {
	var none A
	t := s.writes.of(table.Source)
	select {
	case t.held <- struct{}{}:
		defer func() { <-t.held }()
	case <-ctx.Done():
		return none, &contracts.Error{Code: contracts.CodeCanceled, Detail: "The client closed the request; nothing was written.", Cause: ctx.Err()}
	}
	a := &attempt{print: print, token: token(key, print)}
	if before := t.keys.find(key); before != nil {
		if before.print != print {
			return none, contracts.Invalid("header.Idempotency-Key", key, "Use a new key for each request, and the same one to repeat it.",
				"The Idempotency-Key %q belongs to another request on this table.", key)
		}
		if answer, ok := before.answer.(A); ok {
			return answer, nil
		}
		a = before
	}
	answer, err := do(context.WithoutCancel(ctx), t, a)
	switch {
	case err == nil:
		a.answer = answer
		t.keys.keep(key, a)
		s.Sizes.Changed()
		return answer, nil
	case errors.Is(err, store.ErrUnsure):
		// It is repeated as it was, so that ClickHouse and we know it again.
		t.keys.keep(key, a)
		s.Sizes.Changed()
	}
	return none, err
}

// version is greater than all that were given out or stored before.
func (t *turn) version(ctx context.Context, db *store.Store, table *catalog.Table) (uint64, error) {
	column := table.Write.Version
	if column.Name == "" {
		return 0, nil
	}
	if !t.learned {
		text, err := db.Cell(ctx, sql.Select{
			Columns: []sql.Column{{Expr: greatest(column), As: "cell"}},
			From:    table.Source, Alias: catalog.Alias,
		})
		if err != nil {
			return 0, err
		}
		if stored, err := strconv.ParseUint(text, 10, 64); err == nil {
			t.last = max(t.last, stored)
		} else if negative, err := strconv.ParseInt(text, 10, 64); err != nil || negative > 0 {
			return 0, fmt.Errorf("greatest version of %s: %q", table.Name, text)
		}
		t.learned = true
	}
	next := max(uint64(time.Time(t.clock()).UnixNano()), t.last+1)
	if next > math.MaxInt64 && column.Type.Name != "UInt64" || next < t.last {
		return 0, fmt.Errorf("the versions of %s are used up: the greatest is %d", table.Name, t.last)
	}
	t.last = next
	return next, nil
}

// versionNumber is a version as text that has only digits.
func versionNumber(column catalog.Filled) sql.Expr {
	return versionDigits(column, sql.Ref{Table: catalog.Alias, Column: column.Name})
}

func greatest(column catalog.Filled) sql.Expr {
	return versionDigits(column, sql.Call("max", sql.Ref{Table: catalog.Alias, Column: column.Name}))
}

func versionDigits(column catalog.Filled, e sql.Expr) sql.Expr {
	if column.Type.Name != "UInt64" {
		e = sql.Call("toUnixTimestamp64Nano", e)
	}
	return sql.Call("toString", e)
}

// versionText is a version as ClickHouse reads it.
func versionText(t store.Type, version uint64) string {
	if t.Name == "DateTime64" {
		return instantOf(version).text(t) + "Z"
	}
	return strconv.FormatUint(version, 10)
}

// instant is when something is written.
type instant time.Time

// text is the instant in UTC with the digits that a DateTime or DateTime64 has.
func (i instant) text(t store.Type) string {
	layout := "2006-01-02T15:04:05"
	if t.Precision() > 0 {
		layout += ".000000000"[:t.Precision()+1]
	}
	return time.Time(i).UTC().Format(layout)
}

// cell is the instant as a cell of JSON.
func (i instant) cell(t store.Type) string { return `"` + i.text(t) + `Z"` }

// value is the instant in a statement.
func (i instant) value(t store.Type) sql.Value {
	return sql.Value{Type: fmt.Sprintf("DateTime64(%d, 'UTC')", t.Precision()), Text: i.text(t)}
}

// quoted is a text as a cell of JSON.
func quoted(s string) string {
	text, _ := json.Marshal(s) // of a text it cannot fail
	return string(text)
}

// instantOf is the instant that a version counts to.
func instantOf(version uint64) instant { return instant(time.Unix(0, int64(version))) }

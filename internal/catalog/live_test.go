package catalog

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"framehouse/internal/contracts"
	"framehouse/internal/store"
	"framehouse/internal/store/sql"
	"framehouse/internal/store/storetest"
)

// away is a ClickHouse that can be taken away.
type away struct {
	database
	mu    sync.Mutex
	gone  bool
	asked chan struct{} // has an item for each question
}

func (a *away) set(gone bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.gone = gone
}

// database is embedded under a name that is not that of its method.
type database = Database

var errAway = errors.New("away")

func (a *away) Describe(ctx context.Context, tables []sql.Table) (map[sql.Table]store.TableInfo, error) {
	a.mu.Lock()
	gone := a.gone
	a.mu.Unlock()
	select {
	case a.asked <- struct{}{}:
	default:
	}
	if gone {
		return nil, errAway
	}
	return a.database.Describe(ctx, tables)
}

func TestLive(t *testing.T) {
	t.Parallel()
	name := storetest.Database(t)
	db := &away{database: open(t, name), gone: true, asked: make(chan struct{}, 100)}
	var log lockedBuffer
	live := NewLive("catalog.yaml", []byte("tables:\n  late: {}\n"), db, slog.New(slog.NewTextHandler(&log, nil)))
	live.retryUnloaded, live.reload = time.Millisecond, time.Millisecond

	_, err := live.Current()
	if e := contracts.AsError(err); e.Code != contracts.CodeUnavailable || e.RetryAfter <= 0 {
		t.Fatalf("before the first load: %v", err)
	}
	if err := live.Load(t.Context()); !errors.Is(err, errAway) {
		t.Fatalf("got %v", err)
	}
	if _, err := live.Current(); contracts.AsError(err).Code != contracts.CodeUnavailable {
		t.Fatalf("after a load that failed: %v", err)
	}

	go live.Run(t.Context())
	for range 3 { // it goes on asking
		<-db.asked
	}
	db.set(false)
	wait(t, "the catalog is there, with a fault", func() bool {
		c, err := live.Current()
		return err == nil && len(c.Faults) == 1
	})
	storetest.Exec(t, name, "CREATE TABLE late (a Int8) ENGINE = MergeTree ORDER BY a")
	wait(t, "the table is served", func() bool {
		c, err := live.Current()
		return err == nil && len(c.Faults) == 0 && len(c.Tables) == 1
	})
	storetest.Exec(t, name, "ALTER TABLE late ADD COLUMN b String")
	wait(t, "the new column is published", func() bool {
		c, err := live.Current()
		return err == nil && c.Tables[0].Column("b") != nil
	})
	// Said once, however often it was found.
	if n := strings.Count(log.String(), "has no table"); n != 1 {
		t.Errorf("the fault is in the log %d times", n)
	}

	db.set(true)
	if err := live.Load(t.Context()); err == nil {
		t.Fatal("no error")
	}
	if now, err := live.Current(); err != nil || len(now.Tables) != 1 {
		t.Errorf("a load that failed took the catalog away: %v", err)
	}
}

func TestLiveStops(t *testing.T) {
	t.Parallel()
	db := &away{database: shop(), gone: true, asked: make(chan struct{}, 1)}
	live := NewLive("catalog.yaml", []byte("tables: {prices: {}}"), db, discard)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		live.Run(ctx)
	}()
	cancel()
	select {
	case <-done:
	case <-time.After(5 * time.Second):
		t.Fatal("it goes on after its context has ended")
	}
}

func wait(t *testing.T, what string, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !done(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal(what + ": not within 10 s")
		}
	}
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

var _ io.Writer = (*lockedBuffer)(nil)

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

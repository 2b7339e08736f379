package catalog

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"framehouse/internal/contracts"
	"framehouse/internal/store"
	"framehouse/internal/store/sql"
	"framehouse/internal/store/storetest"
)

func TestSizes(t *testing.T) {
	t.Parallel()
	database := storetest.Database(t)
	db := open(t, database)
	storetest.Exec(t, database, `
		CREATE TABLE full (a Int8) ENGINE = MergeTree ORDER BY a;
		CREATE TABLE empty (a Int8) ENGINE = MergeTree ORDER BY a;
		CREATE VIEW seen AS SELECT * FROM full;
		INSERT INTO full VALUES (1), (2), (3);
	`)
	live := NewLive("catalog.yaml", []byte("tables: {full: {}, empty: {}, seen: {}}"), db, discard)
	sizes := NewSizes(live, db)
	if _, _, err := sizes.Of(t.Context(), &Table{}); contracts.AsError(err).Code != contracts.CodeUnavailable {
		t.Errorf("before the catalog is loaded: %v", err)
	}
	if err := live.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	c, err := live.Current()
	if err != nil {
		t.Fatal(err)
	}
	full, _ := c.Table("full")
	size, ok, err := sizes.Of(t.Context(), full)
	if err != nil || !ok || size.Rows != 3 || time.Since(size.UpdatedAt) > time.Minute {
		t.Errorf("got %+v, %t, %v", size, ok, err)
	}
	for _, name := range []string{"empty", "seen"} {
		table, _ := c.Table(name)
		if size, ok, err := sizes.Of(t.Context(), table); err != nil || ok {
			t.Errorf("%s: got %+v, %t, %v", name, size, ok, err)
		}
	}
	d, err := full.Describe(t.Context(), sizes)
	if err != nil || d.Rows == nil || *d.Rows != 3 || d.UpdatedAt == nil {
		t.Errorf("got %+v, %v", d, err)
	}
}

// slow answers when it is let, or when its context ends.
type slow struct {
	mu    sync.Mutex
	asked int
	let   chan struct{}
}

func (s *slow) Sizes(ctx context.Context, _ []sql.Table) (map[sql.Table]store.Size, error) {
	s.mu.Lock()
	s.asked++
	s.mu.Unlock()
	select {
	case <-s.let:
		return map[sql.Table]store.Size{{Database: "db", Name: "prices"}: {Known: true, Rows: 7}}, nil
	case <-ctx.Done():
		return nil, &contracts.Error{Code: contracts.CodeUnavailable, Cause: ctx.Err()}
	}
}

func (s *slow) Mark(context.Context, sql.Table, []string) (string, error) { return "", nil }

func loaded(t *testing.T) (*Live, *Table) {
	t.Helper()
	live := NewLive("catalog.yaml", []byte("tables: {prices: {}}"), shop(), discard)
	if err := live.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	c, err := live.Current()
	if err != nil {
		t.Fatal(err)
	}
	return live, c.Tables[0]
}

// Many who ask at once are told from one answer.
func TestSizesAreAskedOnce(t *testing.T) {
	t.Parallel()
	live, table := loaded(t)
	db := &slow{let: make(chan struct{})}
	sizes := NewSizes(live, nil)
	sizes.db = db
	var group sync.WaitGroup
	for range 20 {
		group.Go(func() {
			if size, ok, err := sizes.Of(t.Context(), table); err != nil || !ok || size.Rows != 7 {
				t.Errorf("got %+v, %t, %v", size, ok, err)
			}
		})
	}
	close(db.let)
	group.Wait()
	if db.asked != 1 {
		t.Errorf("asked %d times", db.asked)
	}
}

// An answer is as old as its question: who comes while ClickHouse takes its time is told no
// more than was true a second before, or asks anew.
func TestSizesOfASlowServer(t *testing.T) {
	t.Parallel()
	live, table := loaded(t)
	synctest.Test(t, func(t *testing.T) {
		db := &slow{let: make(chan struct{})}
		sizes := NewSizes(live, nil)
		sizes.db = db
		var group sync.WaitGroup
		of := func() {
			group.Go(func() {
				if _, _, err := sizes.Of(t.Context(), table); err != nil {
					t.Error(err)
				}
			})
			synctest.Wait()
		}
		asked := func(want int, when string) {
			t.Helper()
			db.mu.Lock()
			defer db.mu.Unlock()
			if db.asked != want {
				t.Errorf("%s: asked %d times, not %d", when, db.asked, want)
			}
		}
		of()
		time.Sleep(3 * sizeAge)
		for range 10 {
			of() // which come long after the question
		}
		db.let <- struct{}{}
		synctest.Wait()
		asked(2, "who came later")
		time.Sleep(3 * sizeAge)
		db.let <- struct{}{}
		group.Wait()
		asked(2, "all who came before the second question")
		close(db.let)
		of()
		asked(3, "who comes after its answer, which is as old as the question")
		of()
		asked(3, "who comes within a second")
	})
}

// While ClickHouse is silent, nobody waits for longer than one question takes, and whoever
// leaves does not wait at all.
func TestSizesOfASilentServer(t *testing.T) {
	t.Parallel()
	live, table := loaded(t)
	sizes := NewSizes(live, nil)
	sizes.db = &slow{let: make(chan struct{})}
	began := time.Now()
	var group sync.WaitGroup
	for range 10 {
		group.Go(func() {
			if _, _, err := sizes.Of(t.Context(), table); contracts.AsError(err).Code != contracts.CodeUnavailable {
				t.Errorf("got %v", err)
			}
		})
	}
	wait(t, "somebody asks", func() bool { return len(sizes.sizes.asking) == 1 })
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := sizes.Of(ctx, table); contracts.AsError(err).Code != contracts.CodeCanceled {
		t.Errorf("one who left: %v", err)
	}
	if took := time.Since(began); took > sizeTimeout/2 {
		t.Errorf("one who left waited %s", took)
	}
	group.Wait()
	if took := time.Since(began); took > sizeTimeout+2*time.Second {
		t.Errorf("the last of 10 waited %s", took)
	}
}

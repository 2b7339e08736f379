package main

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"framehouse/internal/store/storetest"
)

// soakTime is how long TestSoak reads and writes: FRAMEHOUSE_SOAK, such as 1h, or a minute
// where every change is tested, or else what somebody waits for.
func soakTime(t *testing.T) time.Duration {
	t.Helper()
	if text := os.Getenv("FRAMEHOUSE_SOAK"); text != "" {
		d, err := time.ParseDuration(text)
		if err != nil {
			t.Fatalf("FRAMEHOUSE_SOAK: %v", err)
		}
		return d
	}
	if os.Getenv("CI") == "true" {
		return time.Minute
	}
	return 10 * time.Second
}

// Some read and some write, through us and past us, all the time. Again and again the writers
// are stopped, and whatever is answered from what was kept must be what ClickHouse then says.
func TestSoak(t *testing.T) {
	t.Parallel()
	database := storetest.Database(t)
	storetest.Exec(t, database, `
		CREATE TABLE notes (id UInt32, text String, n Int64, version UInt64, is_deleted UInt8)
			ENGINE = ReplacingMergeTree(version, is_deleted) ORDER BY id SETTINGS non_replicated_deduplication_window = 100;
		CREATE TABLE ticks (time DateTime, id UInt8, n UInt64, v Float64) ENGINE = MergeTree PARTITION BY id ORDER BY (id, time, n)
			SETTINGS enable_block_number_column = 1, enable_block_offset_column = 1;
		CREATE TABLE other (id UInt32, version UInt64, is_deleted UInt8)
			ENGINE = ReplacingMergeTree(version, is_deleted) ORDER BY id SETTINGS non_replicated_deduplication_window = 100;
	`)
	timedSoak(t, database)
	address, _ := forward(t, "127.0.0.1:0")
	app := open(t, Config{piecesFrom: 1, ClickHouse: urlOf(t, database, address), CatalogFile: writeCatalog(t, `
tables:
  notes: {write: upsert}
  other: {write: upsert}
  rows: {table: ticks, key: [id, time, n]}
nodes:
  ticks: {time: time, dimensions: [id]}
`+timedCatalog)})
	query := func(r *rand.Rand) string {
		if r.IntN(2) == 0 {
			return app.URL() + timedQuery(r, r.IntN(2) == 0)
		}
		format := []string{"csv", "ndjson"}[r.IntN(2)]
		from := fmt.Sprintf("2024-01-01T00:%02d:00Z", r.IntN(60))
		return app.URL() + []string{
			fmt.Sprintf("/v1/tables/notes/rows?limit=%d&", 1+r.IntN(60)),
			fmt.Sprintf("/v1/tables/notes/rows?id.lte=%d&", r.IntN(40)),
			"/v1/tables/notes/rows?agg=count,sum:n&",
			fmt.Sprintf("/v1/tables/rows/rows?id=%d&", r.IntN(3)),
			"/v1/tables/rows/rows?group=id&agg=count,max:n&",
			"/v1/nodes/ticks/rows?interval=10m&agg=count&select=v&from=" + from + "&",
			"/v1/nodes/ticks/coverage?",
			"/v1/nodes/ticks/values/id?",
		}[r.IntN(8)] + "format=" + format
	}

	var (
		writing  sync.RWMutex // held alone by who holds answers against each other
		done     atomic.Bool
		group    sync.WaitGroup
		hits     atomic.Int64
		compared soaked
	)
	for i := range 3 {
		group.Go(func() { // readers
			r := rand.New(rand.NewPCG(1, uint64(i)))
			for !done.Load() {
				if r.IntN(10) == 0 {
					balanced(t, app, r)
				}
				a := ask(t, http.MethodGet, query(r), "")
				if a.status != http.StatusOK {
					t.Errorf("%s %s", a.where(), a.body)
					return
				}
				if a.header.Get("X-Cache") == "hit" {
					hits.Add(1)
				}
			}
		})
	}
	var number atomic.Int64
	for i, write := range []func(*testing.T, *App, string, *rand.Rand, int64){writeThrough, writePast} {
		group.Go(func() { // one writer each, since ClickHouse gives up mutations of what is dropped
			r := rand.New(rand.NewPCG(2, uint64(i)))
			for !done.Load() {
				writing.RLock()
				write(t, app, database, r, number.Add(1))
				writing.RUnlock()
			}
		})
	}
	group.Go(func() {
		for w := (&timedWriter{random: rand.New(rand.NewPCG(2, 2))}); !done.Load(); {
			pause, statement := w.next()
			time.Sleep(pause) // nobody else writes to these tables
			writing.RLock()
			storetest.Exec(t, database, statement)
			writing.RUnlock()
		}
	})
	r := rand.New(rand.NewPCG(3, 0))
	for end := time.Now().Add(soakTime(t)); time.Now().Before(end) && !t.Failed(); {
		time.Sleep(time.Duration(r.IntN(150)) * time.Millisecond)
		writing.Lock()
		// A write through us to a table that nobody reads: versions are asked for anew.
		ask(t, http.MethodPost, app.URL()+"/v1/tables/other/rows", fmt.Sprintf(`[{"id":%d}]`, r.IntN(100)), "Content-Type", jsonType)
		long := app.URL() + timedQuery(r, true)
		compared.compare(t, long)
		compared.compare(t, long+"&download=1") // another answer, of the same pieces
		for range 8 {
			compared.compare(t, query(r))
		}
		writing.Unlock()
	}
	done.Store(true)
	group.Wait()
	t.Logf("%d answers were held against ClickHouse's, of which %d were kept and %d had pieces that were; %d of the readers' were kept", compared.compared, compared.hits, compared.pieced, hits.Load())
	if hits.Load() == 0 || compared.compared < 20 || compared.hits == 0 || compared.pieced == 0 {
		t.Errorf("%d answers were compared, of which %d were kept and %d had pieces; %d were kept", compared.compared, compared.hits, compared.pieced, hits.Load())
	}
}

// writeThrough upserts or deletes a row through us.
func writeThrough(t *testing.T, app *App, _ string, r *rand.Rand, n int64) {
	t.Helper()
	notes := app.URL() + "/v1/tables/notes/rows"
	id := r.IntN(50)
	a := answer{}
	if r.IntN(3) == 0 {
		a = ask(t, http.MethodDelete, fmt.Sprintf("%s?id=%d", notes, id), "")
	} else {
		a = ask(t, http.MethodPost, notes, fmt.Sprintf(`[{"id":%d,"text":"t%d","n":%d}]`, id, n, n), "Content-Type", jsonType)
	}
	if a.status != http.StatusOK {
		t.Errorf("%s %s", a.where(), a.body)
	}
}

// writePast changes something in ClickHouse, of which nobody tells us.
func writePast(t *testing.T, _ *App, database string, r *rand.Rand, n int64) {
	t.Helper()
	id := r.IntN(3)
	what := r.IntN(10)
	if what == 6 || what == 9 {
		// Parts that come and go within a second leave no trace; see docs/caching.md.
		time.Sleep(1500 * time.Millisecond)
	}
	storetest.Exec(t, database, []string{
		fmt.Sprintf("INSERT INTO ticks SELECT toDateTime('2024-01-01', 'UTC') + number * 60 + %d, %d, %d * 100 + number, number FROM numbers(20)", r.IntN(3600), id, n),
		fmt.Sprintf("INSERT INTO ticks SELECT toDateTime('2024-01-01', 'UTC') + number, %d, %d * 100 + number, number FROM numbers(5)", id, n),
		fmt.Sprintf("INSERT INTO notes VALUES (%d, 'past', %d, toUnixTimestamp64Nano(now64(9)), 0)", r.IntN(50), n),
		fmt.Sprintf("DELETE FROM ticks WHERE id = %d AND n %% 7 = %d", id, r.IntN(7)),
		fmt.Sprintf("UPDATE ticks SET v = v + 1 WHERE id = %d SETTINGS enable_lightweight_update = 1", id),
		fmt.Sprintf("ALTER TABLE ticks UPDATE v = v + 1 WHERE id = %d SETTINGS mutations_sync = 2", id),
		fmt.Sprintf("ALTER TABLE ticks DROP PARTITION %d", id),
		"OPTIMIZE TABLE notes FINAL", "OPTIMIZE TABLE ticks FINAL", "TRUNCATE TABLE ticks",
	}[what])
}

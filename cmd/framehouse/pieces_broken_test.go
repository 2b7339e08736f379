package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"framehouse/internal/store/storetest"
)

// brokenTable is of openPieced.
const brokenTable = "PARTITION BY toYYYYMM(at) ORDER BY (id, at)"

// honest asks for what cannot be answered now: it is an error, or broken off.
func honest(t *testing.T, address string) {
	t.Helper()
	a, err := tryGet(t, address, "")
	if err == nil && a.status < http.StatusInternalServerError {
		t.Errorf("%s: %s %s\n%.300s", address, a.where(), a.header.Get("Server-Timing"), a.body)
	}
}

// ClickHouse may fail, or break off anywhere, while what is missing is read: nobody gets fewer
// rows, and who asks next gets all.
func TestPiecesBrokenOff(t *testing.T) {
	t.Parallel()
	app, database, p := openPieced(t, Config{}, "at DateTime", brokenTable)
	faults := map[string]func(){"nothing": func() { p.fail = true }}
	for _, part := range []float64{0.01, 0.3, 0.6, 0.9, 1} {
		faults[fmt.Sprintf("%g of it", part)] = func() { p.part = part }
	}
	n := 0
	for what, fault := range faults {
		for _, format := range []string{"csv", "json", "ndjson"} {
			n++
			address := fmt.Sprintf("%s/v1/nodes/x/rows?format=%s&interval=1h&agg=v:sum,v:count&limit=100000&v.lt=%d", app.URL(), format, 1000+n)
			for _, kept := range []bool{false, true} {
				if kept { // all but the newest
					storetest.Exec(t, database, fmt.Sprintf("INSERT INTO x SELECT toDateTime('2024-05-06 00:00:00') + number, 1, %d FROM numbers(1000)", n))
					renew(t, app)
				}
				p.set(fault)
				honest(t, address)
				honest(t, address+"&download=1")
				reads, _ := p.counted()
				p.set(func() { p.fail, p.part = false, 0 })
				if reads < 2 {
					t.Errorf("%s: %d reads", what, reads)
				}
				a := ask(t, http.MethodGet, address, "")
				asAWhole(t, a, address)
				if some, of := piecesOf(t, a); of == 0 || (some > 0) != kept || some == of {
					t.Errorf("%s, and then %d of %d pieces were kept", what, some, of)
				}
			}
		}
	}
}

// Without a word about which parts there were after a read nothing of it is kept, and it does not
// go with what was.
func TestPiecesOfPartsThatNobodyTells(t *testing.T) {
	t.Parallel()
	for _, away := range []bool{true, false} {
		app, database, p := openPieced(t, Config{}, "at DateTime", brokenTable)
		address := app.URL() + "/v1/nodes/x/rows?format=csv&interval=1h&agg=v:sum,v:count&limit=100000"
		during := func() answer {
			p.set(func() { p.hold = make(chan struct{}) })
			coming := later(t, http.DefaultClient, address)
			eventually(t, 10*time.Second, "it is read", func() bool { reads, _ := p.counted(); return reads == 1 })
			p.mu.Lock()
			p.deaf, p.away = "min_block_number", away
			p.mu.Unlock()
			p.release()
			a := <-coming
			p.set(func() { p.deaf = "" })
			renew(t, app)
			return a
		}
		asAWhole(t, during(), address) // what was read is an answer all the same
		again := ask(t, http.MethodGet, address+"&download=1", "")
		asAWhole(t, again, address)
		if kept, of := piecesOf(t, again); kept > 0 || of == 0 {
			t.Errorf("away: %t: %d of %d pieces were kept", away, kept, of)
		}
		storetest.Exec(t, database, "INSERT INTO x SELECT toDateTime('2024-05-06 00:00:00') + number, 1, 1 FROM numbers(1000)")
		renew(t, app)
		switch a := during(); {
		case !away: // so that it was read as a whole
			asAWhole(t, a, address)
		case a.status < http.StatusInternalServerError:
			t.Errorf("%s %s", a.where(), a.header.Get("Server-Timing"))
		}
		again = ask(t, http.MethodGet, address+"&download=1", "")
		asAWhole(t, again, address)
		if kept, of := piecesOf(t, again); kept == 0 || kept == of {
			t.Errorf("away: %t: %d of %d pieces were kept", away, kept, of)
		}
	}
}

// Who leaves while pieces are read ends that in ClickHouse, and leaves nothing behind.
func TestPiecesOfWhoLeaves(t *testing.T) {
	t.Parallel()
	app, database, p := openPieced(t, Config{}, "at DateTime", brokenTable)
	address := app.URL() + "/v1/nodes/x/rows?format=csv&interval=1h&agg=v:sum&limit=100000"
	leaving := func() (leave func(), left chan error) {
		ctx, leave := context.WithCancel(t.Context())
		left = make(chan error, 1)
		go func() {
			_, err := askAs(ctx, http.DefaultClient, address)
			left <- err
		}()
		return leave, left
	}
	for _, before := range []string{"SELECT 1", "INSERT INTO x SELECT toDateTime('2024-05-06 00:00:00') + number, 1, 1 FROM numbers(1000)"} {
		storetest.Exec(t, database, before)
		renew(t, app)
		p.set(func() { p.hold = make(chan struct{}) })
		leave, left := leaving()
		eventually(t, 10*time.Second, "it is read", func() bool { reads, _ := p.counted(); return reads == 1 })
		leave()
		if err := <-left; err == nil {
			t.Error("who left has an answer")
		}
		eventually(t, 10*time.Second, "the read is given up", func() bool { _, gone := p.counted(); return gone == 1 })
		p.set(func() { p.hold = nil })
		a := ask(t, http.MethodGet, address, "")
		asAWhole(t, a, address)
		if kept, of := piecesOf(t, a); of == 0 || kept == of || (kept > 0) != (before != "SELECT 1") {
			t.Errorf("after who left, %d of %d pieces were kept", kept, of)
		}
	}
	// Of a column that parts lack each value takes some time, those of the largest block two
	// seconds and all of them forty.
	storetest.Exec(t, database, "INSERT INTO x SELECT toDateTime('2024-01-20 00:00:00') + number, 1, 1 FROM numbers(900000);\nALTER TABLE x ADD COLUMN slow Float64 DEFAULT sleepEachRow(0.00004)")
	address = app.URL() + "/v1/nodes/x/rows?format=csv&interval=1h&agg=slow:sum"
	app.Reload()
	eventually(t, 10*time.Second, "the column is there", func() bool {
		return ask(t, http.MethodGet, address+"&from=2030-01-01", "").status == http.StatusOK
	})
	leave, left := leaving()
	eventually(t, 10*time.Second, "ClickHouse works on it", func() bool {
		return storetest.Query(t, "", "SELECT count() FROM system.processes WHERE query LIKE '%sum%slow%' AND current_database = '"+database+"'") == "1"
	})
	leave()
	<-left
	nothingRuns(t, database)
}

// Ranges that overlap are of one moment each, whatever is written meanwhile.
func TestPiecesBesideAWriter(t *testing.T) {
	t.Parallel()
	database := storetest.Database(t)
	timedSoak(t, database)
	storetest.Exec(t, database, otherTable)
	app := open(t, Config{piecesFrom: 1, ClickHouse: urlOf(t, database, newTap(t).address), CatalogFile: writeCatalog(t, otherCatalog+"nodes:"+timedCatalog)})
	// All ranges hold the three days in the middle, which pairs of rows that cancel out are of.
	first, last := time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(2024, 1, 5, 0, 0, 0, 0, time.UTC)
	query := func(r *rand.Rand) string {
		within := func(day time.Time) string {
			return day.Add(time.Duration(r.IntN(86400)) * time.Second).Format(time.RFC3339)
		}
		q := "/v1/nodes/plain/rows?agg=d:sum&select=d&limit=10000&format=csv&interval=" + []string{"20m", "1h", "7h", "1d"}[r.IntN(4)]
		if r.IntN(3) > 0 {
			q += "&from=" + within(first)
		}
		if r.IntN(3) > 0 {
			q += "&to=" + within(last)
		}
		return app.URL() + q
	}
	var (
		done   atomic.Bool
		group  sync.WaitGroup
		pieced atomic.Int64
	)
	for i := range 6 {
		group.Go(func() {
			for r := rand.New(rand.NewPCG(1, uint64(i))); !done.Load(); {
				address := query(r)
				a := ask(t, http.MethodGet, address, "")
				if sum, rows := lastColumn(t, a); a.status != http.StatusOK || sum != 0 || rows < 3 {
					t.Errorf("%s: the sum is %d: %s %s\n%.2000s", address, sum, a.where(), a.header.Get("Server-Timing"), a.body)
					return
				}
				if kept, _ := piecesOf(t, a); kept > 0 {
					pieced.Add(1)
				}
			}
		})
	}
	r := rand.New(rand.NewPCG(2, 0))
	n := 0
	for end := time.Now().Add(6 * time.Second); time.Now().Before(end) && !t.Failed(); n++ {
		statement := fmt.Sprintf("INSERT INTO plain SELECT toDateTime64('2024-01-02', 3, 'UTC') + number * %d + %d + toIntervalMillisecond(%d), 'P', 0, %d, [1, -1][number + 1] * %d FROM numbers(2)",
			r.IntN(2*86400), r.IntN(86400), n%1000, n, n+1)
		switch r.IntN(20) {
		case 0:
			statement = fmt.Sprintf("DELETE FROM plain WHERE id = 'P' AND n %% 7 = %d", r.IntN(7))
		case 1:
			statement = "OPTIMIZE TABLE plain"
		case 2:
			before := pieced.Load()
			eventually(t, 10*time.Second, "what is kept is put together", func() bool { return pieced.Load() > before || t.Failed() })
		}
		storetest.Exec(t, database, statement)
		if r.IntN(3) == 0 {
			renew(t, app)
		}
	}
	done.Store(true)
	group.Wait()
	renew(t, app)
	var compared soaked
	for range 10 {
		compared.compare(t, query(r))
	}
	t.Logf("%d changes, %d answers of pieces that were kept", n, pieced.Load())
	if n < 10 || pieced.Load() == 0 {
		t.Errorf("%d changes, %d answers of pieces that were kept", n, pieced.Load())
	}
}

// Where there is room for few pieces, others are dropped at any time.
func TestPiecesInASmallCache(t *testing.T) {
	t.Parallel()
	const size = 1e6
	app, database, _ := openPieced(t, Config{CacheSize: size}, "at DateTime", brokenTable)
	start := time.Date(2024, 1, 20, 0, 0, 0, 0, time.UTC)
	trial := &piecesTrial{app: app, database: database, random: rand.New(rand.NewPCG(3, 0))}
	var group sync.WaitGroup
	defer group.Wait()
	ctx, end := context.WithCancel(t.Context())
	defer end()
	// Others drive out what is kept, at a pace that leaves time for what is tried.
	for i := range 2 {
		group.Go(func() {
			for r := rand.New(rand.NewPCG(4, uint64(i))); ctx.Err() == nil; time.Sleep(20 * time.Millisecond) {
				_, _ = askAs(ctx, http.DefaultClient, fmt.Sprintf("%s/v1/nodes/x/rows?format=csv&interval=1h&limit=100000&v.lt=%d", app.URL(), r.IntN(100)))
			}
		})
	}
	for round := range 10 {
		q := trial.query([][]string{{"format", "json", "csv"}, {"interval", "1h", "30m", "1d"}, {"limit", "100000"}, {"agg", "", "v:sum", "v:mean,v:last"}})
		trial.compareRanges(t, "x", q, start)
		trial.change(t, fmt.Sprintf("INSERT INTO x SELECT toDateTime('2024-05-06 00:00:00') + number, 1, %d FROM numbers(100)", round))
		trial.compare(t, "x", q)
		if kept := app.kept.Bytes(); kept > size {
			t.Errorf("%d bytes are kept", kept)
		}
	}
	if trial.kept == 0 || trial.kept > trial.whole*9/10 {
		t.Errorf("%d of %d pieces were kept", trial.kept, trial.whole)
	}
}

// Without a cache there are no pieces, and each answer is one read.
func TestNoPiecesWithoutACache(t *testing.T) {
	t.Parallel()
	app, _, p := openPieced(t, Config{CacheSize: noCache}, "at DateTime", brokenTable)
	address := app.URL() + "/v1/nodes/x/rows?format=csv&interval=1h&limit=100000"
	for range 3 {
		p.set(func() {})
		a := ask(t, http.MethodGet, address, "")
		reads, _ := p.counted()
		if reads != 1 || strings.Contains(a.header.Get("Server-Timing"), "pieces") {
			t.Errorf("%d reads: %s", reads, a.header.Get("Server-Timing"))
		}
		asAWhole(t, a, address)
	}
}

// What the catalog says of a column goes for pieces that were kept before it said so.
func TestPiecesAndTheCatalog(t *testing.T) {
	t.Parallel()
	app, database, _ := openPieced(t, Config{}, "at DateTime", brokenTable)
	storetest.Exec(t, database, "ALTER TABLE x ADD COLUMN n Int32 DEFAULT 7")
	address := app.URL() + "/v1/nodes/x/rows?interval=1h&limit=100000"
	for i, column := range []string{"", "unit: EUR", "unit: USD, label: Value", "unit: EUR", "hidden: true", "agg: max", "", "hidden: true"} {
		label := fmt.Sprint("Version ", i)
		overwrite(t, app.cfg.CatalogFile, "tables: {other: {write: upsert, label: "+label+"}}\nnodes: {x: {time: at, dimensions: [id], columns: {v: {"+column+"}}}}")
		app.Reload()
		eventually(t, 10*time.Second, "the catalog says "+column, func() bool { return labelOf(t, app.URL(), "other") == label })
		for _, more := range []string{"", "&download=1", "&format=csv"} {
			a := ask(t, http.MethodGet, address+more, "")
			asAWhole(t, a, address+more)
			if _, of := piecesOf(t, a); of == 0 && a.header.Get("X-Cache") != "hit" {
				t.Errorf("{%s}: no pieces", column)
			}
		}
		fields := fmt.Sprint(ask(t, http.MethodGet, address, "").frame(t).Fields)
		if unit, ok := strings.CutPrefix(column, "unit: "); ok && !strings.Contains(fields, unit[:3]) || strings.Contains(fields, "key:v ") == (column == "hidden: true") {
			t.Errorf("{%s}: %s", column, fields)
		}
	}
}

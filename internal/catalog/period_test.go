package catalog

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"framehouse/internal/contracts"
	"framehouse/internal/store"
	"framehouse/internal/store/sql"
	"framehouse/internal/store/storetest"
)

// periodsOf gives out the version of what there is of a node between two seconds at this
// moment; empty when it is not known.
func periodsOf(t *testing.T, db *store.Store, text string) (version func(node string, first, last time.Time) string, sizes *Sizes) {
	t.Helper()
	sizes = NewSizes(faultless(t, db, text), db)
	return func(node string, first, last time.Time) string {
		t.Helper()
		sizes.Changed()
		within, _, err := sizes.within(t.Context(), &Period{node, first.Unix(), last.Unix()})
		if err != nil {
			t.Fatal(err)
		}
		return within.Version
	}, sizes
}

func month(m time.Month) (first, last time.Time) {
	first = time.Date(2024, m, 1, 0, 0, 0, 0, time.UTC)
	return first, first.AddDate(0, 1, 0).Add(-time.Second)
}

// What changes rows of a month gives it a version that it never had, and what is done to others
// leaves it alone, as far as they are in parts of their own.
func TestPeriods(t *testing.T) {
	t.Parallel()
	for name, of := range map[string]string{"divided": "PARTITION BY toYYYYMM(at) ORDER BY (k, at)", "sorted": "ORDER BY (at, k)", "series": "ORDER BY (k, at)"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			database := storetest.Database(t)
			db := open(t, database)
			storetest.Exec(t, database, "CREATE TABLE x (at DateTime('UTC'), k UInt8, v String) ENGINE = MergeTree "+of+" SETTINGS enable_block_number_column = 1, enable_block_offset_column = 1;\n"+
				"SYSTEM STOP MERGES x;\nINSERT INTO x VALUES ('2024-01-15 00:00:00', 1, 'a'), ('2024-01-31 23:59:59', 1, 'a');\nINSERT INTO x VALUES ('2024-02-01 00:00:00', 1, 'a');\nSYSTEM START MERGES x;")
			version, _ := periodsOf(t, db, "nodes: {x: {time: at, dimensions: [k]}}")
			seen := map[time.Month]map[string]bool{time.January: {}, time.February: {}}
			march, last := month(time.March)
			if v := version("x", march, last); v != "" {
				t.Errorf("a month without rows has the version %q", v)
			}
			for _, step := range []struct {
				do                string
				january, february bool // whether rows of these months change
			}{
				{do: "SELECT 1"},
				{do: "INSERT INTO x VALUES ('2024-02-29 23:59:59', 1, 'b')", february: true},
				{do: "INSERT INTO x VALUES ('2024-01-01 00:00:00', 1, 'b')", january: true},
				{do: "INSERT INTO x VALUES ('2024-03-01 00:00:00', 1, 'b')"},
				{do: "INSERT INTO x VALUES ('2023-12-31 23:59:59', 1, 'b')"},
				{do: "INSERT INTO x VALUES ('2024-02-03 00:00:00', 1, 'b'), ('2024-01-03 00:00:00', 1, 'b')", january: true, february: true},
				{do: "OPTIMIZE TABLE x FINAL", january: true, february: true}, // or not: the rows are the same
				{do: "ALTER TABLE x UPDATE v = 'c' WHERE at < '2024-02-01' SETTINGS mutations_sync = 2", january: true},
				{do: "ALTER TABLE x UPDATE at = '2024-01-20' WHERE 0 SETTINGS mutations_sync = 2"},
				{do: "ALTER TABLE x DELETE WHERE at = '2024-01-15' SETTINGS mutations_sync = 2", january: true},
				{do: "DELETE FROM x WHERE at = '2024-02-29 23:59:59'", february: true},
				{do: "UPDATE x SET v = 'd' WHERE at = '2024-01-31 23:59:59' SETTINGS enable_lightweight_update = 1", january: true},
				{do: "INSERT INTO x VALUES ('2024-02-05 00:00:00', 1, 'b')", february: true},
				{do: "ALTER TABLE x MODIFY COLUMN v DEFAULT 'e'", january: true, february: true},
				{do: "ALTER TABLE x DROP PARTITION ID '202402'", february: true},
				{do: "INSERT INTO x VALUES ('2024-02-05 00:00:00', 1, 'b')", february: true},
				{do: "TRUNCATE TABLE x", january: true, february: true},
				{do: "INSERT INTO x VALUES ('2024-01-05 00:00:00', 1, 'b'), ('2024-02-05 00:00:00', 1, 'b')", january: true, february: true},
				{do: "CREATE TABLE y AS x;\nEXCHANGE TABLES x AND y;", january: true, february: true},
				{do: "EXCHANGE TABLES x AND y", january: true, february: true},
			} {
				if strings.Contains(step.do, "at = '2024-01-20'") || strings.Contains(step.do, "PARTITION ID") && name != "divided" {
					if name != "divided" || strings.Contains(step.do, "UPDATE") {
						continue // the time is in the key, or there are no such partitions
					}
				}
				before := map[time.Month]string{}
				for m := range seen {
					first, last := month(m)
					before[m] = version("x", first, last)
				}
				storetest.Exec(t, database, step.do)
				for m, changed := range map[time.Month]bool{time.January: step.january, time.February: step.february} {
					first, last := month(m)
					after := version("x", first, last)
					switch {
					case after == "": // nothing is there
					case !changed && after != before[m] && name == "divided" && !strings.Contains(step.do, "ALTER") && !strings.Contains(step.do, "DELETE") && !strings.Contains(step.do, "lightweight"):
						t.Errorf("after %s, %s has another version", step.do, m)
					case changed && seen[m][after] && !strings.Contains(step.do, "OPTIMIZE"):
						t.Errorf("after %s, %s has a version that it had before", step.do, m)
					}
					seen[m][after] = true
				}
			}
		})
	}
}

// A set of parts that comes back, as when newer ones are dropped, is another version, once the
// parts in between were seen.
func TestPeriodsThatRecur(t *testing.T) {
	t.Parallel()
	database := storetest.Database(t)
	db := open(t, database)
	storetest.Exec(t, database, `
		CREATE TABLE x (at DateTime('UTC'), p UInt8) ENGINE = MergeTree PARTITION BY p ORDER BY at;
		INSERT INTO x VALUES ('2024-01-15 00:00:00', 1);
	`)
	version, sizes := periodsOf(t, db, "nodes: {x: {time: at}}")
	first, last := month(time.January)
	seen := map[string]bool{}
	for range 3 {
		before := version("x", first, last)
		if before == "" || seen[before] {
			t.Fatalf("%q came back", before)
		}
		seen[before] = true
		storetest.Exec(t, database, "INSERT INTO x VALUES ('2024-01-16 00:00:00', 2)")
		// Nobody asks, but an answer was read.
		sizes.Changed()
		sizes.Follow([]sql.Table{{Database: database, Name: "x"}})
		asked := time.Now()
		wait(t, "the read is followed up", func() bool {
			sizes.mu.Lock()
			defer sizes.mu.Unlock()
			return len(sizes.read) == 0 && time.Since(asked) > sizeAge*3/2
		})
		storetest.Exec(t, database, "ALTER TABLE x DROP PARTITION 2")
	}
}

// What a table is may say which times there are, though its parts are as they were.
func TestPeriodsOfWhatATableIs(t *testing.T) {
	t.Parallel()
	database := storetest.Database(t)
	db := open(t, database)
	storetest.Exec(t, database, `
		CREATE TABLE x (at DateTime('UTC'), name DateTime('UTC')) ENGINE = MergeTree ORDER BY tuple();
		SYSTEM STOP MERGES x;
		INSERT INTO x VALUES ('2024-01-15 00:00:00', '2024-05-15 00:00:00');
		ALTER TABLE x ADD COLUMN made DateTime('UTC') DEFAULT at + INTERVAL 1 MONTH;
	`)
	version, _ := periodsOf(t, db, "nodes: {at: {table: x, time: at}, name: {table: x, time: name}, made: {table: x, time: made}}")
	for _, step := range []struct {
		do             string
		at, name, made time.Month
	}{
		{"SELECT 1", 1, 5, 2},
		{"ALTER TABLE x MODIFY COLUMN made DEFAULT at + INTERVAL 2 MONTH", 1, 5, 3},
	} {
		storetest.Exec(t, database, step.do)
		for node, want := range map[string]time.Month{"at": step.at, "name": step.name, "made": step.made} {
			for m := time.January; m <= time.August; m++ {
				first, last := month(m)
				if got := version(node, first, last); (got != "") != (m == want) {
					t.Errorf("after %s, %s by %s has the version %q", step.do, m, node, got)
				}
			}
		}
	}
}

// A part without a row that is left, or a patch, is looked up once as other parts are.
func TestPeriodsOfPartsWithoutTimes(t *testing.T) {
	t.Parallel()
	database := storetest.Database(t)
	db := open(t, database)
	storetest.Exec(t, database, `
		CREATE TABLE x (at DateTime('UTC'), k UInt8) ENGINE = MergeTree PARTITION BY toYYYYMM(at) ORDER BY at SETTINGS enable_block_number_column = 1, enable_block_offset_column = 1;
		INSERT INTO x VALUES ('2024-01-15 00:00:00', 1);
		INSERT INTO x VALUES ('2024-02-15 00:00:00', 1);
		SYSTEM STOP MERGES x;
	`)
	version, sizes := periodsOf(t, db, "nodes: {x: {time: at}}")
	first, last := month(time.January)
	before := version("x", first, last)
	storetest.Exec(t, database, "UPDATE x SET k = 3 WHERE at >= '2024-02-01' SETTINGS enable_lightweight_update = 1")
	after := version("x", first, last)
	if before == "" || after == before {
		t.Errorf("with a patch the version is %q, after %q", after, before)
	}
	sizes.timed = noReaches{db}
	if got := version("x", first, last); got != after {
		t.Errorf("asked again, the version is %q, after %q", got, after)
	}
}

// noReaches fails when it is asked for the times of parts.
type noReaches struct{ *store.Store }

func (noReaches) Reaches(context.Context, sql.Table, sql.Ref, store.Type, []string) (map[string]store.Reach, string, error) {
	return nil, "", errors.New("not again")
}

// Versions of periods are unknown where rows of other times may have a part in what is read.
func TestPeriodsUnknown(t *testing.T) {
	t.Parallel()
	database := storetest.Database(t)
	db := open(t, database)
	storetest.Exec(t, database, `
		CREATE TABLE replaced (at DateTime('UTC'), k UInt8) ENGINE = ReplacingMergeTree PARTITION BY toYYYYMM(at) ORDER BY k;
		CREATE TABLE keyed (at DateTime('UTC'), k UInt8) ENGINE = ReplacingMergeTree PARTITION BY toYYYYMM(at) ORDER BY (k, at);
		CREATE TABLE byDay (at DateTime('UTC'), k UInt8) ENGINE = ReplacingMergeTree PARTITION BY toYYYYMM(at) ORDER BY (k, toDate(at));
		CREATE VIEW view AS SELECT * FROM keyed;
		INSERT INTO replaced VALUES ('2024-01-15 00:00:00', 1);
		INSERT INTO keyed VALUES ('2024-01-15 00:00:00', 1);
		INSERT INTO byDay VALUES ('2024-01-15 00:00:00', 1);
	`)
	version, _ := periodsOf(t, db, `nodes: {replaced: {time: at}, all: {table: replaced, time: at, final: false}, keyed: {time: at}, byDay: {time: at}, view: {time: at},
		marked: {table: byDay, time: at, final: false, version: at}, last: {table: byDay, time: at, final: false}}`)
	first, last := month(time.January)
	for node, known := range map[string]bool{"replaced": false, "all": true, "keyed": true, "byDay": false, "view": false, "marked": false, "last": false} {
		if got := version(node, first, last); (got != "") != known {
			t.Errorf("%s: %q", node, got)
		}
	}
}

// The times of many rows are looked up while nobody waits for them.
func TestPeriodsOfManyRows(t *testing.T) {
	t.Parallel()
	database := storetest.Database(t)
	db := open(t, database)
	storetest.Exec(t, database, `
		CREATE TABLE x (at DateTime('UTC')) ENGINE = MergeTree ORDER BY tuple();
		INSERT INTO x SELECT toDateTime('2024-01-01 00:00:00', 'UTC') + number % 100000 FROM numbers(10000001);
	`)
	version, _ := periodsOf(t, db, "nodes: {x: {time: at}}")
	first, last := month(time.January)
	if got := version("x", first, last); got != "" {
		t.Errorf("at once it is %q", got)
	}
	wait(t, "the version is known", func() bool { return version("x", first, last) != "" })
	if got := version("x", last, last.AddDate(0, 1, 0)); got != "" {
		t.Errorf("after the last row it is %q", got)
	}
}

// The version of a period goes by the parts that reach into it, and not by their order.
func TestWithin(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		var parts []part
		for i := range random.IntN(20) {
			first := random.Int64N(100)
			reach := store.Reach{First: first, Last: first + random.Int64N(20) - 2}
			parts = append(parts, newPart(store.Part{Name: strings.Repeat("x", i), Rows: 1 << i}, reach))
		}
		a := &Parts{parts: parts}
		mixed := &Parts{parts: append([]part{}, parts...)}
		random.Shuffle(len(parts), func(i, j int) { mixed.parts[i], mixed.parts[j] = mixed.parts[j], mixed.parts[i] })
		versions := map[string]int64{}
		for range 50 {
			first := random.Int64N(110) - 5
			last := first + random.Int64N(30)
			want := int64(0)
			for _, p := range parts {
				for tick := p.Reach.First; tick <= p.Reach.Last; tick++ {
					if tick >= first && tick <= last {
						want |= p.Rows
					}
				}
			}
			got := a.Within(first, last)
			if got != mixed.Within(first, last) || got.Rows != want || (got.Version == "") != (want == 0) {
				t.Fatalf("from %d to %d: %+v, and rows %b", first, last, got, want)
			}
			if before, ok := versions[got.Version]; ok && before != want {
				t.Fatalf("%q stands for %b and %b", got.Version, before, want)
			}
			versions[got.Version] = want
		}
	}
}

// timeless tells parts and not their times.
type timeless struct{ err error }

func (timeless) Parts(context.Context, sql.Table) (store.Parts, error) {
	return store.Parts{Made: "x", All: []store.Part{{Name: "all_1_1_0", Rows: 1}}}, nil
}

func (f timeless) Reaches(context.Context, sql.Table, sql.Ref, store.Type, []string) (map[string]store.Reach, string, error) {
	return nil, "x", f.err
}

// Where the times cannot be had, a period goes by the whole table; that ClickHouse is away is
// told.
func TestPeriodsWithoutTimes(t *testing.T) {
	t.Parallel()
	database := storetest.Database(t)
	db := open(t, database)
	storetest.Exec(t, database, "CREATE TABLE x (at DateTime) ENGINE = MergeTree ORDER BY at;\nINSERT INTO x VALUES ('2024-01-15 00:00:00');")
	_, sizes := periodsOf(t, db, "nodes: {x: {time: at}}")
	first, last := month(time.January)
	period, tables := &Period{"x", first.Unix(), last.Unix()}, []sql.Table{{Database: database, Name: "x"}}
	whole, _, err := sizes.Version(t.Context(), tables, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, code := range []contracts.Code{contracts.CodeInternal, contracts.CodeUnavailable, contracts.CodeQueryTooExpensive} {
		_, sizes = periodsOf(t, db, "nodes: {x: {time: at}}")
		sizes.timed = timeless{&contracts.Error{Code: code}}
		got, known, err := sizes.Version(t.Context(), tables, period)
		if code == contracts.CodeUnavailable {
			if contracts.AsError(err).Code != code {
				t.Errorf("%s: %q, %v", code, got, err)
			}
		} else if err != nil || !known || got != whole {
			t.Errorf("%s: %q instead of %q, %v", code, got, whole, err)
		}
	}
	// A part whose times are not told may hold rows of any.
	_, sizes = periodsOf(t, db, "nodes: {x: {time: at}}")
	sizes.timed = timeless{}
	if got, known, err := sizes.Version(t.Context(), tables, &Period{"x", last.Unix() + 1, last.Unix() + 2}); err != nil || !known || got == whole {
		t.Errorf("%q, %v", got, err)
	}
}

// The times of rows that are those of a default are others with another one.
func TestPeriodsOfDefaults(t *testing.T) {
	t.Parallel()
	database := storetest.Database(t)
	db := open(t, database)
	storetest.Exec(t, database, `
		CREATE TABLE x (k UInt8) ENGINE = MergeTree ORDER BY k;
		INSERT INTO x VALUES (1);
		ALTER TABLE x ADD COLUMN at DateTime('UTC') DEFAULT '2024-01-15 00:00:00';
	`)
	version, _ := periodsOf(t, db, "nodes: {x: {time: at, dimensions: [k]}}")
	for _, m := range []time.Month{time.January, time.March, time.February} {
		storetest.Exec(t, database, fmt.Sprintf("ALTER TABLE x MODIFY COLUMN at DEFAULT '2024-%02d-15 00:00:00'", m))
		for other := time.January; other <= time.March; other++ {
			first, last := month(other)
			if got := version("x", first, last); (got != "") != (other == m) {
				t.Errorf("all rows are of %s, and the version of %s is %q", m, other, got)
			}
		}
	}
}

// Parts of which nobody knows the times do not tell from when to when there are rows.
func TestBounds(t *testing.T) {
	t.Parallel()
	known, other := newPart(store.Part{Name: "a"}, store.Reach{First: 3, Last: 7}), newPart(store.Part{Name: "b"}, store.Reach{First: 5, Last: 9})
	none, unknown := newPart(store.Part{Name: "c"}, store.Reach{First: 1, Last: 0}), newPart(store.Part{Name: "d"}, everywhere)
	for _, test := range []struct {
		parts       []part
		first, last int64
	}{
		{nil, LastTick, FirstTick},
		{[]part{none, unknown}, LastTick, FirstTick},
		{[]part{unknown, known, none, other}, 3, 9},
	} {
		if first, last := (&Parts{parts: test.parts}).Bounds(); first != test.first || last != test.last {
			t.Errorf("%d parts: from %d to %d, not from %d to %d", len(test.parts), first, last, test.first, test.last)
		}
	}
}

// A look-up of times that takes long does not keep requests waiting: they go by the whole table
// until it is done.
func TestPeriodsThatTakeLong(t *testing.T) {
	t.Parallel()
	database := storetest.Database(t)
	db := open(t, database)
	storetest.Exec(t, database, "CREATE TABLE x (at DateTime) ENGINE = MergeTree ORDER BY at;\nINSERT INTO x VALUES ('2024-01-15 00:00:00');")
	_, sizes := periodsOf(t, db, "nodes: {x: {time: at}}")
	slow := &slowReaches{Store: db, let: make(chan struct{})}
	sizes.timed = slow
	first, last := month(time.January)
	version := func(period *Period) string {
		sizes.Changed()
		got, known, err := sizes.Version(t.Context(), []sql.Table{{Database: database, Name: "x"}}, period)
		if err != nil || !known {
			t.Fatal(got, known, err)
		}
		return got
	}
	period, whole := &Period{"x", first.Unix(), last.Unix()}, version(nil)
	for range 3 {
		began := time.Now()
		if got := version(period); got != whole || time.Since(began) > sizeTimeout/2 {
			t.Errorf("%q, not %q, after %s", got, whole, time.Since(began))
		}
	}
	close(slow.let)
	wait(t, "the times are known", func() bool { return version(period) != whole })
}

// slowReaches tells times of parts when it is let.
type slowReaches struct {
	*store.Store
	let chan struct{}
}

func (s *slowReaches) Reaches(ctx context.Context, table sql.Table, column sql.Ref, typ store.Type, names []string) (map[string]store.Reach, string, error) {
	select {
	case <-s.let:
		return s.Store.Reaches(ctx, table, column, typ, names)
	case <-ctx.Done():
		return nil, "", &contracts.Error{Code: contracts.CodeUnavailable, Cause: ctx.Err()}
	}
}

// Parts are at least as new as each version of their table that was given out: what is put
// together by them is kept under it.
func TestPartsAreNotOlderThanVersions(t *testing.T) {
	t.Parallel()
	database := storetest.Database(t)
	db := open(t, database)
	storetest.Exec(t, database, "CREATE TABLE x (at DateTime) ENGINE = MergeTree ORDER BY at")
	live := faultless(t, db, "nodes: {x: {time: at}}")
	c, err := live.Current()
	if err != nil {
		t.Fatal(err)
	}
	node := c.Nodes[0]
	synctest.Test(t, func(t *testing.T) {
		sizes := NewSizes(live, nil)
		growing := &growing{table: node.Source}
		sizes.db, sizes.timed = growing, growing
		parts := func() int64 {
			p, err := sizes.Parts(t.Context(), node, time.Time{})
			if err != nil || p == nil {
				t.Fatal(p, err)
			}
			return p.Within(FirstTick, LastTick).Rows
		}
		if got := parts(); got != 0 {
			t.Errorf("at first there are %d rows", got)
		}
		growing.rows = 7
		time.Sleep((askAgain + sizeAge) / 2) // the version is asked for anew ahead of its time
		if _, _, err := sizes.Version(t.Context(), []sql.Table{node.Source}, nil); err != nil {
			t.Error(err)
		}
		synctest.Wait()
		if got := parts(); got != 7 {
			t.Errorf("after another version was told there are %d rows", got)
		}
	})
}

// growing is a table of one part, with so many rows.
type growing struct {
	table sql.Table
	rows  int64
}

func (g *growing) Sizes(context.Context, []sql.Table) (map[sql.Table]store.Size, error) {
	return map[sql.Table]store.Size{g.table: {Known: true, Rows: g.rows, Parts: 1, Version: fmt.Sprint(g.rows)}}, nil
}

func (g *growing) Mark(context.Context, sql.Table, []string) (string, error) { return "", nil }

func (g *growing) Parts(context.Context, sql.Table) (store.Parts, error) {
	return store.Parts{Made: "x", All: []store.Part{{Name: fmt.Sprint("all_1_", g.rows), Rows: g.rows}}}, nil
}

func (g *growing) Reaches(_ context.Context, _ sql.Table, _ sql.Ref, _ store.Type, names []string) (map[string]store.Reach, string, error) {
	reaches := map[string]store.Reach{}
	for _, name := range names {
		reaches[name] = store.Reach{First: 1, Last: 2}
	}
	return reaches, "x", nil
}

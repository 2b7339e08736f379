package main

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"framehouse/internal/store/storetest"
)

// timedNodes are divided by time and sorted in different ways. There is a row every other second
// of some days, enough that long ranges are read in pieces. All rows of a node have times of
// their own, so that one answer alone is right, and values are quarters, whose sums are exact.
//
// Rows of "plain" come in pairs, both of one insert and so of one part, as far as they have a d,
// and their ds cancel out: its sum is zero at any one moment.
const timedNodes = `
	CREATE TABLE divided (at DateTime64(3), id LowCardinality(String), v Float64, n UInt64) ENGINE = MergeTree PARTITION BY toYYYYMMDD(at) ORDER BY (id, at)
		SETTINGS enable_block_number_column = 1, enable_block_offset_column = 1;
	CREATE TABLE replaced (at DateTime64(6), id LowCardinality(String), v Float64, n UInt64) ENGINE = ReplacingMergeTree(n) PARTITION BY toYYYYMMDD(at) ORDER BY (id, at);
	CREATE TABLE plain (at DateTime64(3), id LowCardinality(String), v Float64, n UInt64, d Int64) ENGINE = MergeTree ORDER BY (at, id);
`

const timedCatalog = `
  divided: {time: at, dimensions: [id]}
  replaced: {time: at, dimensions: [id]}
  plain: {time: at, dimensions: [id]}
`

var timedTables = []string{"divided", "replaced", "plain"}

const timedDays = 5

// dayRows inserts the rows that a day begins with.
func dayRows(table string, day int) string {
	return fmt.Sprintf("INSERT INTO %s (at, id, v, n) SELECT toDateTime64('2024-01-%02d', 3, 'UTC') + number * 2, ['A', 'B', 'C'][number %% 3 + 1], cityHash64(number, %d) %% 1000 / 4, 0 FROM numbers(43200)", table, day, day)
}

// timedQuery is a read of a range that has ended, or of one that is long enough for pieces.
func timedQuery(r *rand.Rand, long bool) string {
	day := time.Date(2024, 1, 1+r.IntN(timedDays), 0, 0, 0, 0, time.UTC)
	from := day.Add(time.Duration(6*r.IntN(4)) * time.Hour)
	ended := func(length time.Duration) string {
		return "from=" + from.Format(time.RFC3339) + "&to=" + from.Add(length).Format(time.RFC3339)
	}
	what := []string{
		ended(20 * time.Minute),
		ended(12*time.Hour) + "&order=desc&limit=50",
		ended(12*time.Hour) + "&interval=1h&agg=v:sum,n:count",
		ended(6*time.Hour) + "&interval=1h&fill=previous&agg=v:last",
		ended(6*time.Hour) + "&points=30",
		ended(5*time.Minute) + "&shape=wide&select=v",
		"to=2024-01-03&interval=1d&agg=v:mean",
	}
	if long {
		what = []string{
			"interval=1h&agg=v:sum,n:max",
			"interval=3h&agg=v:mean,v:last&timezone=America/New_York&order=desc&limit=50",
			"interval=45m&agg=v:sum&from=2024-01-01T05:07:00Z&to=2024-01-05T20:11:00Z",
			"interval=6h&agg=v:count&from=" + day.AddDate(0, 0, -r.IntN(3)).Format(time.DateOnly),
			"interval=1h&agg=v:sum,n:max&to=2024-01-04",
			"interval=1h&agg=v:sum,n:max&to=2024-01-05T12:30:00Z&id=A",
		}
	}
	format := []string{"csv", "ndjson", "json"}[r.IntN(3)]
	return "/v1/nodes/" + timedTables[r.IntN(len(timedTables))] + "/rows?" + what[r.IntN(len(what))] + "&format=" + format
}

// balanced asks for the sum of what cancels out, in pieces.
func balanced(t *testing.T, app *App, r *rand.Rand) {
	t.Helper()
	interval := []string{"1h", "4h", "1d"}[r.IntN(3)]
	a := ask(t, http.MethodGet, app.URL()+"/v1/nodes/plain/rows?agg=d:sum&select=d&limit=10000&format=csv&interval="+interval, "")
	if sum, lines := lastColumn(t, a); a.status != http.StatusOK || sum != 0 || lines < 10 {
		t.Errorf("every %s the sum is %d: %s %s\n%s", interval, sum, a.where(), a.header.Get("Server-Timing"), a.body)
	}
}

// lastColumn is the sum of the last column of a CSV answer, and how many rows that has.
func lastColumn(t *testing.T, a answer) (sum, rows int) {
	t.Helper()
	for _, line := range strings.Split(strings.TrimSpace(string(a.body)), "\n")[1:] {
		n, err := strconv.Atoi(strings.TrimSpace(line[strings.LastIndexByte(line, ',')+1:]))
		if err != nil {
			t.Errorf("%q: %v", line, err)
		}
		sum, rows = sum+n, rows+1
	}
	return sum, rows
}

// timedWriter changes the tables of nodes, of which nobody tells us. It gives out statements one
// after the other, and how long to wait before each.
type timedWriter struct {
	random *rand.Rand
	number int64
	gone   func() string // has what was dropped back; nil when nothing was
}

// unseen is what parts may come and go in and leave no trace; see docs/caching.md.
const unseen = 2500 * time.Millisecond

func (w *timedWriter) next() (pause time.Duration, statement string) {
	if back := w.gone; back != nil {
		w.gone = nil
		return 0, back()
	}
	r, table := w.random, timedTables[w.random.IntN(len(timedTables))]
	w.number++
	n, day := w.number, 1+r.IntN(timedDays)
	date := fmt.Sprintf("2024-01-%02d", day)
	rows := func(begin string, count int) string {
		return fmt.Sprintf("INSERT INTO %s (at, id, v, n) SELECT toDateTime64('%s', 3, 'UTC') + toIntervalMillisecond(%d * 20 + number), 'L', number / 4, %d FROM numbers(%d)", table, begin, n, n, count)
	}
	in := func(condition string) string {
		return fmt.Sprintf("at >= '%s 06:00:00' AND at < '%s 12:00:00' AND %s", date, date, condition)
	}
	switch kind := r.IntN(16); {
	case kind < 5:
		return 0, rows("2024-01-06", 20)
	case kind < 7: // late
		return 0, rows(fmt.Sprintf("%s %02d:00:00", date, 6*r.IntN(4)), 20)
	case kind < 9: // a pair
		return 0, fmt.Sprintf("INSERT INTO plain SELECT toDateTime64('2024-01-01', 3, 'UTC') + number * %d + toIntervalMillisecond(%d), 'P', 0, %d, [1, -1][number + 1] * %d FROM numbers(2)",
			1+r.IntN(5*86400), n, n, n)
	case kind == 9:
		return 0, fmt.Sprintf("DELETE FROM plain WHERE id = 'P' AND n %% 7 = %d", r.IntN(7))
	case kind == 10:
		return 0, fmt.Sprintf("DELETE FROM %s WHERE %s", table, in(fmt.Sprintf("id = 'L' AND n %% 5 = %d", r.IntN(5))))
	case kind == 11:
		return 0, fmt.Sprintf("ALTER TABLE %s UPDATE v = v + 0.25 WHERE %s SETTINGS mutations_sync = 2", table, in("id != 'P'"))
	case kind == 12 && r.IntN(3) == 0:
		return 0, "UPDATE divided SET v = v + 0.25 WHERE " + in("id = 'A'") + " SETTINGS enable_lightweight_update = 1"
	case kind == 12: // rows that replace others
		return 0, fmt.Sprintf("INSERT INTO replaced SELECT at, id, v + 0.25, %d FROM replaced FINAL WHERE %s LIMIT 300", n, in("id = 'A'"))
	case kind == 13:
		return 0, "OPTIMIZE TABLE " + table + []string{"", " FINAL"}[r.IntN(2)]
	case kind == 14 && table != "plain":
		w.gone = func() string { return dayRows(table, day) }
		return unseen, fmt.Sprintf("ALTER TABLE %s DROP PARTITION %d", table, 20240100+day)
	case kind == 15 && table != "plain":
		w.gone = func() string { return fmt.Sprintf("ALTER TABLE %s ATTACH PARTITION %d", table, 20240100+day) }
		return unseen, fmt.Sprintf("ALTER TABLE %s DETACH PARTITION %d", table, 20240100+day)
	}
	return 0, "OPTIMIZE TABLE divided FINAL"
}

// soaked counts what was compared.
type soaked struct {
	compared, hits, pieced int
}

// compare holds an answer that may have been kept against the one that ClickHouse gives now.
func (s *soaked) compare(t *testing.T, url string) {
	t.Helper()
	var kept, made answer
	for range 3 {
		kept = ask(t, http.MethodGet, url, "")
		made = ask(t, http.MethodGet, url, "", "Cache-Control", "no-cache")
		if kept.header.Get("X-Cache") == "hit" {
			s.hits++
		}
		if n, _ := piecesOf(t, kept); n > 0 {
			s.pieced++
		}
		s.compared++
		if kept.status != http.StatusOK || made.status != http.StatusOK || !bytes.Equal(own.ReplaceAll(kept.body, nil), own.ReplaceAll(made.body, nil)) {
			t.Errorf("%s\nkept %s %s\n%.5000s\nmade %s\n%.5000s", url, kept.where(), kept.header.Get("Server-Timing"), kept.body, made.where(), made.body)
			return
		}
		if kept.header.Get("ETag") == made.header.Get("ETag") {
			return
		}
		// Parts have been merged in between.
	}
	t.Errorf("%s: %s, then %s, again and again", url, kept.where(), made.where())
}

// timedSoak creates and fills the tables of the nodes.
func timedSoak(t *testing.T, database string) {
	t.Helper()
	storetest.Exec(t, database, timedNodes)
	for _, table := range timedTables {
		for day := range timedDays {
			storetest.Exec(t, database, dayRows(table, day+1))
		}
	}
}

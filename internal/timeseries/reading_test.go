package timeseries

import (
	"testing"
	"time"

	"framehouse/internal/catalog"
	"framehouse/internal/store/sql"
	"framehouse/internal/store/storetest"
	"framehouse/internal/tables/filter"
)

// Requests that mean the same have one key, and those that do not have others.
func TestReadingKeys(t *testing.T) {
	t.Parallel()
	database := storetest.Database(t)
	storetest.Exec(t, database, `
		CREATE TABLE ticks (time DateTime, id String, price Float64, volume UInt64) ORDER BY (time, id);
		CREATE TABLE days (day Date, id String, price Float64, at DateTime) ORDER BY (day, id);
	`)
	s := service(t, database, "nodes: {ticks: {time: time, dimensions: [id], max_rows: 20000}, days: {time: day, dimensions: [id], changed: at}}")
	rows := func(change func(*Query)) func() (*catalog.Reading, error) {
		q := Query{Node: "ticks", Range: Range{From: "2024-01-01"}}
		if change != nil {
			change(&q)
		}
		return func() (*catalog.Reading, error) { return s.Rows(q) }
	}
	in := func(column string, values ...string) filter.Expr {
		return filter.Condition{Column: column, Operator: catalog.In, Values: values}.At("query." + column)
	}
	eq := func(column, value string) filter.Expr {
		return filter.Condition{Column: column, Operator: catalog.Equal, Values: []string{value}}.At("query." + column)
	}
	same := map[string][]func() (*catalog.Reading, error){
		"defaults": {
			rows(nil),
			rows(func(q *Query) { q.Limit = DefaultLimit }),
			rows(func(q *Query) { q.Shape = "long" }),
			rows(func(q *Query) { q.Range.Inclusive = "left" }),
			rows(func(q *Query) { q.Range.Timezone = "UTC" }),
			rows(func(q *Query) { q.Range = Range{From: "2024-01-01T00:00:00Z", FromName: "start"} }),
			rows(func(q *Query) { q.Range.From = "1704067200" }),
		},
		"one identifier": {
			rows(func(q *Query) { q.Identifiers = []string{"A"} }),
			rows(func(q *Query) { q.Where = in("id", "A") }),
			rows(func(q *Query) { q.Where = eq("id", "A") }),
		},
		"relative": {
			rows(func(q *Query) { q.Range = Range{Last: "1d"} }),
			rows(func(q *Query) { q.Range = Range{From: "-1d"} }),
			rows(func(q *Query) { q.Range = Range{From: "now-1d"} }),
		},
		"downsampled": {
			rows(func(q *Query) { q.Points = 100 }),
			rows(func(q *Query) { q.Points, q.Downsample = 100, auto }),
			rows(func(q *Query) { q.Points, q.Limit = 100, 20_000 }),
		},
		"buckets": {
			rows(func(q *Query) { q.Buckets = Buckets{Interval: "1h"} }),
			rows(func(q *Query) {
				q.Buckets = Buckets{Interval: "1h", Label: "left", Fill: "none", Agg: []string{"last"}}
			}),
		},
		"another node":  {rows(func(q *Query) { q.Node = "days" })},
		"newest first":  {rows(func(q *Query) { q.Descending = true })},
		"other values":  {rows(func(q *Query) { q.Identifiers = []string{"B"} })},
		"both values":   {rows(func(q *Query) { q.Identifiers = []string{"A", "B"} })},
		"bytes":         {rows(func(q *Query) { q.Where = eq("id", "\xff") })},
		"other bytes":   {rows(func(q *Query) { q.Where = eq("id", "\xfe") })},
		"other columns": {rows(func(q *Query) { q.Select = []string{"price"} })},
		"fewer":         {rows(func(q *Query) { q.Limit = 10 })},
		"a zone":        {rows(func(q *Query) { q.Range = Range{From: "1704067200", Timezone: "Europe/Berlin"} })},
		"inclusive":     {rows(func(q *Query) { q.Range.Inclusive = "both" })},
		"points":        {rows(func(q *Query) { q.Points = 101 })},
		"m4":            {rows(func(q *Query) { q.Points, q.Downsample = 100, m4 })},
		"fewer points":  {rows(func(q *Query) { q.Points, q.Limit = 100, 10_000 })},
		"wide":          {rows(func(q *Query) { q.Shape, q.Select = "wide", []string{"price"} })},
		"filled":        {rows(func(q *Query) { q.Buckets = Buckets{Interval: "1h", Fill: "null"} })},
		"coverage": {func() (*catalog.Reading, error) {
			return s.Coverage(Query{Node: "ticks", Range: Range{From: "2024-01-01"}})
		}},
		"latest": {
			func() (*catalog.Reading, error) { return s.Latest(Query{Node: "ticks"}) },
			func() (*catalog.Reading, error) { return s.Latest(Query{Node: "ticks", Limit: DefaultLimit}) },
		},
		"latest of a time": {func() (*catalog.Reading, error) {
			return s.Latest(Query{Node: "ticks", Latest: Latest{At: "2024-01-01"}})
		}},
		"latest, stale": {func() (*catalog.Reading, error) { return s.Latest(Query{Node: "ticks", Latest: Latest{MaxAge: "1d"}}) }},
		"latest, stale ones as nulls": {func() (*catalog.Reading, error) {
			return s.Latest(Query{Node: "ticks", Latest: Latest{MaxAge: "1d", Stale: "null"}})
		}},
		"as of": {func() (*catalog.Reading, error) {
			return s.AsOf(Query{Node: "ticks", Range: Range{From: "2024-01-01"}}, AsOf{With: []string{"days:price"}})
		}},
		"as of another": {func() (*catalog.Reading, error) {
			return s.AsOf(Query{Node: "ticks", Range: Range{From: "2024-01-01"}}, AsOf{With: []string{"days:day"}})
		}},
	}
	keys := map[catalog.Key]string{}
	for name, readings := range same {
		var first catalog.Key
		for i, reading := range readings {
			r, err := reading()
			if err != nil {
				t.Fatal(name, i, err)
			}
			if i == 0 {
				first = r.Key
			}
			if r.Key != first {
				t.Errorf("%s: spelling %d has another key", name, i)
			}
		}
		if before, twice := keys[first]; twice {
			t.Errorf("%s has the key of %s", name, before)
		}
		keys[first] = name
	}
}

// A reading knows what it reads and whether it means the same later.
func TestReading(t *testing.T) {
	t.Parallel()
	database := storetest.Database(t)
	storetest.Exec(t, database, `
		CREATE TABLE ticks (time DateTime, id String, price Float64) ORDER BY (time, id);
		CREATE TABLE days (day Date, price Float64) ORDER BY day;
	`)
	s := service(t, database, "nodes: {ticks: {time: time, dimensions: [id]}, days: {time: day}}")
	before, after := now.Add(-30*time.Minute).Format(time.RFC3339), now.Add(24*time.Hour).Truncate(time.Hour).Format(time.RFC3339)
	for name, test := range map[string]struct {
		query    Query
		relative bool
	}{
		"all there is":                  {Query{}, false},
		"a date":                        {Query{Range: Range{From: "2024-01-01", To: "2024-01-31"}}, false},
		"seconds":                       {Query{Range: Range{From: "1704067200"}}, false},
		"a span before now":             {Query{Range: Range{From: "-7d"}}, true},
		"now":                           {Query{Range: Range{From: "2024-01-01", To: "now"}}, true},
		"last":                          {Query{Range: Range{Last: "1h"}}, true},
		"a series":                      {Query{Series: []SeriesRange{{Series: map[string][]string{"id": {"A"}}, Range: Range{Last: "1h"}}}}, true},
		"buckets without an end":        {Query{Buckets: Buckets{Interval: "1h"}}, false},
		"buckets of the past":           {Query{Range: Range{To: before}, Buckets: Buckets{Interval: "1h"}}, false},
		"buckets that have to end yet":  {Query{Range: Range{To: after}, Buckets: Buckets{Interval: "1h"}}, true},
		"means that have to end yet":    {Query{Range: Range{To: after}, Points: 10, Downsample: mean}, true},
		"means of what is in the past":  {Query{Range: Range{To: before}, Points: 10, Downsample: mean}, false},
		"points up to a time to come":   {Query{Range: Range{To: after}, Points: 10, Downsample: m4}, false},
		"a text that is no other thing": {Query{Range: Range{To: " 2024-01-01"}}, false},
	} {
		test.query.Node = "ticks"
		r, err := s.Rows(test.query)
		if err != nil {
			t.Fatal(name, err)
		}
		if r.Relative != test.relative {
			t.Errorf("%s: relative is %v", name, r.Relative)
		}
	}
	for name, test := range map[string]struct {
		latest   Latest
		relative bool
	}{
		"the last":                  {Latest{}, false},
		"of a time":                 {Latest{At: "2024-01-01"}, false},
		"of a while ago":            {Latest{At: "-1d"}, true},
		"those that are not stale":  {Latest{MaxAge: "1d"}, true},
		"those that were not stale": {Latest{At: "2024-01-01", MaxAge: "1d"}, false},
	} {
		r, err := s.Latest(Query{Node: "ticks", Latest: test.latest})
		if err != nil {
			t.Fatal(name, err)
		}
		if r.Relative != test.relative {
			t.Errorf("%s: relative is %v", name, r.Relative)
		}
	}
	r, err := s.AsOf(Query{Node: "ticks", Range: Range{From: "2024-01-01", To: "2024-01-31"}}, AsOf{With: []string{"days:price"}})
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Tables) != 2 || r.Tables[0] == r.Tables[1] || r.Tables[0] != (sql.Table{Database: database, Name: "ticks"}) && r.Tables[1] != (sql.Table{Database: database, Name: "ticks"}) {
		t.Errorf("an as-of join reads %v", r.Tables)
	}
	if end := r.Range.To; end == nil || !end.Equal(time.Date(2024, 2, 1, 0, 0, 0, 0, time.UTC)) {
		t.Errorf("the range ends at %v", end)
	}
	// It may run twice.
	for range 2 {
		frame, err := r.Run(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		frame.Close()
	}
}

package timeseries

import (
	"testing"

	"framehouse/internal/catalog/catalogtest"
	"framehouse/internal/contracts"
	"framehouse/internal/store/storetest"
)

// TestSeriesRanges asks for each series in a range of its own.
func TestSeriesRanges(t *testing.T) {
	t.Parallel()
	database := storetest.Database(t)
	storetest.Exec(t, database, `
		CREATE TABLE days (day Date, id String, n UInt8) ENGINE = MergeTree ORDER BY (day, id);
		INSERT INTO days SELECT toDate('2024-03-01') + intDiv(number, 3), substring('ABC', 1 + number % 3, 1), number / 3 FROM numbers(60);
	`)
	s := service(t, database, "nodes: {days: {time: day, dimensions: [id]}}")
	of := func(id, from, to string) SeriesRange {
		return SeriesRange{map[string][]string{"id": {id}}, Range{From: from, To: to}}
	}
	for name, test := range map[string]struct {
		query     Query
		want      string
		inclusive string
	}{
		"each its own, and no other series": {
			Query{Series: []SeriesRange{of("A", "2024-03-10", "2024-03-11"), of("C", "2024-03-03", "2024-03-03")}},
			"day | id | n\n2024-03-03 | C | 2\n2024-03-10 | A | 9\n2024-03-11 | A | 10", "left",
		},
		"days of a zone": {
			Query{Range: Range{Timezone: "America/New_York"}, Series: []SeriesRange{of("A", "2024-03-10", "2024-03-11"), of("B", "2024-03-10", "2024-03-10")}},
			"day | id | n\n2024-03-10 | A | 9\n2024-03-10 | B | 9\n2024-03-11 | A | 10", "left",
		},
		"ends that do not belong": {
			Query{Range: Range{Inclusive: "neither"}, Series: []SeriesRange{of("A", "2024-03-10", "2024-03-12T00:00:00Z")}},
			"day | id | n\n2024-03-11 | A | 10", "neither",
		},
		"two ranges of one series": {
			Query{Series: []SeriesRange{of("A", "2024-03-10", "2024-03-10"), of("A", "2024-03-19", "")}},
			"day | id | n\n2024-03-10 | A | 9\n2024-03-19 | A | 18\n2024-03-20 | A | 19", "left",
		},
		"in buckets": {
			Query{Series: []SeriesRange{of("A", "2024-03-01", "2024-03-10"), of("B", "2024-03-05", "2024-03-05")}, Buckets: Buckets{Interval: "1mo", Agg: []string{"n:count"}}},
			"day | id | n\n2024-03-01 | A | 10\n2024-03-01 | B | 1", "left",
		},
	} {
		t.Run(name, func(t *testing.T) {
			test.query.Node = "days"
			frame, err := catalogtest.Run(t.Context())(s.Rows(test.query))
			if err != nil {
				t.Fatal(err)
			}
			inclusive := frame.Meta.Range.Inclusive
			document, err := written(frame)
			if err != nil {
				t.Fatal(err)
			}
			if got := document.String(); got != test.want || inclusive != test.inclusive {
				t.Errorf("got %s\n%s\nwant %s\n%s", inclusive, got, test.inclusive, test.want)
			}
		})
	}
	// A bucket that the range of one series cuts is said, though that of all does not cut it.
	for _, test := range []struct {
		of          SeriesRange
		first, last bool
	}{
		{of("B", "2024-03-04", "2024-03-17"), false, false},
		{of("B", "2024-03-05", "2024-03-17"), true, false},
		{of("B", "2024-03-04", "2024-03-16"), false, true},
		{of("B", "2024-03-05", "2024-03-05"), true, true},
	} {
		frame, err := catalogtest.Run(t.Context())(s.Rows(Query{Node: "days", Series: []SeriesRange{of("A", "2024-03-04", "2024-03-24"), test.of}, Buckets: Buckets{Interval: "1w"}}))
		if err != nil {
			t.Fatal(err)
		}
		if r := frame.Meta.Range; r.PartialFirstBucket != test.first || r.PartialLastBucket != test.last {
			t.Errorf("%+v: cut first %v, last %v", test.of, r.PartialFirstBucket, r.PartialLastBucket)
		}
		frame.Close()
	}
	_, err := catalogtest.Run(t.Context())(s.Rows(Query{Node: "days", Series: make([]SeriesRange, mostRanges+1)}))
	if contracts.AsError(err).Code != contracts.CodeInvalidRequest {
		t.Errorf("too many ranges: %v", err)
	}
}

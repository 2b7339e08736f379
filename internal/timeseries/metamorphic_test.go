package timeseries

import (
	"encoding/json"
	"math/rand/v2"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"framehouse/internal/catalog/catalogtest"
	"framehouse/internal/store/storetest"
)

// metamorphicNode is a node with observations enough around changes of clocks.
func metamorphicNode(t *testing.T) *Service {
	t.Helper()
	database := storetest.Database(t)
	storetest.Exec(t, database, `
		CREATE TABLE obs (time DateTime64(9), id LowCardinality(String), v Nullable(Decimal(12, 3)), n Int64) ORDER BY (time, id);
		INSERT INTO obs SELECT toDateTime64('2024-03-01', 9, 'UTC') + toIntervalNanosecond(cityHash64(number) % (400 * 86400 * 1000000000)), substring('abc', 1 + number % 3, 1),
			if(number % 7 = 0, NULL, toDecimal64((cityHash64(number, 1) % 1000000) / 1000, 3)), cityHash64(number, 2) % 1000 FROM numbers(8000);
	`)
	return service(t, database, "nodes: {obs: {time: time, dimensions: [id], max_rows: 1000000, columns: {n: {safe_integer: true}}}}")
}

func ask(t *testing.T, s *Service, text string) frameDocument {
	t.Helper()
	values, err := url.ParseQuery(text)
	if err != nil {
		t.Fatal(err)
	}
	q, err := queryOf(s, "obs", values)
	if err != nil {
		t.Fatal(err)
	}
	frame, err := catalogtest.Run(t.Context())(s.Rows(q))
	if err != nil {
		t.Fatal(text, err)
	}
	document, err := written(frame)
	if err != nil {
		t.Fatal(err)
	}
	return document
}

// TestAdjacentRanges puts the answers of ranges that follow each other together.
func TestAdjacentRanges(t *testing.T) {
	t.Parallel()
	s := metamorphicNode(t)
	random := rand.New(rand.NewPCG(1, 2))
	for _, zone := range []string{"UTC", "America/New_York", "Australia/Lord_Howe"} {
		for _, buckets := range []string{"", "&interval=6h&agg=v:sum,n:last", "&interval=1d&agg=v:max,n:count", "&interval=1w&agg=v:median,n:mean", "&interval=1mo&agg=v:first,n:sum"} {
			c := newCalendar(interval{days: 1}, nil, nil)
			if buckets != "" {
				length, err := parseInterval(strings.Split(buckets[len("&interval="):], "&")[0])
				if err != nil {
					t.Fatal(err)
				}
				c = newCalendar(length, nil, nil)
			}
			var err error
			if c.zone, err = loadZone("", zone); err != nil {
				t.Fatal(err)
			}
			ends := []time.Time{at("2024-02-01T00:00:00Z"), at("2025-05-01T00:00:00Z")}
			for range 5 {
				end := ends[0].Add(time.Duration(random.Int64N(int64(ends[1].Sub(ends[0])))))
				if buckets != "" {
					end = c.start(end) // a bucket that is cut is another
				}
				ends = append(ends, end)
			}
			ends[0], ends[1] = c.start(ends[0]), c.start(ends[1])
			slices.SortFunc(ends, time.Time.Compare)
			request := func(from, to time.Time) string {
				return "limit=1000000&timezone=" + zone + buckets + "&from=" + from.Format(time.RFC3339Nano) + "&to=" + to.Format(time.RFC3339Nano)
			}
			whole := strings.Split(ask(t, s, request(ends[0], ends[len(ends)-1])).String(), "\n")
			together := whole[:1]
			for i, to := range ends[1:] {
				together = append(together, strings.Split(ask(t, s, request(ends[i], to)).String(), "\n")[1:]...)
			}
			if len(whole) < 10 || !slices.Equal(whole, together) {
				t.Errorf("%s %s: %d lines, and %d in ranges between %v", zone, buckets, len(whole), len(together), ends)
			}
		}
	}
}

// TestBucketsOfBuckets makes buckets of two hours of buckets of one.
func TestBucketsOfBuckets(t *testing.T) {
	t.Parallel()
	s := metamorphicNode(t)
	type sums struct {
		sum, minimum, maximum, count, first, last float64
	}
	read := func(zone, interval string) (map[string]sums, []string) {
		d := ask(t, s, "limit=1000000&to=2025-01-01&timezone="+zone+"&interval="+interval+"&agg=n:sum,n:min,n:max,n:count,n:first,n:last")
		rows, order := map[string]sums{}, []string{}
		for _, row := range d.Rows {
			var at, id string
			var r sums
			for name, target := range map[string]any{"time": &at, "id": &id, "n_sum": &r.sum, "n_min": &r.minimum, "n_max": &r.maximum, "n_count": &r.count, "n_first": &r.first, "n_last": &r.last} {
				if err := json.Unmarshal(row[name], target); err != nil {
					t.Fatal(err)
				}
			}
			key := at + " " + id
			rows[key] = r
			order = append(order, key)
		}
		return rows, order
	}
	for _, name := range []string{"UTC", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu"} {
		z := zone(t, name)
		small, order := read(name, "1h")
		large, _ := read(name, "2h")
		length, err := parseInterval("2h")
		if err != nil {
			t.Fatal(err)
		}
		c := newCalendar(length, z, nil)
		merged := map[string]sums{}
		for _, key := range order {
			text, id, _ := strings.Cut(key, " ")
			r := small[key]
			into := c.start(at(text)).Format("2006-01-02T15:04:05.000000000Z") + " " + id
			m, ok := merged[into]
			if !ok {
				merged[into] = r
				continue
			}
			merged[into] = sums{m.sum + r.sum, min(m.minimum, r.minimum), max(m.maximum, r.maximum), m.count + r.count, m.first, r.last}
		}
		if len(merged) != len(large) || len(small) <= len(large) {
			t.Errorf("%s: %d buckets of two hours, %d of one, merged to %d", name, len(large), len(small), len(merged))
		}
		for key, r := range large {
			if merged[key] != r {
				t.Errorf("%s %s: %+v, merged %+v", name, key, r, merged[key])
			}
		}
	}
}

package timeseries

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"framehouse/internal/catalog/catalogtest"
	"framehouse/internal/store/storetest"
)

// sample is an observation of the differential test's.
type sample struct {
	time   time.Time
	id     string
	price  float64
	volume int64
	null   bool // whether it has no price
}

// slow reckons what a request for buckets means, in the most obvious way there is: it walks
// through all minutes of the range and asks the zone what its clocks show.
type slow struct {
	zone     *time.Location
	interval string
	from, to time.Time
	right    bool
	fill     string
}

// key is what names the bucket of an instant: what clocks show, rounded down. For days and
// more that is a date; for less there is also how often clocks have been set back so far.
func (s slow) key(t time.Time) string {
	l := t.In(s.zone)
	n, _ := strconv.Atoi(strings.TrimRight(s.interval, "mhdwoqy"))
	switch unit := strings.TrimLeft(s.interval, "0123456789"); unit {
	case "m", "h":
		minutes := l.Hour()*60 + l.Minute()
		if unit == "h" {
			n *= 60
		}
		return fmt.Sprint(l.Format(time.DateOnly), minutes/n)
	case "d":
		return l.Format(time.DateOnly)
	case "w":
		return l.AddDate(0, 0, -(int(l.Weekday())+6)%7).Format(time.DateOnly)
	case "mo":
		return fmt.Sprint(l.Year(), (int(l.Month())-1)/n)
	case "q":
		return fmt.Sprint(l.Year(), (int(l.Month())-1)/3)
	}
	return fmt.Sprint(l.Year())
}

// starts are where buckets begin, from well before the range to well after.
func (s slow) starts() []time.Time {
	margin := map[string]int{"m": 9, "h": 9, "d": 14, "w": 90}[strings.TrimLeft(s.interval, "0123456789")]
	margin = cmp.Or(margin, 400)
	var starts []time.Time
	n, _ := strconv.Atoi(strings.TrimRight(s.interval, "mhdwoqy"))
	short := strings.HasSuffix(s.interval, "h") || strings.HasSuffix(s.interval, "m")
	if strings.HasSuffix(s.interval, "h") {
		n *= 60
	}
	last := ""
	for t := s.from.AddDate(0, 0, -margin).Truncate(time.Hour); t.Before(s.to.AddDate(0, 0, margin)); t = t.Add(15 * time.Minute) {
		l := t.In(s.zone)
		whole := short && (l.Hour()*60+l.Minute())%n == 0
		if key := s.key(t); key != last || whole {
			starts, last = append(starts, t), key
		}
	}
	return starts
}

// rows are the answer, for the aggregates of price and volume that the test asks for.
func (s slow) rows(all []sample) []string {
	starts := s.starts()
	bucket := func(t time.Time) int {
		i, found := slices.BinarySearchFunc(starts, t, time.Time.Compare)
		if !found {
			i--
		}
		return i
	}
	type cell struct {
		bucket int
		id     string
	}
	first, last := bucket(s.from), bucket(s.to.Add(-1))
	cells := map[cell][]sample{}
	ids := map[string]bool{}
	for _, o := range all {
		inRange := !o.time.Before(s.from) && o.time.Before(s.to)
		before := s.fill == "previous" && o.time.Before(starts[first]) && bucket(o.time) >= first-lookbackBuckets
		if inRange || before {
			cells[cell{bucket(o.time), o.id}] = append(cells[cell{bucket(o.time), o.id}], o)
			ids[o.id] = true
		}
	}
	var lines []string
	for i := first; i <= last; i++ {
		for _, id := range slices.Sorted(func(yield func(string) bool) {
			for id := range ids {
				if !yield(id) {
					return
				}
			}
		}) {
			line := s.cell(cells[cell{i, id}])
			if line == nil && s.fill == "" {
				continue
			}
			if line == nil {
				line = []string{"null", "null", "null", "null", "null", "null"}
			}
			// Each value is filled by itself, from the bucket before that has one.
			for column := range line {
				for back := i - 1; s.fill == "previous" && line[column] == "null" && back >= first-lookbackBuckets; back-- {
					if earlier := s.cell(cells[cell{back, id}]); earlier != nil {
						line[column] = earlier[column]
					}
				}
				if s.fill == "0" && line[column] == "null" {
					line[column] = "0"
				}
			}
			label := starts[i]
			if s.right {
				label = starts[i+1]
			}
			lines = append(lines, strings.Join(append([]string{label.UTC().Format(time.RFC3339), id}, line...), " | "))
		}
	}
	return lines
}

// cell is first, last, min, max and count of price and the sum of volume; nil of nothing.
func (s slow) cell(in []sample) []string {
	if len(in) == 0 {
		return nil
	}
	sum, prices := int64(0), []sample{}
	for _, o := range in {
		sum += o.volume
		if !o.null {
			prices = append(prices, o)
		}
	}
	slices.SortFunc(prices, func(a, b sample) int { return cmp.Or(a.time.Compare(b.time), cmp.Compare(a.price, b.price)) })
	line := []string{"null", "null", "null", "null", strconv.Itoa(len(prices)), strconv.FormatInt(sum, 10)}
	if n := len(prices); n > 0 {
		low, high := prices[0].price, prices[0].price
		for _, o := range prices {
			low, high = min(low, o.price), max(high, o.price)
		}
		for i, v := range []float64{prices[0].price, prices[n-1].price, low, high} {
			line[i] = strconv.FormatFloat(v, 'f', -1, 64)
		}
	}
	return line
}

// TestDifferential asks at random and compares with the slow way.
func TestDifferential(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(5, 2024))
	database := storetest.Database(t)
	storetest.Exec(t, database, "CREATE TABLE obs (time DateTime64(3), id String, price Float64, volume Int64) ORDER BY (id, time)")
	var all []sample
	var values []string
	for _, around := range []string{"2024-03-10T07:00:00Z", "2024-11-03T06:00:00Z", "2024-03-31T01:00:00Z", "2024-04-06T15:00:00Z", "2024-10-05T15:30:00Z", "2024-12-31T23:00:00Z", "2024-02-29T12:00:00Z", "1969-12-31T23:30:00Z", "1985-12-31T18:30:00Z"} {
		for range 60 {
			spread := []time.Duration{3 * time.Hour, 48 * time.Hour, 40 * 24 * time.Hour}[random.IntN(3)]
			o := sample{
				time: at(around).Add(time.Duration(random.Int64N(int64(2*spread))) - spread).Truncate([]time.Duration{time.Millisecond, 10 * time.Minute}[random.IntN(2)]),
				id:   string(rune('A' + random.IntN(3))), price: float64(random.IntN(40)-20) / 4, volume: random.Int64N(1000) - 300, null: random.IntN(8) == 0,
			}
			for range 1 + random.IntN(4)/3 { // some stand at the same time
				all = append(all, o)
				price := fmt.Sprint(o.price)
				if o.null {
					price = "nan"
				}
				values = append(values, fmt.Sprintf("('%s', '%s', %s, %d)", o.time.UTC().Format("2006-01-02 15:04:05.000"), o.id, price, o.volume))
				o.price, o.volume = o.price+float64(random.IntN(5)-2), o.volume+1
			}
		}
	}
	storetest.Exec(t, database, "INSERT INTO obs VALUES "+strings.Join(values, ","))
	s := service(t, database, "nodes: {obs: {time: time, dimensions: [id], columns: {volume: {safe_integer: true}}}}")
	zones := []string{"UTC", "America/New_York", "Europe/London", "Australia/Lord_Howe", "Asia/Kathmandu"}
	intervals := []string{"15m", "30m", "1h", "2h", "3h", "6h", "12h", "1d", "1w", "1mo", "3mo", "1q", "1y"}
	for range 150 {
		z := zone(t, zones[random.IntN(len(zones))])
		around := all[random.IntN(len(all))].time
		interval := intervals[random.IntN(len(intervals))]
		span := time.Duration(1+random.IntN(40)) * time.Hour
		if i := slices.Index(intervals, interval); i >= 7 {
			span *= 40
		}
		o := slow{
			zone: z, interval: interval, right: random.IntN(4) == 0,
			from: around.Add(-span).Truncate(time.Minute), to: around.Add(span).Truncate(time.Second),
			fill: []string{"", "", "null", "previous", "0"}[random.IntN(5)],
		}
		if o.fill == "previous" && slices.Index(intervals, interval) > 9 {
			o.fill = "null" // looking back for years takes the slow way too long
		}
		request := url.Values{
			"from": {o.from.Format(time.RFC3339)}, "to": {o.to.Format(time.RFC3339)}, "timezone": {z.String()}, "interval": {interval},
			"agg": {"price:first,price:last,price:min,price:max,price:count,volume:sum"}, "limit": {"100000"},
		}
		if o.fill != "" {
			request["fill"] = []string{o.fill}
		}
		if o.right {
			request["label"] = []string{"right"}
		}
		text := request.Encode()
		q, err := queryOf(s, "obs", request)
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
		got := strings.Split(document.String(), "\n")[1:]
		if want := o.rows(all); !slices.Equal(got, want) {
			for i := range max(len(got), len(want)) {
				if i >= len(got) || i >= len(want) || got[i] != want[i] {
					t.Fatalf("%s\n%d rows, want %d; from row %d on\n got %q\nwant %q", text, len(got), len(want), i, got[i:min(i+3, len(got))], want[i:min(i+3, len(want))])
				}
			}
		}
	}
}

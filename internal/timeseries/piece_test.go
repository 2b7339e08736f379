package timeseries

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"framehouse/internal/catalog"
	"framehouse/internal/store"
)

// cutOf is what buckets of a node's time are cut by, between two times; zero when open.
func cutOf(t *testing.T, typ, text, zone string, origin *time.Time, from, to time.Time) *pieced {
	t.Helper()
	parsed, err := store.ParseType(typ)
	if err != nil {
		t.Fatal(err)
	}
	length, err := parseInterval(text)
	if err != nil {
		t.Fatal(err)
	}
	location, err := time.LoadLocation(zone)
	if err != nil {
		t.Fatal(err)
	}
	tick, earliest, latest := parsed.Reach()
	e := &extent{calendar: newCalendar(length, location, origin), tick: ticker(tick), from: from, to: to}
	return &pieced{extent: e, earliest: earliest, latest: latest}
}

// Pieces are few, follow each other, and begin where buckets do: whatever the column holds, the
// zone and the range, and also where nobody knows which times there are.
func TestCut(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(3, 1))
	types := []string{"Date", "Date32", "DateTime", "DateTime64(0)", "DateTime64(3)", "DateTime64(6)", "DateTime64(9)"}
	zones := []string{"UTC", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "Pacific/Apia", "Africa/Monrovia", "America/St_Johns"}
	intervals := []string{"1s", "7s", "90m", "1h", "5h", "1d", "3d", "1w", "1mo", "5mo", "1q", "1y", "1000y", "365000d"}
	for range 3000 {
		typ, zone, interval := types[random.IntN(len(types))], zones[random.IntN(len(zones))], intervals[random.IntN(len(intervals))]
		if typ[:4] == "Date" && typ[len(typ)-1] != ')' && typ != "DateTime" {
			zone, interval = "UTC", intervals[5+random.IntN(9)]
		}
		c := cutOf(t, typ, interval, zone, nil, time.Time{}, time.Time{})
		if random.IntN(3) == 0 {
			origin := time.Unix(random.Int64N(4e9)-1e9, 0).UTC().Truncate(time.Duration(c.tick))
			c = cutOf(t, typ, interval, zone, &origin, time.Time{}, time.Time{})
		}
		at := func() time.Time {
			return c.earliest.Add(time.Duration(random.Int64N(int64(min(c.latest.Sub(c.earliest), 1<<62))))).Truncate(time.Duration(c.tick))
		}
		one, other := at(), at()
		if random.IntN(2) == 0 {
			other = one.Add(time.Duration(random.Int64N(int64(1000 * time.Hour)))).Truncate(time.Duration(c.tick))
		}
		one, other = earlier(one, other), later(one, other)
		if random.IntN(2) == 0 {
			c.from = one
		}
		if random.IntN(2) == 0 {
			c.to = other
		}
		first, last := int64(catalog.FirstTick), int64(catalog.LastTick)
		if random.IntN(2) == 0 {
			first = c.tick.count(at())
		}
		if random.IntN(2) == 0 {
			last = c.tick.count(at())
		}
		name := fmt.Sprintf("%s by %s in %s, from %s to %s, of %d to %d", typ, interval, zone, c.from, c.to, first, last)
		pieces, begins := c.cut(first, last)
		if len(pieces) == 0 {
			continue
		}
		if len(pieces) > mostPieces+4 || len(begins) != len(pieces)-1 {
			t.Fatalf("%s: %d pieces, of which %d begin", name, len(pieces), len(begins))
		}
		for i, at := range begins {
			if begin := c.tick.time(at); !c.start(begin).Equal(begin) {
				t.Errorf("%s: a piece begins at %s, and a bucket at %s", name, begin, c.start(begin))
			}
			if pieces[i].last != at-1 || pieces[i+1].first != at || i > 0 && at <= begins[i-1] {
				t.Errorf("%s: piece %d is %+v, and the next %+v", name, i, pieces[i], pieces[i+1])
			}
		}
		if first := pieces[0].first; c.from.IsZero() && first != catalog.FirstTick || !c.from.IsZero() && first > c.tick.count(c.from) {
			t.Errorf("%s: the first begins at %d", name, first)
		}
		if last := pieces[len(begins)].last; c.to.IsZero() && last != catalog.LastTick || !c.to.IsZero() && last < c.tick.count(c.to)-1 {
			t.Errorf("%s: the last ends at %d", name, last)
		}
	}
}

package timeseries

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"framehouse/internal/catalog"
)

// cutting is a range that is cut into pieces, and what there are rows of.
type cutting struct {
	*pieced
	first, last int64
}

func (c cutting) String() string {
	shown := func(t time.Time) string {
		if t.IsZero() {
			return "open"
		}
		return t.Format(time.RFC3339Nano)
	}
	return fmt.Sprintf("%s in %s, origin %s, ticks of %s, from %s to %s, rows from %d to %d", c.text, c.zone, shown(c.origin), time.Duration(c.tick), shown(c.from), shown(c.to), c.first, c.last)
}

// bounds are the first and the last tick of the range that there are rows of.
func (c cutting) bounds() (first, last int64) {
	first, last = c.first, c.last
	if !c.from.IsZero() {
		first = max(first, c.tick.count(c.from))
	}
	if !c.to.IsZero() {
		last = min(last, c.tick.count(c.to)-1)
	}
	return first, last
}

// own are the boundaries that there are for the sake of the range's ends alone.
func (c cutting) own() []int64 {
	var own []int64
	if !c.from.IsZero() {
		own = append(own, c.tick.count(c.next(c.start(c.from))))
	}
	if !c.to.IsZero() {
		own = append(own, c.tick.count(c.start(c.to)))
	}
	return own
}

// randomCalendar is one, and the tick of the times that it is of.
func randomCalendar(t *testing.T, r *rand.Rand) (calendar, ticker) {
	t.Helper()
	pick := func(of ...string) string { return of[r.IntN(len(of))] }
	tick := ticker([]time.Duration{time.Nanosecond, time.Microsecond, time.Millisecond, time.Second, 24 * time.Hour}[r.IntN(5)])
	texts := []string{"1d", "3d", "1w", "2w", "1mo", "5mo", "1q", "1y", "10y"}
	if time.Duration(tick) <= time.Second {
		texts = append(texts, "1s", "7s", "5m", "7m", "30m", "90m", "1h", "2h", "5h", "11h")
	}
	if time.Duration(tick) <= time.Millisecond {
		texts = append(texts, "1ms", "250ms")
	}
	if time.Duration(tick) >= time.Millisecond {
		texts = append(texts, "1000y", "365000d") // longer than there are nanoseconds
	}
	length, err := parseInterval(pick(texts...))
	if err != nil {
		t.Fatal(err)
	}
	name := pick("UTC", "America/New_York", "Europe/London", "Australia/Lord_Howe", "Asia/Kathmandu", "Pacific/Apia", "Africa/Monrovia", "America/Sao_Paulo", "Antarctica/Troll")
	if time.Duration(tick) == 24*time.Hour {
		name = "UTC"
	}
	var origin *time.Time
	if r.IntN(3) == 0 {
		at := randomTime(r, 1960, 2060).Truncate(max(time.Duration(tick), time.Millisecond))
		origin = &at
	}
	return newCalendar(length, zone(t, name), origin), tick
}

// randomTime is one between two years.
func randomTime(r *rand.Rand, from, to int) time.Time {
	begin, end := time.Date(from, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(to, 1, 1, 0, 0, 0, 0, time.UTC)
	return time.Unix(begin.Unix()+r.Int64N(end.Unix()-begin.Unix()), r.Int64N(1e9)).UTC()
}

// randomCut is a range of a calendar, of up to some hundred thousand buckets, and rows that lie
// before, in, or after it.
func randomCut(r *rand.Rand, c calendar, tick ticker, middle time.Time) cutting {
	nominal := c.nominal()
	if c.months > 0 {
		nominal = time.Duration(c.months) * month * time.Millisecond
	}
	near := func() time.Time {
		most := min(float64(nominal)*float64(uint64(1)<<r.IntN(18)), float64(60*365*24*time.Hour))
		at := middle.Add(time.Duration((2*r.Float64() - 1) * most))
		if r.IntN(4) == 0 {
			at = c.start(at)
		}
		return at.Truncate(time.Duration(tick))
	}
	ends := []time.Time{near(), near()}
	slices.SortFunc(ends, time.Time.Compare)
	e := &extent{calendar: c, tick: tick, from: ends[0], to: ends[1]}
	open := r.IntN(4)
	if open == 1 || open == 3 {
		e.from = time.Time{}
	}
	if open == 2 || open == 3 {
		e.to = time.Time{}
	}
	earliest, latest := earliestLabel, time.Date(2299, 12, 31, 23, 59, 59, 0, time.UTC)
	if time.Duration(tick) == time.Second {
		earliest, latest = time.Unix(0, 0).UTC(), time.Unix(math.MaxUint32, 0).UTC()
	}
	rows := []int64{tick.count(later(near(), earliest)), tick.count(later(near(), earliest))}
	slices.Sort(rows)
	return cutting{&pieced{
		extent: e, earliest: earliest, latest: latest,
		tooEarly: !e.from.IsZero() && !e.from.Before(earliest), tooLate: !e.to.IsZero() && !e.to.After(latest),
	}, rows[0], rows[1]}
}

// Pieces are in order, disjoint and all of the range, and each holds whole buckets, but for
// those that are told to be a part of one.
func TestCut(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(4, 5))
	var none, single, many, partial int
	for range 4000 {
		calendar, tick := randomCalendar(t, r)
		c := randomCut(r, calendar, tick, randomTime(r, 1960, 2060))
		pieces, begins := c.cut(c.first, c.last)
		first, last := c.bounds()
		if len(pieces) == 0 {
			if none++; first <= last || len(begins) > 0 {
				t.Fatalf("%s: no pieces, and %v", c, begins)
			}
			continue
		}
		n := len(pieces)
		if first > last || len(begins) != n-1 || n > mostPieces+4 {
			t.Fatalf("%s: %d pieces, %d beginnings", c, n, len(begins))
		}
		if len(begins) == 0 {
			single++
		}
		begin, end := tick.time(first), tick.time(last)
		if step := c.step(begin, end); step > c.step(begin, begin) {
			if many++; n < mostPieces/2-2 {
				t.Fatalf("%s: %d pieces of %d ms", c, n, step)
			}
		}
		if from, to := pieces[0].first, pieces[n-1].last; from != catalog.FirstTick && (c.from.IsZero() || from != tick.count(c.from)) ||
			from == catalog.FirstTick && !c.from.IsZero() && !c.from.Before(c.earliest) ||
			to != catalog.LastTick && (c.to.IsZero() || to != tick.count(c.to)-1) || to == catalog.LastTick && !c.to.IsZero() && !c.to.After(c.latest) {
			t.Fatalf("%s: pieces from %d to %d", c, from, to)
		}
		for i, at := range begins {
			begin := tick.time(at)
			if at <= first || at > last || pieces[i].last != at-1 || pieces[i+1].first != at || pieces[i].first > pieces[i].last {
				t.Fatalf("%s: piece %d from %d to %d, and the next begins at %d", c, i, pieces[i].first, pieces[i].last, at)
			}
			if !c.start(begin).Equal(begin) {
				t.Fatalf("%s: piece %d begins at %s, in the bucket of %s", c, i+1, begin, c.start(begin))
			}
		}
		for i, p := range pieces {
			// All rows of the buckets that the piece has rows of, whether in the range or not.
			from, to := max(p.first, c.first), min(p.last, c.last)
			from = max(c.first, tick.count(c.start(tick.time(from))))
			to = min(c.last, tick.count(c.next(c.start(tick.time(to))))-1)
			if outside := from < p.first || to > p.last; outside != p.partial || p.partial && i > 0 && i < n-1 {
				t.Fatalf("%s: piece %d of %d, from %d to %d, is partial: %t; its buckets have rows from %d to %d", c, i, n, p.first, p.last, p.partial, from, to)
			}
			if p.partial {
				// A part of one bucket at most at each end.
				partial++
				if a, b := c.start(tick.time(max(p.first, c.first))), c.start(tick.time(min(p.last, c.last))); !a.Equal(b) {
					t.Fatalf("%s: the partial piece %d from %d to %d has the buckets of %s and %s", c, i, p.first, p.last, a, b)
				}
			}
		}
	}
	if t.Logf("%d without rows, %d of one piece, %d of pieces of several buckets, %d partial pieces", none, single, many, partial); none < 100 || single < 100 || many < 100 || partial < 100 {
		t.Error("that is too few")
	}
}

// Where pieces begin that are not those of the ends of a range depends on how long it is, and
// on nothing else of it.
func TestCutsAgree(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(6, 7))
	held := 0
	for range 4000 {
		calendar, tick := randomCalendar(t, r)
		middle := randomTime(r, 1960, 2060)
		a, b := randomCut(r, calendar, tick, middle), randomCut(r, calendar, tick, middle)
		_, ofA := a.cut(a.first, a.last)
		_, ofB := b.cut(b.first, b.last)
		if len(ofA) == 0 || len(ofB) == 0 {
			continue
		}
		step := func(c cutting) int64 {
			first, last := c.bounds()
			return c.step(tick.time(first), tick.time(last))
		}
		if step(a) != step(b) {
			continue
		}
		firstA, lastA := a.bounds()
		firstB, lastB := b.bounds()
		// In the last bucket of a range one may not begin yet.
		from, to := max(firstA, firstB), tick.count(tick.time(min(lastA, lastB)).Add(-2*time.Duration(step(a))*time.Millisecond))
		own := append(a.own(), b.own()...)
		within := func(begins []int64) []int64 {
			return slices.DeleteFunc(slices.Clone(begins), func(at int64) bool { return at <= from || at > to || slices.Contains(own, at) })
		}
		if wantA, wantB := within(ofA), within(ofB); !slices.Equal(wantA, wantB) {
			t.Fatalf("%s\n%v\n%s\n%v", a, wantA, b, wantB)
		} else if len(wantA) > 1 {
			held++
		}
	}
	if held < 200 {
		t.Errorf("%d pairs of ranges have pieces in common", held)
	}
}

// Times that no column is said to hold are cut as well, or not at all, and soon.
func TestCutOfAnyTime(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(8, 9))
	for range 1000 {
		calendar, tick := randomCalendar(t, r)
		c := randomCut(r, calendar, tick, randomTime(r, 1960, 2060))
		pieces, begins := c.cut(catalog.FirstTick, catalog.LastTick)
		if len(pieces) == 0 && len(begins) == 0 {
			continue
		}
		if len(begins) != len(pieces)-1 || len(pieces) > mostPieces+4 || !slices.IsSorted(begins) {
			t.Fatalf("%s: %d pieces, which begin at %v", c, len(pieces), begins)
		}
		for _, at := range begins {
			// The last second of all that 64 bits hold in nanoseconds is not divided.
			if begin := tick.time(at); at != catalog.LastTick && !c.start(begin).Equal(begin) {
				t.Fatalf("%s: a piece begins at %s, in the bucket of %s", c, begin, c.start(begin))
			}
		}
	}
}

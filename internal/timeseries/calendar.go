package timeseries

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
	"time"
)

// interval is the length of a bucket: a fixed length, or a number of days or of months.
type interval struct {
	text   string
	length time.Duration // less than a day, and not of days
	days   int
	weeks  bool
	months int
}

var intervalText = regexp.MustCompile(`^([1-9][0-9]{0,8})(ms|s|m|h|d|w|mo|q|y)$`)

// longestInterval is in years. Nobody asks for more, and all that can be stored lies
// within four centuries.
const longestInterval = 1000

func parseInterval(text string) (interval, error) {
	m := intervalText.FindStringSubmatch(text)
	if m == nil {
		return interval{}, fmt.Errorf("%q is no interval", text)
	}
	n, _ := strconv.Atoi(m[1])
	i := interval{text: text}
	tooLong := false
	switch m[2] {
	case "d":
		i.days, tooLong = n, n > 365*longestInterval
	case "w":
		i.days, i.weeks, tooLong = 7*n, true, n > 52*longestInterval
	case "mo":
		i.months, tooLong = n, n > 12*longestInterval
	case "q":
		i.months, tooLong = 3*n, n > 4*longestInterval
	case "y":
		i.months, tooLong = 12*n, n > longestInterval
	default:
		unit := map[string]time.Duration{"ms": time.Millisecond, "s": time.Second, "m": time.Minute, "h": time.Hour}[m[2]]
		i.length, tooLong = time.Duration(n)*unit, n > int(24*time.Hour*365/unit)
	}
	if tooLong {
		return interval{}, fmt.Errorf("%q is too long", text)
	}
	return i, nil
}

// longestNominal is how many days there are in the nanoseconds that 64 bits hold, 292 years.
const longestNominal = int(math.MaxInt64 / int64(24*time.Hour))

// nominal is the length of most buckets; zero for months, which have none, and for buckets of
// which there are few.
func (i interval) nominal() time.Duration {
	if i.days > longestNominal {
		return 0
	}
	return i.length + time.Duration(i.days)*24*time.Hour
}

// calendar divides all time into buckets. Each begins at an instant and ends where the next
// begins.
//
// Days, weeks, months, quarters and years are those of the zone: a day is as long as clocks
// make it, 23 hours or 25, and begins with the first instant of its date. Several together
// are counted from 1 January 1970 (days), from Monday 5 January 1970 (weeks), and from the
// year 0 (months, quarters, years: a 10y is a decade).
//
// Shorter buckets follow the zone's clocks too: one runs as long as the time that is shown,
// rounded down, is the same, counted from midnight of 1 January 1970; and wherever the time
// shown is a whole multiple, a new one begins. So an hour that is shown twice is two buckets
// of an hour; and where clocks are changed by less than the interval, or by a part of it,
// one bucket is longer or shorter than the others and all after it are aligned again.
//
// An origin takes the place of these beginnings: a bucket begins there, and before and
// after it at multiples of the interval by the zone's calendar and clocks.
type calendar struct {
	interval
	zone   *time.Location
	origin time.Time // what clocks show there, as if it were UTC
}

func newCalendar(i interval, zone *time.Location, origin *time.Time) calendar {
	c := calendar{i, zone, time.Date(1970, 1, 1, 0, 0, 0, 0, time.UTC)}
	switch {
	case origin != nil:
		c.origin = wall(*origin, zone)
	case i.weeks:
		c.origin = time.Date(1970, 1, 5, 0, 0, 0, 0, time.UTC)
	case i.months > 0:
		c.origin = time.Date(0, 1, 1, 0, 0, 0, 0, time.UTC)
	}
	return c
}

// start is the beginning of the bucket that holds an instant.
func (c calendar) start(t time.Time) time.Time {
	if c.length == 0 {
		return c.begin(c.number(t))
	}
	begin := c.aligned(t)
	change, _ := zoneBounds(t, c.zone)
	if change.IsZero() || !begin.Before(change) {
		return begin
	}
	// Clocks have changed since. Unless they show another multiple, the bucket goes on.
	if before := change.Add(-1); c.multiple(change) == c.multiple(before) {
		return c.start(before)
	}
	return change.UTC()
}

// next is the beginning of the bucket after the one that begins at b.
func (c calendar) next(b time.Time) time.Time {
	if c.length == 0 {
		for n := c.number(b) + 1; ; n++ {
			// A date that a zone skipped has no bucket.
			if next := c.begin(n); next.After(b) {
				return next
			}
		}
	}
	for {
		next := c.aligned(b).Add(c.length)
		_, change := zoneBounds(b, c.zone)
		if change.IsZero() || next.Before(change) {
			return next
		}
		if c.start(change).Equal(change) {
			return change.UTC()
		}
		b = change
	}
}

// elapsed is what clocks show at t, in milliseconds since what they show at the origin.
func (c calendar) elapsed(t time.Time) int64 {
	return wall(t, c.zone).UnixMilli() - c.origin.UnixMilli()
}

// multiple is the number of whole lengths in what has elapsed.
func (c calendar) multiple(t time.Time) int64 {
	n := c.elapsed(t)
	return (n - mod(n, c.length.Milliseconds())) / c.length.Milliseconds()
}

// aligned is the last instant before or at t at which clocks would show a multiple, if they
// had always been set as they are at t.
func (c calendar) aligned(t time.Time) time.Time {
	return time.UnixMilli(t.UnixMilli() - mod(c.elapsed(t), c.length.Milliseconds())).UTC()
}

// mod is the remainder of a division that rounds down.
func mod(n, by int64) int64 { return ((n % by) + by) % by }

// begin is the beginning of the bucket of a number, by the calendar.
func (c calendar) begin(n int) time.Time {
	if c.months > 0 {
		return fromWall(addMonths(c.origin, n*c.months), c.zone)
	}
	return fromWall(c.origin.AddDate(0, 0, n*c.days), c.zone)
}

// number is that of the last bucket that begins before or at t.
func (c calendar) number(t time.Time) int {
	shown := wall(t, c.zone)
	var n int
	if c.months > 0 {
		n = (12*(shown.Year()-c.origin.Year()) + int(shown.Month()) - int(c.origin.Month())) / c.months
	} else {
		n = int(shown.Unix()-c.origin.Unix()) / (86400 * c.days)
	}
	for n++; c.begin(n).After(t); {
		n--
	}
	return n
}

package timeseries

import (
	"fmt"
	"math/big"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// instant is a point in time as a request spells it. A bare date stands for a whole day.
type instant struct {
	time  time.Time
	isDay bool
	day   time.Time // midnight of the date, as if it were UTC: a zone may have skipped the whole day
}

// spellings is what the message for an unreadable instant says would do.
const spellings = "Write an instant such as 2026-03-31T09:30:00Z, a date such as 2026-03-31, seconds or milliseconds since 1970, or a time relative to now such as -7d or now-1h."

// layouts are the ISO 8601 spellings of an instant that are read, and clockLayouts those of
// what a clock shows, which is an instant only with a time zone.
var (
	layouts      = []string{time.RFC3339Nano, "2006-01-02T15:04Z07:00"}
	clockLayouts = []string{"2006-01-02T15:04:05.999999999", "2006-01-02T15:04"}
)

// dateText is what ISO 8601 reads as a year or as a date, and we as neither nor.
var dateText = regexp.MustCompile(`^([0-9]{4}|[12][0-9]{3}(0[1-9]|1[0-2])([0-2][0-9]|3[01]))$`)

var epochText = regexp.MustCompile(`^-?[0-9]+(\.[0-9]+)?$`)

// In a query string a plus sign means a space, so the sign of an offset often arrives
// as one.
var lostPlus = regexp.MustCompile(` ([0-9]{2}:[0-9]{2}|[0-9]+[a-z]+)$`)

// parseInstant reads an instant. Dates and clock times, and spans of days and more, are
// those of the zone.
func parseInstant(text string, now time.Time, zone *time.Location) (instant, error) {
	text = lostPlus.ReplaceAllString(strings.TrimSpace(text), "+$1")
	if t, ok, err := parseAbsolute(text, zone); ok {
		return t, err
	}
	offset := strings.TrimPrefix(text, "now")
	if offset == "" && text != "" {
		return instant{time: now}, nil
	}
	if t, err := shift(now, offset, zone); err == nil {
		return instant{time: t}, nil
	}
	return instant{}, fmt.Errorf("%q is no time", text)
}

// relative tells whether a text, if it is an instant at all, is one that depends on now.
func relative(text string) bool {
	_, absolute, _ := parseAbsolute(strings.TrimSpace(text), time.UTC)
	return text != "" && !absolute
}

// parseAbsolute reads an instant that does not depend on now; ok tells whether the text looks
// like one.
func parseAbsolute(text string, zone *time.Location) (_ instant, ok bool, _ error) {
	if day, err := time.Parse(time.DateOnly, text); err == nil {
		return instant{fromWall(day, zone), true, day}, true, nil
	}
	for _, layout := range clockLayouts {
		if t, err := time.Parse(layout, text); err == nil {
			return instant{time: fromWall(t, zone)}, true, nil
		}
	}
	for _, layout := range layouts {
		if t, err := time.Parse(layout, text); err == nil {
			return instant{time: t.UTC()}, true, nil
		}
	}
	if epochText.MatchString(text) {
		t, err := parseEpoch(text)
		return instant{time: t}, true, err
	}
	return instant{}, false, nil
}

// Numbers below this are seconds (until the year 5138), others milliseconds (from 1973).
var firstMillisecond = big.NewRat(100_000_000_000, 1)

// Beyond this a number is no plausible count of milliseconds, but perhaps one of
// microseconds; reading it as anything would be a guess.
var lastMillisecond = big.NewRat(100_000_000_000_000, 1)

// parseEpoch reads seconds or milliseconds since 1970. It reckons in fractions, since a
// double can't hold a present time to the nanosecond.
func parseEpoch(text string) (time.Time, error) {
	if dateText.MatchString(text) {
		return time.Time{}, fmt.Errorf("%s may be a year or a date without its hyphens, or a number of seconds; write 2008-09-01, or %s.0 for seconds", text, text)
	}
	n, ok := new(big.Rat).SetString(text)
	if !ok || len(text) > 40 {
		return time.Time{}, fmt.Errorf("%q is no time", text)
	}
	magnitude := new(big.Rat).Abs(n)
	switch {
	case magnitude.Cmp(lastMillisecond) >= 0:
		return time.Time{}, fmt.Errorf("%s is too large for milliseconds since 1970", text)
	case magnitude.Cmp(firstMillisecond) < 0:
		n.Mul(n, big.NewRat(1000, 1))
	}
	n.Mul(n, big.NewRat(1_000_000, 1))
	// Round down to whole nanoseconds.
	ns := new(big.Int).Div(n.Num(), n.Denom())
	seconds, rest := new(big.Int).DivMod(ns, big.NewInt(1_000_000_000), new(big.Int))
	return time.Unix(seconds.Int64(), rest.Int64()).UTC(), nil
}

var spanText = regexp.MustCompile(`([0-9]+)(ms|s|mo|m|h|d|w|q|y)`)

// mostShifted bounds a relative time, beyond which no calendar goes.
const mostShifted = 10_000

// shift moves an instant by a signed span such as -1d12h. Days and all that is longer go by
// the calendar and the clocks of the zone: -1d is the same time of day, though the day may
// have 23 hours. Months, quarters and years end with a month that is shorter.
func shift(t time.Time, span string, zone *time.Location) (time.Time, error) {
	if len(span) < 3 || span[0] != '-' && span[0] != '+' {
		return t, fmt.Errorf("%q is no span of time", span)
	}
	sign := 1
	if span[0] == '-' {
		sign = -1
	}
	rest := span[1:]
	for rest != "" {
		m := spanText.FindStringSubmatch(rest)
		if m == nil || !strings.HasPrefix(rest, m[0]) {
			return t, fmt.Errorf("%q is no span of time", span)
		}
		rest = rest[len(m[0]):]
		n, err := strconv.Atoi(m[1])
		months := map[string]int{"mo": 1, "q": 3, "y": 12}[m[2]]
		days := map[string]int{"d": 1, "w": 7}[m[2]]
		unit := map[string]time.Duration{"ms": time.Millisecond, "s": time.Second, "m": time.Minute, "h": time.Hour}[m[2]]
		if err != nil || months > 0 && n > 12*mostShifted/months || days > 0 && n > 366*mostShifted/days || unit > 0 && n > int((1<<63-1)/unit) {
			return t, fmt.Errorf("%q is too long a span of time", span)
		}
		switch {
		case months > 0:
			t = fromWall(addMonths(wall(t, zone), sign*n*months), zone)
		case days > 0:
			t = fromWall(wall(t, zone).AddDate(0, 0, sign*n*days), zone)
		default:
			t = t.Add(time.Duration(sign*n) * unit)
		}
	}
	return t, nil
}

// addMonths keeps the day of the month, or takes the last one of a shorter month, where
// time.AddDate would run over into the next.
func addMonths(t time.Time, months int) time.Time {
	first := time.Date(t.Year(), t.Month()+time.Month(months), 1, t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), t.Location())
	last := first.AddDate(0, 1, -1).Day()
	return first.AddDate(0, 0, min(t.Day(), last)-1)
}

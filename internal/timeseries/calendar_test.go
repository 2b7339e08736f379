package timeseries

import (
	"testing"
	"time"
)

func zone(t testing.TB, name string) *time.Location {
	t.Helper()
	z, err := loadZone("query.timezone", name)
	if err != nil {
		t.Fatal(err)
	}
	return z
}

func at(text string) time.Time {
	t, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		panic(err)
	}
	return t
}

// TestCalendar follows buckets over the days on which clocks are changed.
func TestCalendar(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, zone, interval, origin, from string
		want                               []string // where buckets begin, as the zone's clocks show it
	}{
		{"an hour that is skipped", "America/New_York", "1h", "", "2024-03-10T05:30:00Z", []string{"00:00-05", "01:00-05", "03:00-04", "04:00-04"}},
		{"an hour that is shown twice is two", "America/New_York", "1h", "", "2024-11-03T04:30:00Z", []string{"00:00-04", "01:00-04", "01:00-05", "02:00-05", "03:00-05"}},
		{"two hours, of which one is skipped", "America/New_York", "2h", "", "2024-03-10T05:30:00Z", []string{"00:00-05", "03:00-04", "04:00-04", "06:00-04"}},
		{"two hours, of which one is shown twice", "America/New_York", "2h", "", "2024-11-03T04:30:00Z", []string{"00:00-04", "02:00-05", "04:00-05"}},
		{"six hours", "America/New_York", "6h", "", "2024-03-10T03:30:00Z", []string{"18:00-05", "00:00-05", "06:00-04", "12:00-04"}},
		{"half hours in London", "Europe/London", "30m", "", "2024-10-27T00:00:00Z", []string{"01:00+01", "01:30+01", "01:00+00", "01:30+00", "02:00+00"}},
		{"half an hour that is shown twice", "Australia/Lord_Howe", "30m", "", "2024-04-06T14:00:00Z", []string{"01:00+11", "01:30+11", "01:30+1030", "02:00+1030"}},
		{"an hour that is longer by half of one", "Australia/Lord_Howe", "1h", "", "2024-04-06T14:00:00Z", []string{"01:00+11", "02:00+1030", "03:00+1030"}},
		{"an hour that is shorter by half of one", "Australia/Lord_Howe", "1h", "", "2024-10-05T14:30:00Z", []string{"01:00+1030", "02:30+11", "03:00+11"}},
		{"an offset of three quarters", "Asia/Kathmandu", "1h", "", "2024-01-01T00:00:00Z", []string{"05:00+0545", "06:00+0545"}},
		{"days of 23 and 24 hours", "Europe/London", "1d", "", "2024-03-30T12:00:00Z", []string{"00:00+00", "00:00+00", "00:00+01", "00:00+01"}},
		{"a day that begins at one", "America/Sao_Paulo", "1d", "", "2018-11-03T12:00:00Z", []string{"00:00-03", "01:00-02", "00:00-02"}},
		{"a date that a zone skipped", "Pacific/Apia", "1d", "", "2011-12-29T12:00:00Z", []string{"00:00-10", "00:00+14", "00:00+14"}},
		{"an origin", "UTC", "1d", "2024-01-01T09:30:00Z", "2024-02-28T10:00:00Z", []string{"09:30+00", "09:30+00", "09:30+00"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			length, err := parseInterval(test.interval)
			if err != nil {
				t.Fatal(err)
			}
			var origin *time.Time
			if test.origin != "" {
				o := at(test.origin)
				origin = &o
			}
			c := newCalendar(length, zone(t, test.zone), origin)
			b := c.start(at(test.from))
			for i, want := range test.want {
				got := b.In(c.zone).Format("15:04-07")
				if len(want) > len(got) {
					got = b.In(c.zone).Format("15:04-0700")
				}
				if got != want {
					t.Errorf("bucket %d begins at %s, not %s", i, got, want)
				}
				b = c.next(b)
			}
		})
	}
}

// TestCalendarIsOne holds start and next against each other, in zones that ever did
// something odd.
func TestCalendarIsOne(t *testing.T) {
	t.Parallel()
	zones := []string{"UTC", "America/New_York", "Europe/London", "Australia/Lord_Howe", "Asia/Kathmandu", "Pacific/Apia", "America/St_Johns", "Africa/Monrovia", "America/Caracas", "Europe/Amsterdam", "Antarctica/Troll"}
	for _, name := range zones {
		for _, text := range []string{"1s", "7m", "30m", "1h", "2h", "5h", "1d", "3d", "1w", "2w", "1mo", "5mo", "1q", "1y", "4y"} {
			length, err := parseInterval(text)
			if err != nil {
				t.Fatal(err)
			}
			c := newCalendar(length, zone(t, name), nil)
			for _, from := range []string{"1901-12-13T20:45:52Z", "1937-06-30T22:00:00Z", "1969-12-31T23:59:59.999Z", "2006-10-29T02:29:00Z", "2011-12-29T23:00:00Z", "2016-05-01T06:59:00Z", "2024-03-10T06:59:59Z", "2024-10-05T15:29:00Z", "2024-12-31T23:59:59Z", "2040-12-30T12:00:00Z", "2044-12-31T12:00:00Z", "2096-02-29T00:00:00Z"} {
				b := c.start(at(from))
				if b.After(at(from)) {
					t.Fatalf("%s %s: the bucket of %s begins at %s", name, text, from, b)
				}
				for range 40 {
					next := c.next(b)
					if !next.After(b) || !c.start(b).Equal(b) || !c.start(next).Equal(next) || !c.start(next.Add(-1)).Equal(b) {
						t.Fatalf("%s %s from %s: buckets at %s and %s; these are in the buckets of %s and %s, and the last of the first in that of %s",
							name, text, from, b, next, c.start(b), c.start(next), c.start(next.Add(-1)))
					}
					b = next
				}
			}
		}
	}
}

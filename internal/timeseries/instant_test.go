package timeseries

import (
	"strings"
	"testing"
	"time"

	"framehouse/internal/contracts"
)

// now in all tests of this package: a leap year's last day of March, in the afternoon.
var now = time.Date(2024, 3, 31, 15, 4, 5, 678, time.UTC)

func TestParseInstant(t *testing.T) {
	t.Parallel()
	tests := map[string]string{
		"2026-03-31":                          "2026-03-31T00:00:00Z",
		"2024-02-29":                          "2024-02-29T00:00:00Z",
		"2026-03-31T09:30:00Z":                "2026-03-31T09:30:00Z",
		"2026-03-31T09:30Z":                   "2026-03-31T09:30:00Z",
		"2026-03-31T09:30:00":                 "2026-03-31T09:30:00Z",
		"2026-03-31T09:30":                    "2026-03-31T09:30:00Z",
		"2026-03-31T09:30:00.123456789Z":      "2026-03-31T09:30:00.123456789Z",
		"2026-03-31T09:30:00+02:00":           "2026-03-31T07:30:00Z",
		"2026-03-31T09:30:00 02:00":           "2026-03-31T07:30:00Z", // as it arrives when + is not encoded
		"1969-12-31T23:59:59.5Z":              "1969-12-31T23:59:59.5Z",
		"0":                                   "1970-01-01T00:00:00Z",
		"1767225600":                          "2026-01-01T00:00:00Z",
		"1767225600.000000001":                "2026-01-01T00:00:00.000000001Z",
		"1767225600123":                       "2026-01-01T00:00:00.123Z",
		"1767225600123.456789":                "2026-01-01T00:00:00.123456789Z",
		"-1":                                  "1969-12-31T23:59:59Z",
		"99999999999":                         "5138-11-16T09:46:39Z",
		"100000000000":                        "1973-03-03T09:46:40Z",
		"now":                                 "2024-03-31T15:04:05.000000678Z",
		"now-1h":                              "2024-03-31T14:04:05.000000678Z",
		"now+1h":                              "2024-03-31T16:04:05.000000678Z",
		"now 1h":                              "2024-03-31T16:04:05.000000678Z",
		"-7d":                                 "2024-03-24T15:04:05.000000678Z",
		"-1d12h":                              "2024-03-30T03:04:05.000000678Z",
		"+90m":                                "2024-03-31T16:34:05.000000678Z",
		"-250ms":                              "2024-03-31T15:04:04.750000678Z",
		"-2w":                                 "2024-03-17T15:04:05.000000678Z",
		"-1mo":                                "2024-02-29T15:04:05.000000678Z", // February has no 31st
		"-1q":                                 "2023-12-31T15:04:05.000000678Z",
		"-1y":                                 "2023-03-31T15:04:05.000000678Z",
		"now-13mo":                            "2023-02-28T15:04:05.000000678Z",
		"yesterday":                           "",
		"":                                    "",
		"now-":                                "",
		"now-1":                               "",
		"now1h":                               "",
		"-1x":                                 "",
		"-1h-1h":                              "",
		"-h":                                  "",
		"2026-02-30":                          "",
		"2026-3-1":                            "",
		"2026-03-31T25:00:00Z":                "",
		"2026-03-31T09:30:00 junk":            "",
		"1767225600123456":                    "", // microseconds: not guessed
		"20080901":                            "", // a date without hyphens, or seconds: not guessed
		"2008":                                "",
		"20080901.0":                          "1970-08-21T10:01:41Z",
		"20081301":                            "1970-08-21T10:08:21Z",
		"-6148914691236517206q":               "",
		"1e9":                                 "",
		"-99999999999999999999d":              "",
		"-99999y":                             "",
		"-9999999999h":                        "",
		"1" + strings.Repeat("0", 100):        "",
		"0." + strings.Repeat("0", 100) + "1": "",
	}
	for text, want := range tests {
		got, err := parseInstant(text, now, time.UTC)
		switch {
		case want == "" && err == nil:
			t.Errorf("%q is read as %s", text, got.time)
		case want != "" && err != nil:
			t.Errorf("%q: %v", text, err)
		case want != "" && got.time.Format(time.RFC3339Nano) != want:
			t.Errorf("%q is read as %s, not %s", text, got.time.Format(time.RFC3339Nano), want)
		}
	}
}

func FuzzParseInstant(f *testing.F) {
	for _, seed := range []string{"now-1d12h", "2026-03-31T09:30:00+02:00", "1767225600.5", "-7d", "9999-12-31"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, err := parseInstant(text, now, time.UTC)
		if err != nil {
			return
		}
		// What was read can be said and read again.
		again, err := parseInstant(got.time.Format(time.RFC3339Nano), now, time.UTC)
		if y := got.time.Year(); y > 0 && y < 9999 && (err != nil || !again.time.Equal(got.time)) {
			t.Errorf("%q is %s, read again %s, %v", text, got.time, again.time, err)
		}
	})
}

func TestRange(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name     string
		given    Range
		from, to string // resolved; empty when open
		fault    string // location of the fault
	}{
		{"open", Range{}, "", "", ""},
		{"instants", Range{From: "2026-01-01T00:00:00Z", To: "2026-01-02T12:00:00Z"}, "2026-01-01T00:00:00Z", "2026-01-02T12:00:00Z", ""},
		{"a bare date as the end includes the day", Range{From: "2026-01-01", To: "2026-01-31"}, "2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z", ""},
		{"one day", Range{From: "2026-01-01", To: "2026-01-01"}, "2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z", ""},
		{"last", Range{Last: "24h"}, "2024-03-30T15:04:05.000000678Z", "", ""},
		{"last until an end", Range{Last: "2d", To: "-1d"}, "2024-03-29T15:04:05.000000678Z", "2024-03-30T15:04:05.000000678Z", ""},
		{"an empty range is no mistake", Range{From: "2026-01-01T00:00:00Z", To: "2026-01-01T00:00:00Z"}, "2026-01-01T00:00:00Z", "2026-01-01T00:00:00Z", ""},
		{"for ever", Range{From: "2026-01-01", To: "9999-12-31"}, "2026-01-01T00:00:00Z", "", ""},
		{"before there were years", Range{From: "-99999999999"}, "", "", "query.from"},
		{"long ago", Range{Last: "9999y"}, "", "", "query.last"},
		{"reversed by last", Range{Last: "1d", To: "2020-01-01"}, "", "", "query.last"},
		{"reversed", Range{From: "2026-01-02T00:00:00Z", To: "2026-01-01T00:00:00Z"}, "", "", "query.from"},
		{"reversed days", Range{From: "2026-01-02", To: "2026-01-01", FromName: "start_date", ToName: "end_date"}, "2026-01-02T00:00:00Z", "2026-01-02T00:00:00Z", "query.start_date"},
		{"last and from", Range{Last: "1d", From: "2026-01-01"}, "", "", "query.last"},
		{"both ends", Range{From: "2026-01-01T00:00:00Z", To: "2026-01-02T00:00:00Z", Inclusive: "both"}, "2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z", ""},
		{"an end that there is not", Range{From: "2026-01-01", Inclusive: "right-ish"}, "", "", "query.inclusive"},
		{"days of New York", Range{From: "2024-03-10", To: "2024-03-10", Timezone: "America/New_York"}, "2024-03-10T05:00:00Z", "2024-03-11T04:00:00Z", ""},
		{"a clock of Kathmandu", Range{From: "2024-03-10T05:45", Timezone: "Asia/Kathmandu"}, "2024-03-10T00:00:00Z", "", ""},
		{"a clock time that is skipped", Range{From: "2024-03-10T02:30", Timezone: "America/New_York"}, "2024-03-10T07:00:00Z", "", ""},
		{"a clock time that is shown twice is the first", Range{From: "2024-11-03T01:30", Timezone: "America/New_York"}, "2024-11-03T05:30:00Z", "", ""},
		{"a day back over a change of clocks", Range{From: "-1d", Timezone: "Europe/London"}, "2024-03-30T16:04:05.000000678Z", "", ""},
		{"24 hours back over it", Range{Last: "24h", Timezone: "Europe/London"}, "2024-03-30T15:04:05.000000678Z", "", ""},
		{"a zone that there is not", Range{From: "2026-01-01", Timezone: "Mars/Olympus"}, "", "", "query.timezone"},
		{"the zone of this machine", Range{From: "2026-01-01", Timezone: "Local"}, "", "", "query.timezone"},
		{"last with a sign", Range{Last: "-1d"}, "", "", "query.last"},
		{"no time", Range{From: "x"}, "", "", "query.from"},
		{"no time, named", Range{To: "x", ToName: "end_date"}, "", "", "query.end_date"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := test.given.resolve(now)
			if test.fault != "" {
				if err == nil || contracts.AsError(err).Issues[0].Location != test.fault {
					t.Fatalf("error %v, want one at %s", err, test.fault)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if said(got.From) != test.from || said(got.To) != test.to {
				t.Errorf("resolved to %s … %s", said(got.From), said(got.To))
			}
		})
	}
}

func said(t *time.Time) string {
	if t == nil {
		return ""
	}
	return t.Format(time.RFC3339Nano)
}

package timeseries

import (
	"time"
	_ "time/tzdata" // the same zones wherever the program runs; half a megabyte

	"framehouse/internal/contracts"
)

// loadZone returns the time zone of an IANA name.
func loadZone(location, name string) (*time.Location, error) {
	zone, err := time.LoadLocation(name)
	if err != nil || name == "Local" || name == "" {
		return nil, contracts.Invalid(location, name, "Write the name of an IANA time zone such as America/New_York, Asia/Kathmandu or UTC.",
			"There is no time zone %q.", name)
	}
	return zone, nil
}

// wall is the time of day and date that clocks in the zone show, written as if it were UTC.
func wall(t time.Time, zone *time.Location) time.Time {
	t = t.In(zone)
	_, offset := t.Zone()
	return t.UTC().Add(time.Duration(offset) * time.Second)
}

// fromWall is the first instant at which clocks in the zone show a time, given as if it
// were UTC. A time that is skipped stands for the instant at which it is.
func fromWall(shown time.Time, zone *time.Location) time.Time {
	guess := shown.In(zone)
	start, end := zoneBounds(shown, zone)
	periods := []time.Time{guess}
	if !start.IsZero() {
		periods = append([]time.Time{start.Add(-1)}, periods...)
	}
	if !end.IsZero() {
		periods = append(periods, end)
	}
	offset := func(t time.Time) time.Duration {
		_, seconds := t.In(zone).Zone()
		return time.Duration(seconds) * time.Second
	}
	var first time.Time
	for _, period := range periods {
		t := shown.Add(-offset(period))
		if offset(t) == offset(period) && (first.IsZero() || t.Before(first)) {
			first = t.UTC()
		}
	}
	if !first.IsZero() {
		return first
	}
	for _, change := range periods[1:] {
		from, _ := zoneBounds(change, zone)
		if from.IsZero() {
			continue
		}
		before, after := shown.Add(-offset(from.Add(-1))), shown.Add(-offset(from))
		if !before.Before(from) && after.Before(from) {
			return from.UTC()
		}
	}
	return shown.Add(-offset(guess)).UTC()
}

// zoneBounds are the instants between which clocks in the zone are not changed, with t among
// them; zero where there is no bound. Clocks need not be changed at a bound: the rules of
// years to come are applied year by year. For the last day of a leap year to come the
// library says an end that lies before it, after which it would never be left.
func zoneBounds(t time.Time, zone *time.Location) (start, end time.Time) {
	start, end = t.In(zone).ZoneBounds()
	if !end.IsZero() && !end.After(t) {
		end = t.UTC().Truncate(24 * time.Hour).Add(24 * time.Hour)
	}
	return start, end
}

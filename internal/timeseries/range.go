package timeseries

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"framehouse/internal/catalog"
	"framehouse/internal/contracts"
	"framehouse/internal/store/sql"
)

// Range is a time range as a request spells it; each part may be empty.
type Range struct {
	From, To string
	// Last is short for a From that lies so far back from now.
	Last string
	// FromName and ToName are what the request calls its ends; empty for from and to.
	FromName, ToName string
	// Inclusive says which ends belong to the range: left, right, both or neither; empty for
	// left.
	Inclusive string
	// Timezone is the IANA zone of dates, clock times and spans of days; empty for UTC.
	Timezone string
	// In is the part of the request that holds the range; empty for query.
	In string
}

func (r Range) at(name string) string { return cmp.Or(r.In, "query") + "." + name }

func (r Range) zone() (*time.Location, error) {
	if r.Timezone == "" {
		return time.UTC, nil
	}
	return loadZone(r.at("timezone"), r.Timezone)
}

// resolve spells the range out. Unless inclusive says otherwise it is [from, to): it
// contains its start and not its end, so that ranges which follow each other neither
// overlap nor leave a gap.
//
// A bare date stands for the start of its day, and as the end for that of the next: the day
// belongs to the range, and what follows does not, whatever inclusive says.
func (r Range) resolve(now time.Time) (*contracts.Range, error) {
	zone, err := r.zone()
	if err != nil {
		return nil, err
	}
	resolved := &contracts.Range{Inclusive: cmp.Or(r.Inclusive, "left"), Timezone: zone.String()}
	if !slices.Contains(inclusives, resolved.Inclusive) {
		return nil, contracts.Invalid(r.at("inclusive"), r.Inclusive, "Write one of "+strings.Join(inclusives, ", ")+".", "inclusive says which ends belong to the range.")
	}
	fromName, toName := cmp.Or(r.FromName, "from"), cmp.Or(r.ToName, "to")
	switch {
	case r.Last != "" && r.From != "":
		return nil, contracts.Invalid(r.at("last"), r.Last, "Give either last or "+fromName+".", "last and %s contradict each other.", fromName)
	case r.Last != "":
		from, err := shift(now, "-"+r.Last, zone)
		if err != nil {
			return nil, contracts.Invalid(r.at("last"), r.Last, "Write a span such as 90m, 24h, 7d, 3mo or 1y.", "last must be a span of time.")
		}
		resolved.From = &from
	case r.From != "":
		from, err := parseInstant(r.From, now, zone)
		if err != nil {
			return nil, contracts.Invalid(r.at(fromName), r.From, spellings, "%s cannot be read as a time: %v.", fromName, err)
		}
		resolved.From = &from.time
	}
	var latest time.Time // the latest start that is not past the end
	if r.To != "" {
		to, err := parseInstant(r.To, now, zone)
		if err != nil {
			return nil, contracts.Invalid(r.at(toName), r.To, spellings, "%s cannot be read as a time: %v.", toName, err)
		}
		latest = to.time
		if to.isDay {
			begin := to.time
			to.time = fromWall(to.day.AddDate(0, 0, 1), zone)
			// A start on the very next day is past the end, though the range is merely
			// empty by the reckoning of instants. So is that of a day that the zone skipped.
			latest = later(begin, to.time.Add(-1))
			resolved.Inclusive = map[string]string{"right": "neither", "both": "left"}[resolved.Inclusive]
			resolved.Inclusive = cmp.Or(resolved.Inclusive, r.Inclusive, "left")
		}
		resolved.To = &to.time
	}
	startName := fromName
	if r.Last != "" {
		startName = "last"
	}
	if resolved.To != nil && resolved.To.Year() > 9999 {
		resolved.To = nil // for ever
	}
	for _, end := range []struct {
		name, value string
		time        *time.Time
	}{{startName, cmp.Or(r.Last, r.From), resolved.From}, {toName, r.To, resolved.To}} {
		// Beyond, there is no ISO 8601 to say it in.
		if end.time != nil && (end.time.Year() < 0 || end.time.Year() > 9999) {
			return nil, contracts.Invalid(r.at(end.name), end.value, spellings, "%s lies outside of the years 0 to 9999.", end.name)
		}
	}
	if resolved.From != nil && resolved.To != nil && resolved.From.After(latest) {
		hint := "Swap " + fromName + " and " + toName + "."
		if r.Last != "" {
			hint = "last counts back from now; give " + fromName + " and " + toName + " instead."
		}
		return nil, contracts.Invalid(r.at(startName), cmp.Or(r.Last, r.From), hint,
			"The range is reversed: it starts at %s, later than %s %s.", resolved.From.Format(time.RFC3339Nano), toName, r.To)
	}
	return resolved, nil
}

// relative tells whether an end of the range depends on when it is asked.
func (r Range) relative() bool { return r.Last != "" || relative(r.From) || relative(r.To) }

var inclusives = []string{"left", "right", "both", "neither"}

// within are the conditions that keep a column inside the range.
func within(column *catalog.Column, r *contracts.Range, zone *time.Location) []sql.Expr {
	var conditions []sql.Expr
	add := func(operator string, end *time.Time) {
		if end == nil {
			return
		}
		if condition := bound(column, operator, *end, zone); condition != nil {
			conditions = append(conditions, condition)
		}
	}
	lower, upper := ">", "<"
	if r.Inclusive == "left" || r.Inclusive == "both" {
		lower = ">="
	}
	if r.Inclusive == "right" || r.Inclusive == "both" {
		upper = "<="
	}
	add(lower, r.From)
	add(upper, r.To)
	return conditions
}

// bound compares a time column with an instant; see store.Type.Bound. The dates of a
// column without time of day are days of the zone, each at its start.
func bound(column *catalog.Column, operator string, instant time.Time, zone *time.Location) sql.Expr {
	return column.Type.Bound(column.Ref(), operator, onColumn(column, instant, zone))
}

// onColumn is an instant as the column's times are stored: for a date what the zone's
// calendar shows, as if it were UTC.
func onColumn(column *catalog.Column, instant time.Time, zone *time.Location) time.Time {
	if column.FieldType() != contracts.TypeDate {
		return instant
	}
	shown := wall(instant, zone)
	if day := shown.Truncate(24 * time.Hour); fromWall(day, zone).Equal(instant) {
		return day // which begins later than midnight where clocks skip it
	}
	return shown
}

// instant reads one instant of a request, by the zone and the now of the plan.
func (p *plan) instant(location, text string) (time.Time, error) {
	t, err := parseInstant(text, p.now, p.zone)
	if err != nil {
		return time.Time{}, contracts.Invalid(location, text, spellings, "It cannot be read as a time: %v.", err)
	}
	return t.time, nil
}

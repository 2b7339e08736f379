package timeseries

import (
	"cmp"
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
}

// resolve spells the range out. It is [from, to): it contains its start and not its
// end, so that ranges which follow each other neither overlap nor leave a gap. A bare
// date as the end means through the end of that day.
func (r Range) resolve(now time.Time) (*contracts.Range, error) {
	resolved := &contracts.Range{Inclusive: "left", Timezone: "UTC"}
	fromName, toName := cmp.Or(r.FromName, "from"), cmp.Or(r.ToName, "to")
	switch {
	case r.Last != "" && r.From != "":
		return nil, contracts.Invalid("query.last", r.Last, "Give either last or from.", "last and from contradict each other.")
	case r.Last != "":
		from, err := shift(now, "-"+r.Last)
		if err != nil {
			return nil, contracts.Invalid("query.last", r.Last, "Write a span such as 90m, 24h, 7d, 3mo or 1y.", "last must be a span of time.")
		}
		resolved.From = &from
	case r.From != "":
		from, err := parseInstant(r.From, now)
		if err != nil {
			return nil, contracts.Invalid("query."+fromName, r.From, spellings, "%s cannot be read as a time: %v.", fromName, err)
		}
		resolved.From = &from.time
	}
	var latest time.Time // the latest start that is not past the end
	if r.To != "" {
		to, err := parseInstant(r.To, now)
		if err != nil {
			return nil, contracts.Invalid("query."+toName, r.To, spellings, "%s cannot be read as a time: %v.", toName, err)
		}
		latest = to.time
		if to.isDay {
			to.time = to.time.AddDate(0, 0, 1)
			// A start on the very next day is past the end, though the range is merely
			// empty by the reckoning of instants.
			latest = to.time.Add(-1)
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
			return nil, contracts.Invalid("query."+end.name, end.value, spellings, "%s lies outside of the years 0 to 9999.", end.name)
		}
	}
	if resolved.From != nil && resolved.To != nil && resolved.From.After(latest) {
		hint := "Swap " + fromName + " and " + toName + "."
		if r.Last != "" {
			hint = "last counts back from now; give " + fromName + " and " + toName + " instead."
		}
		return nil, contracts.Invalid("query."+startName, cmp.Or(r.Last, r.From), hint,
			"The range is reversed: it starts at %s, later than %s %s.", resolved.From.Format(time.RFC3339Nano), toName, r.To)
	}
	return resolved, nil
}

// within are the conditions that keep a column inside the range.
func within(column *catalog.Column, r *contracts.Range) []sql.Expr {
	var conditions []sql.Expr
	if r.From != nil {
		conditions = append(conditions, column.Type.Bound(column.Ref(), ">=", *r.From))
	}
	if r.To != nil {
		conditions = append(conditions, column.Type.Bound(column.Ref(), "<", *r.To))
	}
	return conditions
}

package timeseries

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"framehouse/internal/catalog"
	"framehouse/internal/contracts"
	"framehouse/internal/store/sql"
	"framehouse/internal/tables/filter"
)

// SeriesRange is the range of some series.
type SeriesRange struct {
	// Series has values of dimensions; a series is meant when it has one of those of each.
	Series map[string][]string
	Range  Range
}

// mostRanges bounds the ranges of single series. Each is some values for ClickHouse, of
// which a statement may have 900.
const mostRanges = 200

// withinSeries is the condition that a row is of one of the series and in its range, the
// ranges resolved, and the range that holds all of them. All are of the same zone.
func withinSeries(node *catalog.Node, ranges []SeriesRange, zone *time.Location, now time.Time) ([]sql.Expr, []contracts.Range, *contracts.Range, error) {
	if len(ranges) > mostRanges {
		return nil, nil, nil, contracts.Invalid("body.ranges", len(ranges), "Ask several times.", "There may be %d ranges.", mostRanges)
	}
	var all *contracts.Range
	var each []contracts.Range
	var any sql.Or
	for i, r := range ranges {
		place := fmt.Sprintf("body.ranges[%d]", i)
		r.Range.In = place
		resolved, err := r.Range.resolve(now)
		if err != nil {
			return nil, nil, nil, err
		}
		if len(r.Series) == 0 {
			return nil, nil, nil, contracts.Invalid(place+".series", nil, `Write {"series": {"symbol": "AAPL"}, "from": …}.`, "A range of its own needs the series that it is for.")
		}
		one := sql.And(within(node.Time, resolved, zone))
		for _, name := range slices.Sorted(maps.Keys(r.Series)) {
			at := place + ".series." + name
			if !slices.ContainsFunc(node.Dimensions, func(d *catalog.Column) bool { return d.Name == name }) {
				return nil, nil, nil, contracts.Invalid(at, name, dimensionsHint(node), "%s has no dimension %q.", node.Name, name)
			}
			condition := filter.Condition{Column: name, Operator: catalog.In, Values: r.Series[name]}
			conditions, err := filter.Compile(&node.Table, condition.At(at))
			if err != nil {
				return nil, nil, nil, err
			}
			one = append(one, conditions...)
		}
		any = append(any, one)
		each, all = append(each, *resolved), union(all, resolved)
	}
	// The range of all lets ClickHouse use a key that begins with the time.
	wide := *all
	wide.Inclusive = "both"
	return append(within(node.Time, &wide, zone), any), each, all, nil
}

// cutSeries tells whether a range of single series, of which that of all says nothing,
// begins or ends within a bucket.
func (p *plan) cutSeries(e *extent, length interval, origin string) error {
	if len(p.ranges) == 0 {
		return nil
	}
	e.partialFirst, e.partialLast = false, false
	for _, r := range p.ranges {
		one := *p
		one.ranges, one.resolved = nil, &r
		of, err := one.extent(length, origin)
		if err != nil {
			return err
		}
		e.partialFirst, e.partialLast = e.partialFirst || of.partialFirst, e.partialLast || of.partialLast
	}
	return nil
}

func dimensionsHint(node *catalog.Node) string {
	if len(node.Dimensions) == 0 {
		return node.Name + " is a single series; leave ranges out."
	}
	names := make([]string, len(node.Dimensions))
	for i, d := range node.Dimensions {
		names[i] = d.Name
	}
	return "Dimensions are " + strings.Join(names, ", ") + "."
}

// union is the range that holds both; the first may be nil. Of ends that do not belong to
// both ranges alike it says that they do.
func union(a, b *contracts.Range) *contracts.Range {
	if a == nil {
		return b
	}
	u := *a
	if a.Inclusive != b.Inclusive {
		u.Inclusive = "both"
	}
	if a.From == nil || b.From == nil {
		u.From = nil
	} else if b.From.Before(*a.From) {
		u.From = b.From
	}
	if a.To == nil || b.To == nil {
		u.To = nil
	} else if b.To.After(*a.To) {
		u.To = b.To
	}
	return &u
}

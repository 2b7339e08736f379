package timeseries

import (
	"fmt"
	"time"

	"framehouse/internal/contracts"
)

// A range that ends now is another one each millisecond, though mostly the same rows are in
// it. So that those who ask for it one after the other ask for the same, ends that depend on
// now are moved to where the time column can tell times apart, in the direction in which no
// row comes in or drops out: a day for a Date, a second for a DateTime. The catalog may allow
// a node more than that, its Tolerance, to multiples of which all ends are moved down.

// round moves the ends of the plan's range; from and to tell which of them depend on now.
func (p *plan) round(from, to bool) {
	r := p.resolved
	// Where the end itself belongs to the range, or a start does not, what counts is the tick
	// before; else the one after.
	up := map[bool]bool{true: r.Inclusive == "left" || r.Inclusive == "both", false: r.Inclusive == "left" || r.Inclusive == "neither"}
	var said contracts.Rounded
	r.From, said.From = p.rounded(r.From, up[true], from, &said)
	r.To, said.To = p.rounded(r.To, up[false], to, &said)
	if said.By != "" {
		r.Rounded = &said
	}
}

// rounded is an end of a range that may be moved, and to multiples of what it was.
func (p *plan) rounded(end *time.Time, up, relative bool, said *contracts.Rounded) (*time.Time, string) {
	if end == nil {
		return nil, ""
	}
	moved, step := *end, ""
	if t := p.node.Tolerance; t > 0 {
		if moved = moved.Truncate(t); !moved.Equal(*end) {
			step, said.By = spanOf(t), "tolerance"
		}
	}
	if at, ok := p.onTick(moved, up); ok && relative && !at.Equal(moved) {
		moved = at
		if step == "" {
			tick, _, _ := p.node.Time.Type.Reach()
			step = spanOf(tick)
			if said.By == "" {
				said.By = "column"
			}
		}
	}
	return &moved, step
}

// onTick is an instant as the time of a tick of the time column: the next one from it on, or
// the last one up to it. It is not ok where the calendar leaves none.
func (p *plan) onTick(t time.Time, up bool) (_ time.Time, ok bool) {
	tick, _, _ := p.node.Time.Type.Reach()
	shown := onColumn(p.node.Time, t, p.zone)
	at := shown.Truncate(tick)
	if up && !at.Equal(shown) {
		at = at.Add(tick)
	}
	instant := at
	if p.node.Time.FieldType() == contracts.TypeDate {
		instant = fromWall(at, p.zone)
	}
	// A day that a zone skipped begins with the next, whose date is another.
	return instant, onColumn(p.node.Time, instant, p.zone).Equal(at)
}

// spanOf writes a span as a request would.
func spanOf(d time.Duration) string {
	for _, unit := range []struct {
		length time.Duration
		name   string
	}{{day, "d"}, {time.Hour, "h"}, {time.Minute, "m"}, {time.Second, "s"}, {time.Millisecond, "ms"}} {
		if d%unit.length == 0 {
			return fmt.Sprintf("%d%s", d/unit.length, unit.name)
		}
	}
	return d.String()
}

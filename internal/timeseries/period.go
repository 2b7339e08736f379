package timeseries

import "framehouse/internal/catalog"

// past is the period of which alone the plan reads rows, if it has ended: new rows then mostly
// are of another. It is nil where other rows have a part in the answer. No filter of a node looks
// up rows of other times, or of other tables.
func (p *plan) past() *catalog.Period {
	r := p.resolved
	if r.To == nil || r.To.After(p.now) || !p.node.Dividable() {
		return nil
	}
	from := r.From
	if r.Lookback != nil {
		from = r.Lookback
	}
	period := &catalog.Period{Node: p.node.Name, First: catalog.FirstTick, Last: catalog.LastTick}
	tick, earliest, latest := p.node.Time.Type.Reach()
	// Beyond what the column's type is said to hold nothing is left out.
	if from != nil {
		if at := onColumn(p.node.Time, *from, p.zone); !at.Before(earliest) {
			period.First = p.ticksOf(*from)
		}
	}
	if to := onColumn(p.node.Time, *r.To, p.zone); !to.After(latest) {
		period.Last = p.ticksOf(*r.To)
		if ends := r.Inclusive == "left" || r.Inclusive == "neither"; ends && to.Truncate(tick).Equal(to) {
			period.Last--
		}
	}
	return period
}

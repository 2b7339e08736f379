package fair

import (
	"fmt"
	"time"
)

// Reason is why a request gets no place.
type Reason int

// The reasons that there are.
const (
	TimedOut   Reason = iota // it waited as long as it may
	CallerFull               // its caller has as many waiting as one may have
	Full                     // as many wait as may, and its caller has no fewer than others
)

// Refused is the error of a request that got no place.
type Refused struct {
	Reason Reason
	Config Config        // of the queue
	Ahead  int           // requests that would be served before one that the caller sends now
	After  time.Duration // an estimate of when it is worth while to come again
}

func (r *Refused) Error() string {
	switch r.Reason {
	case CallerFull:
		return fmt.Sprintf("%d requests of the caller are waiting", r.Config.WaitingOfOne)
	case Full:
		return fmt.Sprintf("%d requests are waiting", r.Config.Waiting)
	}
	return fmt.Sprintf("no place came free within %s", r.Config.Timeout)
}

// The bounds of what a client is told to wait: less than a second is no time that HTTP has a
// word for, and after half a minute nothing is as it was estimated.
const (
	soonest = time.Second
	latest  = 30 * time.Second
)

// refuse estimates when it is worth while for a caller to come again: after as many places
// have come free as there are requests before it, at the pace at which they come free now.
// In a rotation each other caller gets at most as many turns as this one has requests, and
// one more.
func (q *Queue) refuse(name string, reason Reason) *Refused {
	own := 0
	if c := q.callers[name]; c != nil {
		own = len(c.line)
	}
	ahead := len(q.returning)
	for _, c := range q.rotation {
		ahead += min(len(c.line), own+1)
	}
	after := q.cfg.Timeout // as good a guess as any, before the first place came free
	if interval := q.pace.interval(time.Now()); interval > 0 {
		after = time.Duration(min(float64(latest), float64(ahead+1)*float64(interval)))
	}
	return &Refused{Reason: reason, Config: q.cfg, Ahead: ahead, After: min(max(after, soonest), latest)}
}

// pace is how fast places come free while somebody waits for them.
type pace struct {
	times [window]time.Time // a ring of when they did
	next  int
	known int
}

// window is how many of the last places count. Works that began together end together, so
// that a few intervals may be anything.
const window = 32

// left takes note that a place came free. Time in which nobody waited says nothing of how
// fast a queue moves.
func (p *pace) left(now time.Time, waited bool) {
	if !waited {
		p.known = 0
		return
	}
	p.times[p.next] = now
	p.next = (p.next + 1) % window
	p.known = min(p.known+1, window)
}

// interval is the time between places that come free, or zero when it is not known. It grows
// while none does: a queue that stands is not as fast as it was.
func (p *pace) interval(now time.Time) time.Duration {
	if p.known == 0 {
		return 0
	}
	oldest := p.times[(p.next-p.known+window)%window]
	return now.Sub(oldest) / time.Duration(p.known)
}

package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"framehouse/internal/contracts"
	"framehouse/internal/fair"
	"framehouse/internal/timing"
)

// enter waits for a place among the queries under way. It is held until the records are read
// to their end, or closed: as long as ClickHouse works, or waits for whoever reads. A client
// that is slow to take a long answer thus holds a place, as its query holds memory and threads
// there, for as long as a query may take; others still find those that no single caller may
// have.
func (s *Store) enter(ctx context.Context) (fair.Place, error) {
	if s.cfg.Queries == nil {
		return fair.Place{}, nil
	}
	began := time.Now()
	place, err := s.cfg.Queries.Enter(ctx)
	timing.From(ctx).Since("queue", began)
	if err != nil {
		return place, notAdmitted(err)
	}
	return place, nil
}

func notAdmitted(err error) error {
	var refused *fair.Refused
	switch {
	case errors.As(err, &refused):
	case errors.Is(err, context.Canceled):
		return &contracts.Error{Code: contracts.CodeCanceled, Detail: "The client closed the request.", Cause: err}
	default:
		return busy(err)
	}
	e := &contracts.Error{Code: contracts.CodeTooManyRequests, RetryAfter: refused.After, Cause: err}
	issue := contracts.Issue{Hint: "Send the request again after the seconds in Retry-After."}
	switch refused.Reason {
	case fair.CallerFull:
		e.Detail = fmt.Sprintf("You have %d requests waiting already.", refused.Config.WaitingOfOne)
		issue.Message = "as many requests are waiting as one caller may have"
		issue.Hint = "Send fewer requests at once, and this one again after the seconds in Retry-After."
	case fair.Full:
		e.Detail = fmt.Sprintf("ClickHouse is busy, and %d requests are waiting already.", refused.Config.Waiting)
		issue.Message = "as many requests are waiting as may"
	default:
		e.Detail = fmt.Sprintf("ClickHouse is busy: the turn of this request did not come within %s.", refused.Config.Timeout)
		issue.Message = fmt.Sprintf("%d requests stand before it now", refused.Ahead)
	}
	e.Issues = []contracts.Issue{issue}
	return e
}

package store

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"

	"framehouse/internal/contracts"
)

// Error codes of ClickHouse that mean something to a client of ours. They are part of
// its protocol and never reused.
const (
	unknownSetting            = 115
	tooManyRows               = 158
	timeoutExceeded           = 159
	tooSlow                   = 160
	readonlySetting           = 164
	tooManySimultaneous       = 202
	socketTimeout             = 209
	networkError              = 210
	memoryLimitExceeded       = 241
	allConnectionTriesFailed  = 279
	tooManyBytes              = 307
	queryWasCancelled         = 394
	tooManyRowsOrBytes        = 396
	cannotScheduleTask        = 439
	settingConstraint         = 452
	queryWasCancelledByClient = 735
)

// explain turns what went wrong into the error that a client may see.
func (a *answer) explain(err error) error {
	if cause := a.client.Err(); cause != nil && !errors.Is(cause, context.DeadlineExceeded) {
		return &contracts.Error{Code: contracts.CodeCanceled, Detail: "The client closed the request.", Cause: err}
	}
	if context.Cause(a.ctx) == errSilent {
		return &contracts.Error{
			Code:       contracts.CodeUnavailable,
			Detail:     "ClickHouse did not answer in time.",
			RetryAfter: 5 * time.Second,
			Cause:      errors.Join(errSilent, err),
		}
	}
	return explain(err)
}

// settingRefused tells that a setting we sent is one that the server does not know, or
// does not let our user change.
func settingRefused(err error) bool {
	var exception *clickhouse.Exception
	return errors.As(err, &exception) &&
		(exception.Code == unknownSetting || exception.Code == readonlySetting || exception.Code == settingConstraint)
}

func explain(err error) error {
	var ours *contracts.Error
	if errors.As(err, &ours) {
		return ours
	}
	var exception *clickhouse.Exception
	if !errors.As(err, &exception) {
		if errors.Is(err, clickhouse.ErrAcquireConnTimeout) {
			return busy(err)
		}
		return unreachable(err)
	}
	switch exception.Code {
	case timeoutExceeded, tooSlow, tooManyRows, tooManyBytes, tooManyRowsOrBytes:
		return tooExpensive(err)
	case memoryLimitExceeded:
		// The whole server's memory being short is no fault of this query.
		if !strings.Contains(exception.Message, "(total)") {
			return tooExpensive(err)
		}
		return unreachable(err)
	case tooManySimultaneous:
		return busy(err)
	case socketTimeout, networkError, allConnectionTriesFailed:
		// Of a ClickHouse that ours asks, such as a shard.
		return unreachable(err)
	case queryWasCancelled, queryWasCancelledByClient, cannotScheduleTask:
		// Not by our client, who is still there: somebody killed it, or ClickHouse stops.
		return unreachable(err)
	}
	return &contracts.Error{
		Code:   contracts.CodeInternal,
		Detail: "ClickHouse refused a query of ours; the log says why.",
		Cause:  err,
	}
}

func tooExpensive(err error) error {
	return &contracts.Error{
		Code:   contracts.CodeQueryTooExpensive,
		Detail: "The query would cost more time or memory than is allowed.",
		Issues: []contracts.Issue{{
			Message: "the query was stopped at a limit",
			Hint:    "Narrow the range, add a filter, or select fewer columns.",
		}},
		Cause: err,
	}
}

func busy(err error) error {
	return &contracts.Error{
		Code:       contracts.CodeTooManyRequests,
		Detail:     "ClickHouse is busy with other queries.",
		RetryAfter: time.Second,
		Cause:      err,
	}
}

func unreachable(err error) error {
	return &contracts.Error{
		Code:       contracts.CodeUnavailable,
		Detail:     "ClickHouse cannot be reached right now.",
		RetryAfter: time.Second,
		Cause:      err,
	}
}

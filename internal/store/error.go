package store

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"

	"framehouse/internal/contracts"
	"framehouse/internal/store/sql"
)

// Error codes of ClickHouse that mean something to a client of ours. They are part of
// its protocol and never reused.
const (
	unknownIdentifier         = 47
	unknownTable              = 60
	unknownDatabase           = 81
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
	accessDenied              = 497
	authenticationFailed      = 516
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
	return explainUnder(err, a.limits)
}

// settingRefused tells that a setting we sent is one that the server does not know, or
// does not let our user change.
func settingRefused(err error) bool {
	var exception *clickhouse.Exception
	return errors.As(err, &exception) &&
		(exception.Code == unknownSetting || exception.Code == readonlySetting || exception.Code == settingConstraint)
}

func explain(err error) error { return explainUnder(err, sql.Limits{}) }

// explainUnder is explain for a query that had limits.
func explainUnder(err error, limits sql.Limits) error {
	var ours *contracts.Error
	if errors.As(err, &ours) {
		return ours
	}
	var exception *clickhouse.Exception
	if !errors.As(err, &exception) {
		// The driver has one error for a pool of which no connection comes free and for a new
		// connection on which the server says nothing. Only of the latter a request knows.
		var request *url.Error
		if errors.Is(err, clickhouse.ErrAcquireConnTimeout) && !errors.As(err, &request) {
			return busy(err)
		}
		return unreachable(err)
	}
	switch exception.Code {
	case timeoutExceeded, tooSlow, tooManyRows, tooManyBytes, tooManyRowsOrBytes:
		return tooExpensive(exception, limits)
	case memoryLimitExceeded:
		// The whole server's memory being short is no fault of this query.
		if !strings.Contains(exception.Message, "(total)") {
			return tooExpensive(exception, limits)
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
	if exception.Code == unknownTable || exception.Code == unknownIdentifier {
		// The catalog knew them, and will soon know better.
		return &contracts.Error{
			Code:       contracts.CodeUnavailable,
			Detail:     "The table has changed in ClickHouse, and the catalog is about to be read again.",
			RetryAfter: 5 * time.Second,
			Cause:      brief(err),
		}
	}
	detail, known := refusals[exception.Code]
	if !known {
		detail = "ClickHouse refused a query of ours."
	}
	return &contracts.Error{Code: contracts.CodeInternal, Detail: detail, Cause: brief(err)}
}

// refusals are faults in how framehouse is set up, in words that help an operator and
// tell a client no more than that they are not the client's.
var refusals = map[int32]string{
	authenticationFailed: "ClickHouse does not accept the user or the password that framehouse is given.",
	accessDenied:         "ClickHouse does not allow the user that framehouse is given to read this.",
	unknownDatabase:      "ClickHouse has no database of the name that framehouse is given.",
}

// brief leaves out what surrounds an error on its way through driver and HTTP client: the
// URL with all settings, and advice for other situations.
func brief(err error) error {
	var exception *clickhouse.Exception
	if errors.As(err, &exception) {
		return refusal{exception}
	}
	var request *url.Error
	if errors.As(err, &request) {
		return request.Err
	}
	return err
}

// refusal is what ClickHouse says, in one line.
type refusal struct{ exception *clickhouse.Exception }

func (r refusal) Error() string {
	message, _, _ := strings.Cut(r.exception.Message, "\n")
	return fmt.Sprintf("ClickHouse error %d: %s", r.exception.Code, message)
}

func (r refusal) Unwrap() error { return r.exception }

func busy(err error) error {
	return &contracts.Error{
		Code:       contracts.CodeTooManyRequests,
		Detail:     "ClickHouse is busy with other queries.",
		RetryAfter: time.Second,
		Cause:      brief(err),
	}
}

func unreachable(err error) error {
	return &contracts.Error{
		Code:       contracts.CodeUnavailable,
		Detail:     "ClickHouse cannot be reached right now.",
		RetryAfter: time.Second,
		Cause:      brief(err),
	}
}

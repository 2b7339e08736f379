package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"

	"framehouse/internal/contracts"
	"framehouse/internal/store/sql"
)

// ErrUnsure is the cause of an error after which a write may have happened or not.
var ErrUnsure = errors.New("the write may have happened or not")

// post sends a statement, with data, past the driver: what it does to a statement of its
// own accord (it takes INSERTs apart, and adds settings) is more than a write can bear.
// There is a connection for each: one that was kept may have died meanwhile, and of a
// write that fails on it nobody knows whether it happened.
func (s *Store) post(ctx context.Context, statement sql.Statement, settings url.Values, contentType string, data io.Reader) (*http.Response, error) {
	parameters, err := fitting(statement.Params)
	if err != nil {
		return nil, err
	}
	for name, value := range parameters {
		settings.Set("param_"+name, value)
	}
	settings.Set("query", statement.Text)
	ctx, cancel := context.WithTimeoutCause(ctx, s.cfg.QueryTimeout+grace, errSilent)
	var connected atomic.Bool
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { connected.Store(true) }})

	server := s.cfg.Server
	address := url.URL{Scheme: "http", Host: server.Hosts[0], Path: "/", RawQuery: settings.Encode()}
	if server.TLS != nil {
		address.Scheme = "https"
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, address.String(), data)
	if err != nil {
		cancel()
		return nil, err
	}
	request.Header.Set("Content-Type", contentType)
	client := http.Client{Transport: server.transport()}
	response, err := client.Do(request)
	switch {
	case err != nil && connected.Load():
		cancel()
		return nil, errors.Join(ErrUnsure, brief(err))
	case err != nil:
		cancel()
		return nil, err
	}
	response.Body = &canceling{response.Body, cancel}
	if response.StatusCode == http.StatusOK {
		return response, nil
	}
	defer response.Body.Close()
	text, _ := io.ReadAll(io.LimitReader(response.Body, 64<<10))
	code, err := strconv.Atoi(response.Header.Get("X-ClickHouse-Exception-Code"))
	if err != nil {
		// Something between us and ClickHouse speaks.
		return nil, errors.Join(ErrUnsure, fmt.Errorf("ClickHouse answers %s", response.Status))
	}
	return nil, &clickhouse.Exception{Code: int32(code), Message: string(text)}
}

// canceling is a body after which nothing of its request is left.
type canceling struct {
	io.ReadCloser
	cancel context.CancelFunc
}

func (c *canceling) Close() error {
	defer c.cancel()
	return c.ReadCloser.Close()
}

// transport dials the server anew for each request.
func (s Server) transport() transport {
	hosts := &hosts{Server: s}
	t := &http.Transport{
		Proxy:              http.ProxyFromEnvironment,
		TLSClientConfig:    s.TLS,
		DisableKeepAlives:  true,
		DisableCompression: true,
		DialContext:        func(ctx context.Context, _, addr string) (net.Conn, error) { return hosts.dial(ctx, addr) },
	}
	if s.TLS != nil {
		t.DialTLSContext = func(ctx context.Context, _, addr string) (net.Conn, error) { return hosts.dialTLS(ctx, addr) }
	}
	return transport{t, s.Hosts[0], s.credentials()}
}

// Error codes of ClickHouse that writes meet.
const (
	tableIsReadOnly    = 242
	notEnoughSpace     = 243
	tooManyParts       = 252
	unknownStatus      = 319
	violatedConstraint = 469
	tooManyMutations   = 692
	keeperException    = 999
)

// What ClickHouse's messages say of where a value stands.
var (
	rowOf        = regexp.MustCompile(`at row (\d+)`)
	columnOf     = regexp.MustCompile(`reading the value of key ([^)]+)\)`)
	constraintOf = regexp.MustCompile("Constraint `([^`]+)`")
)

// explainWrite turns what went wrong with a write into the error that a client may see.
func explainWrite(err error) error {
	var exception *clickhouse.Exception
	if errors.Is(err, ErrUnsure) {
		return unsure(err)
	}
	if !errors.As(err, &exception) {
		return explain(err)
	}
	message := exception.Message
	switch exception.Code {
	case unknownStatus, keeperException, queryWasCancelled, queryWasCancelledByClient, socketTimeout, networkError, allConnectionTriesFailed:
		return unsure(errors.Join(ErrUnsure, brief(err)))
	case timeoutExceeded, tooSlow:
		return &contracts.Error{
			Code: contracts.CodeQueryTooExpensive, Detail: "The write would take longer than is allowed; nothing was written.",
			Issues: []contracts.Issue{{Message: "the write was stopped at a limit", Hint: "Send fewer rows at once, or narrow the filter."}},
			Cause:  brief(err),
		}
	case tooManyParts:
		if strings.Contains(message, "partitions") {
			return &contracts.Error{
				Code: contracts.CodeInvalidRequest, Detail: "The rows lie in more than one partition of the table; nothing was written.",
				Issues: []contracts.Issue{{Location: "body", Message: "rows of one request must lie in one partition, since partitions are not written together",
					Hint: "Send a request for each partition; GET of the table's description names the partition key."}},
				Cause: brief(err),
			}
		}
		return busy(err)
	case tooManyMutations:
		return busy(err)
	case tableIsReadOnly, notEnoughSpace:
		return &contracts.Error{Code: contracts.CodeUnavailable, Detail: "ClickHouse cannot write right now; nothing was written.", RetryAfter: 10 * time.Second, Cause: brief(err)}
	case accessDenied, readonlySetting, settingConstraint:
		return &contracts.Error{Code: contracts.CodeInternal, Detail: "ClickHouse does not allow the user that framehouse is given to write to this table.", Cause: brief(err)}
	case memoryLimitExceeded, unknownTable, unknownIdentifier:
		return explain(err)
	}
	if place := rowOf.FindStringSubmatch(message); place != nil {
		issue := contracts.Issue{Location: "body.row[" + place[1] + "]", Message: "ClickHouse refuses a value of the row"}
		if column := columnOf.FindStringSubmatch(message); column != nil {
			issue.Location += "." + column[1]
			issue.Message = "ClickHouse refuses the value of " + column[1]
		}
		if constraint := constraintOf.FindStringSubmatch(message); constraint != nil && exception.Code == violatedConstraint {
			issue.Message = "the row violates the constraint " + constraint[1] + " of the table"
		}
		return &contracts.Error{
			Code: contracts.CodeInvalidRequest, Detail: "Row " + place[1] + ": " + issue.Message + "; nothing was written.",
			Issues: []contracts.Issue{issue}, Cause: brief(err),
		}
	}
	return explain(err)
}

// unsure is a write of which nobody knows whether it happened.
func unsure(err error) error {
	return &contracts.Error{
		Code:       contracts.CodeUnavailable,
		Detail:     "The connection to ClickHouse broke off before it said how the write ended: it may have happened or not.",
		RetryAfter: time.Second,
		Issues: []contracts.Issue{{
			Message: "the outcome is unknown",
			Hint:    "Send the same request again with the same Idempotency-Key: what was written is then not written twice. Without a key, look before you repeat it.",
		}},
		Cause: err,
	}
}

package store

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/apache/arrow/go/v17/arrow/ipc"
	"github.com/google/uuid"

	"framehouse/internal/contracts"
	"framehouse/internal/fair"
	"framehouse/internal/store/sql"
	"framehouse/internal/timing"
)

// grace is what a query may take beyond its time limit before we stop waiting for
// ClickHouse to say so itself.
const grace = 5 * time.Second

type purposeKey struct{}

// WithPurpose names what the queries of a context are for, such as a route. ClickHouse
// keeps it as log_comment beside each query in its log.
func WithPurpose(ctx context.Context, purpose string) context.Context {
	return context.WithValue(ctx, purposeKey{}, purpose)
}

// Query runs a statement and returns its records. It waits for the first of them, so a
// statement that fails early is an error here, not in the middle of an answer. Whoever
// gets Records closes them; ctx must last until then, and its end stops the query in
// ClickHouse as well.
func (s *Store) Query(ctx context.Context, statement sql.Statement) (*Records, error) {
	if plan, ok := ctx.Value(explainKey{}).(*Plan); ok {
		return nil, cmp.Or(s.explain(ctx, statement, plan), ErrExplained)
	}
	place, err := s.enter(ctx)
	if err != nil {
		return nil, err
	}
	defer timing.From(ctx).Since("clickhouse", time.Now())
	answer, err := s.run(ctx, "ArrowStream", statement)
	if err != nil {
		place.Leave()
		return nil, err
	}
	answer.place = place
	r := &Records{answer: answer, messages: newMessages(answer)}
	if r.reader, err = ipc.NewReaderFromMessageReader(r.messages); err != nil {
		err = answer.explain(err)
		r.Close()
		return nil, err
	}
	if r.first, err = r.read(); err != nil && err != io.EOF {
		r.Close()
		return nil, err
	}
	return r, nil
}

// selectRows runs a statement of ours with a small answer and decodes its rows.
func selectRows[T any](ctx context.Context, s *Store, text string, params ...sql.Param) ([]T, error) {
	return selectStatement[T](ctx, s, sql.Statement{Text: text, Params: params})
}

func selectStatement[T any](ctx context.Context, s *Store, statement sql.Statement) ([]T, error) {
	defer timing.From(ctx).Since("clickhouse", time.Now())
	answer, err := s.run(ctx, smallFormat, statement)
	if err != nil {
		return nil, err
	}
	return decodeRows[T](answer)
}

// smallFormat is one JSON document: unlike a format of lines, it shows when its end is
// missing.
const smallFormat = "JSON"

// decodeRows reads an answer in smallFormat and closes it.
func decodeRows[T any](a *answer) ([]T, error) {
	defer a.Close()
	body, err := io.ReadAll(a)
	if err != nil {
		return nil, a.explain(err)
	}
	var document struct {
		Data      []T    `json:"data"`
		Exception string `json:"exception"` // of a server that writes a failure into its answer
	}
	if !json.Valid(body) {
		return nil, a.explain(io.ErrUnexpectedEOF)
	}
	if err := json.Unmarshal(body, &document); err != nil {
		return nil, fmt.Errorf("decode %T: %w", document.Data, err)
	}
	a.ended = true
	if document.Exception != "" {
		return nil, explain(errors.New(document.Exception))
	}
	return document.Data, nil
}

// run is the one place where a statement is sent to be read from: query id, settings,
// limits and errors are dealt with here.
func (s *Store) run(ctx context.Context, format string, statement sql.Statement) (*answer, error) {
	for first := true; ; first = false {
		settings, err := s.settingsOfReads(ctx)
		if err != nil {
			return nil, err
		}
		a, err := s.send(ctx, format, statement, settings)
		if first && settingRefused(err) {
			// The server, or what our user may do there, is no longer what it was.
			s.settings.CompareAndSwap(settings, nil)
			continue
		}
		return a, err
	}
}

func (s *Store) send(ctx context.Context, format string, statement sql.Statement, settings *readSettings) (*answer, error) {
	limits := s.limits(format, statement)
	parameters, err := s.parameters(ctx, format, statement, settings, limits)
	if err != nil {
		return nil, err
	}
	a := &answer{client: ctx, limits: limits, limit: limits.Time + grace}
	a.ctx, a.cancel = context.WithCancelCause(context.WithValue(ctx, readKey{}, read{format, parameters}))
	a.timer = time.AfterFunc(a.limit, func() { a.cancel(errSilent) })
	conn := s.conn
	if format == smallFormat {
		conn = s.small
	}
	body, err := conn.QueryFormat(clickhouse.Context(a.ctx, clickhouse.WithSettings(reading)), format, statement.Text)
	if err != nil {
		err = a.explain(err)
		a.Close()
		return nil, err
	}
	a.timer.Stop()
	a.body = body
	return a, nil
}

// parameters are all that goes with a statement, encoded for a URL.
func (s *Store) parameters(ctx context.Context, format string, statement sql.Statement, settings *readSettings, limits sql.Limits) (string, error) {
	values, err := fitting(statement.Params)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	b.Grow(len(settings.encoded) + 256)
	b.WriteString(settings.encoded)
	b.WriteString("query_id=" + uuid.NewString() + "&default_format=" + format)
	b.WriteString("&database=" + url.QueryEscape(s.cfg.Server.Database))
	if purpose, ok := ctx.Value(purposeKey{}).(string); ok && settings.values[logComment] != nil {
		b.WriteString("&" + logComment + "=" + url.QueryEscape(purpose))
	}
	own := statement.Settings
	if statement.InOrder {
		own = append(slices.Clip(own), sql.Setting{Name: readLazily}, sql.Setting{Name: readAhead})
	}
	for _, setting := range own {
		if settings.values[setting.Name] != nil {
			b.WriteString("&" + setting.Name + "=" + strconv.FormatInt(setting.Value, 10))
		}
	}
	settings.limit(&b, limits)
	for name, value := range values {
		b.WriteString("&param_" + url.QueryEscape(name) + "=" + url.QueryEscape(value))
	}
	return b.String(), nil
}

// Parameters travel in the URL, of which ClickHouse reads this much for one value
// (http_max_field_value_size) and for all (http_max_uri_size, less what settings take),
// and so many of them (http_max_fields, likewise).
const (
	longestValue  = 128 << 10
	longestValues = 1000 << 10
	mostValues    = 900
)

// fitting are the parameters, if ClickHouse would read them.
func fitting(params []sql.Param) (clickhouse.Parameters, error) {
	parameters := make(clickhouse.Parameters, len(params))
	all := 0
	for _, p := range params {
		parameters[p.Name] = p.Value
		one := len(url.QueryEscape(p.Value))
		all += one + len("&param_=") + len(p.Name)
		if one > longestValue || all > longestValues || len(params) > mostValues {
			return nil, &contracts.Error{
				Code:   contracts.CodeInvalidRequest,
				Detail: "The request has more or longer values than ClickHouse accepts.",
				Issues: []contracts.Issue{{
					Message: fmt.Sprintf("there may be %d values, each of %d bytes once it is encoded for a URL, and all together of %d", mostValues, longestValue, longestValues),
					Hint:    "Send fewer values, or shorter ones.",
				}},
			}
		}
	}
	return parameters, nil
}

// errSilent is why a query ends whose ClickHouse says nothing for too long.
var errSilent = errors.New("no answer within the time limit")

// answer is the stream of bytes that answers a query.
type answer struct {
	client context.Context // of the caller
	ctx    context.Context // of the query; ended by the caller's, by Close, or by silence
	cancel context.CancelCauseFunc
	limits sql.Limits
	limit  time.Duration
	timer  *time.Timer
	body   io.ReadCloser
	ended  bool       // read to its end, so that the connection can be used again
	place  fair.Place // among the queries under way, until the end or Close
}

// Read allows ClickHouse its time for what comes next. Time in which the client is slow
// to take what it got does not count.
func (a *answer) Read(p []byte) (int, error) {
	a.timer.Reset(a.limit)
	n, err := a.body.Read(p)
	a.timer.Stop()
	return n, err
}

// Close releases the connection. An answer that was not read to its end is cut off
// first, which makes ClickHouse stop the query.
func (a *answer) Close() error {
	a.timer.Stop()
	if !a.ended {
		a.cancel(nil)
	}
	var err error
	if a.body != nil {
		err = a.body.Close()
		a.body = nil
	}
	a.cancel(nil)
	a.place.Leave()
	return err
}

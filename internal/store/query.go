package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"strings"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/ipc"
	"github.com/google/uuid"

	"framehouse/internal/contracts"
	"framehouse/internal/store/sql"
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
	answer, err := s.run(ctx, "ArrowStream", statement)
	if err != nil {
		return nil, err
	}
	r := &Records{answer: answer}
	if r.reader, err = ipc.NewReader(answer); err == nil {
		r.first, err = r.read()
	}
	if err != nil && !errors.Is(err, io.EOF) {
		err = answer.explain(err)
		r.Close()
		return nil, err
	}
	return r, nil
}

// Records are the rows of a query, arriving. They implement contracts.RecordReader.
type Records struct {
	answer *answer
	reader *ipc.Reader
	first  arrow.Record // read ahead; the reader keeps it until its next
	done   bool
}

var _ contracts.RecordReader = (*Records)(nil)

// Schema is the Arrow schema of the records.
func (r *Records) Schema() *arrow.Schema { return r.reader.Schema() }

// Next returns the next record, valid until the following call, or io.EOF when
// ClickHouse said that there are no more.
func (r *Records) Next() (arrow.Record, error) {
	if record := r.first; record != nil {
		r.first = nil
		return record, nil
	}
	record, err := r.read()
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, r.answer.explain(err)
	}
	return record, err
}

func (r *Records) read() (arrow.Record, error) {
	if r.done {
		return nil, io.EOF
	}
	record, err := r.reader.Read()
	switch {
	case errors.Is(err, io.EOF):
		// The Arrow library takes any end for the end. Ours is the one that ClickHouse
		// marked, with nothing after it that could be a late failure.
		r.done = true
		if err := r.answer.finish(); err != nil {
			return nil, err
		}
		return nil, io.EOF
	case err != nil:
		r.done = true
	}
	return record, err
}

// Close gives up what was not read, and stops the query if it still runs.
func (r *Records) Close() error {
	if r.reader != nil {
		r.reader.Release()
		r.reader, r.first, r.done = nil, nil, true
	}
	return r.answer.Close()
}

// selectRows runs a statement of ours with a small answer and decodes its rows.
func selectRows[T any](ctx context.Context, s *Store, text string, params ...sql.Param) ([]T, error) {
	answer, err := s.run(ctx, "JSONEachRow", sql.Statement{Text: text, Params: params})
	if err != nil {
		return nil, err
	}
	body, err := answer.text()
	if err != nil {
		return nil, err
	}
	var rows []T
	for decoder := json.NewDecoder(strings.NewReader(body)); ; {
		var row T
		if err := decoder.Decode(&row); errors.Is(err, io.EOF) {
			return rows, nil
		} else if err != nil {
			return nil, fmt.Errorf("decode %T: %w", row, err)
		}
		rows = append(rows, row)
	}
}

// run is the one place where a statement is sent to be read from: query id, settings,
// limits and errors are dealt with here.
func (s *Store) run(ctx context.Context, format string, statement sql.Statement) (*answer, error) {
	settings, err := s.readSettings(ctx)
	if err != nil {
		return nil, err
	}
	return s.send(ctx, format, statement, settings)
}

func (s *Store) send(ctx context.Context, format string, statement sql.Statement, settings clickhouse.Settings) (*answer, error) {
	settings = maps.Clone(settings)
	if purpose, ok := ctx.Value(purposeKey{}).(string); ok {
		settings["log_comment"] = purpose
	}
	parameters := make(clickhouse.Parameters, len(statement.Params))
	for _, p := range statement.Params {
		parameters[p.Name] = p.Value
	}
	a := &answer{client: ctx, limit: s.cfg.QueryTimeout + grace}
	ctx, a.cancel = context.WithCancelCause(context.WithValue(ctx, idempotentKey{}, true))
	a.timer = time.AfterFunc(a.limit, func() { a.cancel(errSilent) })
	ctx = clickhouse.Context(ctx,
		clickhouse.WithQueryID(uuid.NewString()),
		clickhouse.WithSettings(settings),
		clickhouse.WithParameters(parameters),
	)
	a.ctx = ctx
	body, err := s.conn.QueryFormat(ctx, format, statement.Text)
	if err != nil {
		err = a.explain(err)
		a.Close()
		return nil, err
	}
	a.timer.Stop()
	a.body = body
	return a, nil
}

// errSilent is why a query ends whose ClickHouse says nothing for too long.
var errSilent = errors.New("no answer within the time limit")

// answer is the stream of bytes that answers a query.
type answer struct {
	client context.Context // of the caller
	ctx    context.Context // of the query; ended by the caller's, by Close, or by silence
	cancel context.CancelCauseFunc
	limit  time.Duration
	timer  *time.Timer
	body   io.ReadCloser
	tail   [8]byte // the last bytes read
	ended  bool    // read to its end, so that the connection can be used again
}

// Read allows ClickHouse its time for what comes next. Time in which the client is slow
// to take what it got does not count.
func (a *answer) Read(p []byte) (int, error) {
	a.timer.Reset(a.limit)
	n, err := a.body.Read(p)
	a.timer.Stop()
	if n >= len(a.tail) {
		copy(a.tail[:], p[n-len(a.tail):n])
	} else {
		copy(a.tail[:], a.tail[n:])
		copy(a.tail[len(a.tail)-n:], p[:n])
	}
	return n, err
}

// text reads an answer that is known to be small, and closes it.
func (a *answer) text() (string, error) {
	defer a.Close()
	body, err := io.ReadAll(a)
	if err != nil {
		return "", a.explain(err)
	}
	a.ended = true
	return string(body), nil
}

// endOfStream is how an Arrow stream ends: a continuation mark and a length of zero.
var endOfStream = [8]byte{0xff, 0xff, 0xff, 0xff}

// finish reads to the end and makes sure that it is a good one.
func (a *answer) finish() error {
	if _, err := io.Copy(io.Discard, a); err != nil {
		return err
	}
	if a.tail != endOfStream {
		return io.ErrUnexpectedEOF
	}
	a.ended = true
	a.timer.Stop()
	return nil
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
	return err
}

package routes

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/danielgtaylor/huma/v2"
	"github.com/go-chi/chi/v5"

	"framehouse/internal/catalog"
	"framehouse/internal/contracts"
)

func newAPI() *API {
	return New(Services{Logger: slog.New(slog.DiscardHandler), Build: Build{Version: "test"}})
}

// Every route is in the OpenAPI document, with an id, a summary and its failures.
func TestEveryRouteIsDocumented(t *testing.T) {
	t.Parallel()
	a := newAPI()
	undocumented := []string{"/", "/docs", "/docs/LICENSE", "/docs/{hash}/{file}", "/openapi.json", "/openapi.yaml", discoveryPath}
	ids := map[string]string{}
	err := chi.Walk(a.mux, func(method, route string, _ http.Handler, _ ...func(http.Handler) http.Handler) error {
		if slices.Contains(undocumented, route) {
			return nil
		}
		item := a.OpenAPI().Paths[route]
		if item == nil {
			return fmt.Errorf("%s is not documented", route)
		}
		i := slices.IndexFunc(operations(item), func(op *huma.Operation) bool { return op.Method == method })
		if i < 0 {
			return fmt.Errorf("%s %s is not documented", method, route)
		}
		op := operations(item)[i]
		if other, twice := ids[op.OperationID]; twice || op.OperationID == "" || op.Summary == "" {
			return fmt.Errorf("%s: operation id %q (also of %s), summary %q", route, op.OperationID, other, op.Summary)
		}
		ids[op.OperationID] = route
		for _, p := range op.Parameters {
			if p.Schema == nil || p.Description == "" && p.Schema.Description == "" {
				return fmt.Errorf("%s: parameter %s has no description", route, p.Name)
			}
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

// A member that may be missing is absent and not null, and arrays are never null: the
// document must not say otherwise, or Command Center does not know a frame for one.
func TestArraysAreNotNullable(t *testing.T) {
	t.Parallel()
	text, err := newAPI().OpenAPI().YAML()
	if err != nil {
		t.Fatal(err)
	}
	choices := false // of an enumeration, where null is a word like another
	for _, line := range strings.Split(string(text), "\n") {
		choices = strings.TrimSpace(line) == "enum:" || choices && strings.HasPrefix(strings.TrimSpace(line), "- ")
		if !choices && strings.Contains(line, `"null"`) || strings.HasSuffix(strings.TrimSpace(line), "- null") {
			t.Errorf("nullable: %s", line)
		}
	}
	if strings.Contains(string(text), "$schema") {
		t.Error("bodies are said to have a $schema")
	}
}

// failing hands out batches of 1,000 rows and fails after some of them.
type failing struct {
	good   int
	closed bool
	record arrow.Record
}

var errFailing = errors.New("a secret of the database")

func newFailing(good int) *failing {
	b := array.NewRecordBuilder(memory.DefaultAllocator, arrow.NewSchema([]arrow.Field{{Name: "text", Type: arrow.BinaryTypes.String}}, nil))
	defer b.Release()
	for range 1000 {
		b.Field(0).(*array.StringBuilder).Append(strings.Repeat("x", 100))
	}
	return &failing{good: good, record: b.NewRecord()}
}

func (f *failing) Schema() *arrow.Schema { return f.record.Schema() }
func (f *failing) Close() error          { f.closed = true; return nil }
func (f *failing) Next() (arrow.Record, error) {
	if f.good--; f.good < 0 {
		return nil, errFailing
	}
	return f.record, nil
}

// serve adds a route to an API and serves it.
func serve(t *testing.T, handler func(context.Context, *FormatInput) (*contracts.Frame, error)) *httptest.Server {
	t.Helper()
	a := newAPI()
	registerFrame(a, huma.Operation{OperationID: "test", Path: "/test", Summary: "test", Tags: []string{"test"}}, func(_ context.Context, in *FormatInput) (*catalog.Reading, error) {
		return &catalog.Reading{Run: func(ctx context.Context) (*contracts.Frame, error) { return handler(ctx, in) }}, nil
	})
	server := httptest.NewServer(a)
	t.Cleanup(server.Close)
	return server
}

func TestFailureOnTheWay(t *testing.T) {
	t.Parallel()
	for _, format := range contracts.Formats() {
		for _, coding := range []string{"identity", "gzip", "zstd"} {
			for _, good := range []int{0, 1, 50} {
				t.Run(fmt.Sprintf("%s %s after %d", format.Name, coding, good), func(t *testing.T) {
					testFailure(t, format, coding, good)
				})
			}
		}
	}
}

// testFailure: a source that fails after some batches gives an error status or a broken
// answer, in every format and coding.
func testFailure(t *testing.T, format contracts.Format, coding string, good int) {
	source := newFailing(good)
	server := serve(t, func(context.Context, *FormatInput) (*contracts.Frame, error) {
		return contracts.NewFrame([]contracts.Field{{Key: "text", Type: contracts.TypeString}}, source, contracts.NoLimit), nil
	})
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL+"/test?format="+format.Name, nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Accept-Encoding", coding)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return // broken off before the status
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	switch {
	case strings.Contains(string(body), "secret"):
		t.Errorf("the client reads %s", body)
	case response.StatusCode == http.StatusOK && err == nil:
		t.Errorf("a cut answer of %d bytes ends as if it were whole", len(body))
	case good == 0 && (response.StatusCode != http.StatusInternalServerError || response.Header.Get("Content-Type") != problemType):
		t.Errorf("a failure before the first byte: status %d, %s", response.StatusCode, body)
	case response.StatusCode != http.StatusOK && response.Header.Get("Content-Disposition")+response.Header.Get("Trailer") != "":
		t.Errorf("an error has the headers of a frame: %v", response.Header)
	}
	server.Close() // waits for the handler
	if !source.closed {
		t.Error("the frame is not closed")
	}
}

func TestPanic(t *testing.T) {
	t.Parallel()
	server := serve(t, func(context.Context, *FormatInput) (*contracts.Frame, error) { panic("a secret of ours") })
	response, err := http.Get(server.URL + "/test")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, _ := io.ReadAll(response.Body)
	if response.StatusCode != http.StatusInternalServerError || strings.Contains(string(body), "secret") || !strings.Contains(string(body), `"code":"internal"`) {
		t.Errorf("status %d: %s", response.StatusCode, body)
	}
}

func TestRequestID(t *testing.T) {
	t.Parallel()
	a := newAPI()
	for sent, kept := range map[string]bool{
		"abc-123.X": true, "": false, "two words": false, "<script>": false, strings.Repeat("x", 65): false,
	} {
		request := httptest.NewRequest(http.MethodGet, "/nothing", nil)
		request.Header.Set("X-Request-Id", sent)
		response := httptest.NewRecorder()
		a.ServeHTTP(response, request)
		id := response.Header().Get("X-Request-Id")
		if id == "" || (id == sent) != kept || !strings.Contains(response.Body.String(), `"requestId":"`+id+`"`) {
			t.Errorf("sent %q, got %q: %s", sent, id, response.Body)
		}
	}
}

func TestHead(t *testing.T) {
	t.Parallel()
	source := newFailing(1)
	server := serve(t, func(context.Context, *FormatInput) (*contracts.Frame, error) {
		return contracts.NewFrame([]contracts.Field{{Key: "text"}}, source, contracts.NoLimit), nil
	})
	response, err := http.Head(server.URL + "/test")
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	if response.StatusCode != http.StatusOK || response.Header.Get("Content-Type") != "application/json" || !source.closed {
		t.Errorf("status %d, %v, closed %v", response.StatusCode, response.Header, source.closed)
	}
}

// Over HTTP/1.0 a broken stream ends like a whole one. What is long and does not show its
// own end is refused there; the rest is sent.
func TestHTTP10(t *testing.T) {
	t.Parallel()
	for _, batches := range []int{1, 200} {
		server := serve(t, func(context.Context, *FormatInput) (*contracts.Frame, error) {
			return contracts.NewFrame([]contracts.Field{{Key: "text", Type: contracts.TypeString}}, &ending{newFailing(0), batches}, contracts.NoLimit), nil
		})
		for _, format := range contracts.Formats() {
			conn, err := net.Dial("tcp", server.Listener.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			fmt.Fprintf(conn, "GET /test?format=%s HTTP/1.0\r\n\r\n", format.Name)
			answer, err := io.ReadAll(conn)
			conn.Close()
			if err != nil {
				t.Fatal(err)
			}
			status, _, _ := strings.Cut(string(answer), "\r\n")
			want := "HTTP/1.0 200 OK"
			if batches == 200 && !format.Counted {
				want = "HTTP/1.0 422 Unprocessable Entity"
			}
			if status != want {
				t.Errorf("%s of %d batches: %s", format.Name, batches, status)
			}
		}
	}
}

// A header that is a list may stand on several lines.
func TestAcceptLines(t *testing.T) {
	t.Parallel()
	server := serve(t, func(context.Context, *FormatInput) (*contracts.Frame, error) {
		return contracts.NewFrame([]contracts.Field{{Key: "text", Type: contracts.TypeString}}, &ending{newFailing(0), 1}, contracts.NoLimit), nil
	})
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL+"/test", nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header["Accept"] = []string{"image/png", "text/csv;q=0.1", "application/x-ndjson"}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	if got := response.Header.Get("Content-Type"); got != "application/x-ndjson" {
		t.Errorf("status %d, %s", response.StatusCode, got)
	}
}

package routes

import (
	"context"
	"encoding/csv"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/danielgtaylor/huma/v2"

	"framehouse/internal/catalog"
	"framehouse/internal/contracts"
)

// PageInput is that of a route with pages.
type PageInput struct {
	FormatInput
	Cursor string `query:"cursor" doc:"page"`
	Name   string `query:"name" doc:"filter"`
}

// paged serves a frame of 1,000 rows a batch that is cut.
func paged(t *testing.T, batches int, limit int64) *httptest.Server {
	t.Helper()
	a := newAPI()
	registerFrame(a, huma.Operation{OperationID: "paged", Path: "/paged", Summary: "paged", Tags: []string{"test"}}, func(context.Context, *PageInput) (*catalog.Reading, error) {
		f := contracts.NewFrame([]contracts.Field{{Key: "text", Type: contracts.TypeString}}, &ending{newFailing(0), batches}, limit)
		f.Meta.Tabular.Limit = limit
		f.WhenCut(func() { f.Meta.Tabular.NextCursor = "a&b" })
		return &catalog.Reading{Run: func(context.Context) (*contracts.Frame, error) { return f, nil }}, nil
	})
	server := httptest.NewServer(a)
	t.Cleanup(server.Close)
	return server
}

// The link leads to the same request with another cursor, in every format, and HEAD knows it.
// A long answer says it behind its rows.
func TestLink(t *testing.T) {
	t.Parallel()
	const link = `<?cursor=a%26b&format=FORMAT&name=x+%22%3C%3E>; rel="next"`
	short, long := paged(t, 2, 1500), paged(t, 300, 250_000)
	for _, f := range contracts.Formats() {
		for _, method := range []string{http.MethodGet, http.MethodHead} {
			for _, server := range []*httptest.Server{short, long} {
				request, err := http.NewRequestWithContext(t.Context(), method, server.URL+"/paged?name=x%20%22%3C%3E&cursor=old&format="+f.Name, nil)
				if err != nil {
					t.Fatal(err)
				}
				response, err := http.DefaultClient.Do(request)
				if err != nil {
					t.Fatal(err)
				}
				if _, err := io.Copy(io.Discard, response.Body); err != nil {
					t.Fatal(err)
				}
				response.Body.Close()
				want := ""
				if server == short {
					want = strings.ReplaceAll(link, "FORMAT", f.Name)
				}
				if got := response.Header.Get("Link"); got != want {
					t.Errorf("%s %s: Link %s, want %s", method, f.Name, got, want)
				}
				if server == long && !f.Counted && method == http.MethodGet && (response.Trailer.Get(nextCursorHeader) != "a&b" || response.Trailer.Get(rowCountHeader) != "250000") {
					t.Errorf("%s: trailer %v", f.Name, response.Trailer)
				}
			}
		}
	}
}

// Without rows left there is no link.
func TestNoLink(t *testing.T) {
	t.Parallel()
	server := paged(t, 2, 2000)
	response, err := http.Get(server.URL + "/paged?format=csv")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	lines, err := csv.NewReader(response.Body).ReadAll()
	if err != nil || len(lines) != 2001 || response.Header.Get("Link") != "" || response.Header.Get(nextCursorHeader) != "" || response.Header.Get(truncatedHeader) != "false" {
		t.Errorf("%d lines, %v, %v", len(lines), err, response.Header)
	}
}

// A body is a sound query, or refused in words of ours.
func FuzzTableQuery(f *testing.F) {
	for _, body := range []string{
		`{}`, `{"limit": 1}`, `{"limit": "all"}`, `{"limit": 1e3}`, `{"limit": 1, "limit": 2}`, `[]`, ``, `null`, `{"select": ["a"], "group": ["b"], "agg": ["count"]}`,
		`{"where": {"or": [{"column": "a", "op": "eq", "value": 1}, {"not": {"has": "b"}}]}, "having": {"column": "count", "op": "gte", "value": "1"}}`,
		`{"order": [{"column": "a", "descending": true, "nulls": "first"}], "cursor": "x", "count": "exact"}`, `{"order": [{"column": "a", "nulls": "x"}]}`, `{"a\u0000": 1} {}`, `{"limit"`, `{"cursor": "\ud800"}`,
	} {
		f.Add(body)
	}
	csv := contracts.Format{Name: "csv", Streams: true}
	f.Fuzz(func(t *testing.T, body string) {
		in := TableQueryInput{JSONBody: JSONBody{text: []byte(body)}}
		q, err := in.query(context.WithValue(t.Context(), formatKey{}, csv))
		var ours *contracts.Error
		if err != nil && (!errors.As(err, &ours) || ours.Code != contracts.CodeInvalidRequest || !strings.HasPrefix(ours.Issues[0].Location, "body")) {
			t.Fatalf("%q: %v", body, err)
		}
		if err == nil && q.Limit < contracts.NoLimit {
			t.Fatalf("%q: limit %d", body, q.Limit)
		}
	})
}

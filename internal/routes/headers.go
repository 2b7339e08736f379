package routes

import (
	"net/http"
	"strconv"

	"github.com/danielgtaylor/huma/v2"
)

// promiseHeaders documents the headers that answers have whatever the operation is. The
// library does not know of them, since our middleware and our errors set them.
func (a *API) promiseHeaders() {
	text := &huma.Schema{Type: huma.TypeString}
	everywhere := map[string]*huma.Header{
		"X-Request-Id": {Schema: text, Description: "Identifies this answer in the log: the request's own, if it sent one of up to 64 letters, digits, dots, dashes and underscores"},
		serverTiming:   {Schema: text, Description: "What the answer took until its headers left, in milliseconds: queue is the wait for a turn, clickhouse the time until the first rows of each query, cache what X-Cache says, total all", Example: `queue;dur=0.0, clickhouse;dur=3.2, cache;desc="miss", total;dur=4.1`},
	}
	// Of frames, and of what stands for one that the client has.
	kept := map[string]*huma.Header{
		"ETag":          {Schema: text, Description: "Tells this answer from one over other data. In If-None-Match it asks for 304 where nothing has changed. Absent where nobody tells when the data changes, and of requests with a body"},
		"Cache-Control": {Schema: text, Description: "How long the answer may be kept without asking again", Example: "max-age=1, stale-while-revalidate=5"},
	}
	where := map[string]*huma.Header{
		cacheHeader: {Schema: &huma.Schema{Type: huma.TypeString, Enum: []any{cacheHit, cacheMiss, cacheBypass}}, Description: "hit: the answer was kept, or made for another request at this moment, whose id source.context.requestId is. miss: it was made for this one. bypass: no cache had a part in it. Absent when nothing is kept"},
	}
	failed := map[string]*huma.Header{"Cache-Control": {Schema: text, Description: "no-store: a failure is never kept", Example: "no-store"}}
	// Of a status alone.
	later := map[string]*huma.Header{
		"Retry-After": {Schema: &huma.Schema{Type: huma.TypeInteger, Format: "int64"}, Description: "After how many seconds to come back, where that is known"},
	}
	headers := map[string]map[string]*huma.Header{
		strconv.Itoa(http.StatusMethodNotAllowed):   {"Allow": {Schema: text, Description: "Methods that are allowed", Example: "GET, HEAD"}},
		strconv.Itoa(http.StatusTooManyRequests):    later,
		strconv.Itoa(http.StatusServiceUnavailable): later,
	}
	file := map[string]*huma.Header{
		"Content-Disposition": {Schema: text, Description: "The name of the file; there when download asked for one", Example: "attachment; filename=stocks.csv"},
	}
	for _, item := range a.huma.OpenAPI().Paths {
		for _, op := range operations(item) {
			if op.Method == http.MethodGet && op.Metadata[frameOperation] != nil {
				op.Responses[strconv.Itoa(http.StatusNotModified)] = &huma.Response{Description: "The client has this answer: one of the entity tags in If-None-Match is that of the answer as it would be now"}
			}
			for status, response := range op.Responses {
				sets := []map[string]*huma.Header{everywhere, headers[status]}
				switch {
				case status == "200" && op.Metadata[frameOperation] != nil:
					sets = append(sets, file, kept, where)
				case status == "304":
					sets = append(sets, kept)
				case status >= "400" && op.Metadata[frameOperation] != nil:
					sets = append(sets, failed, where)
				case status >= "400":
					sets = append(sets, failed)
				}
				for _, set := range sets {
					for name, header := range set {
						if response.Headers == nil {
							response.Headers = map[string]*huma.Header{}
						}
						response.Headers[name] = header
					}
				}
			}
		}
	}
}

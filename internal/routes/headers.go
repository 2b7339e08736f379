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
	}
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
			for status, response := range op.Responses {
				sets := []map[string]*huma.Header{everywhere, headers[status]}
				if status == "200" && op.Metadata[frameOperation] != nil {
					sets = append(sets, file)
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

package routes

import (
	"bytes"
	_ "embed"
	"html/template"
	"maps"
	"net/http"
	"slices"

	"github.com/danielgtaylor/huma/v2"
)

//go:embed docs.html
var docsHTML string

var docsTemplate = template.Must(template.New("docs").Parse(docsHTML))

// docsPolicy lets the page do nothing but show itself: it has no script, and asks
// nothing of anyone, so it works without internet.
const docsPolicy = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// docsGroup is a heading of the page with its operations.
type docsGroup struct {
	Name       string
	Operations []*huma.Operation
}

// registerDocs serves a page that shows the OpenAPI document to people. The document
// does not change while the API serves, so the page is made once.
func (a *API) registerDocs() {
	document := a.huma.OpenAPI()
	var groups []docsGroup
	for _, path := range slices.Sorted(maps.Keys(document.Paths)) {
		for _, op := range operations(document.Paths[path]) {
			i := slices.IndexFunc(groups, func(g docsGroup) bool { return g.Name == op.Tags[0] })
			if i < 0 {
				i, groups = len(groups), append(groups, docsGroup{Name: op.Tags[0]})
			}
			groups[i].Operations = append(groups[i].Operations, op)
		}
	}
	var page bytes.Buffer
	err := docsTemplate.Execute(&page, map[string]any{"Info": document.Info, "Groups": groups})
	a.mux.Get("/docs", func(w http.ResponseWriter, r *http.Request) {
		if err != nil {
			a.answer(w, r, err)
			return
		}
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Header().Set("Content-Security-Policy", docsPolicy)
		_, _ = w.Write(page.Bytes()) // a client that left needs no answer
	})
	a.mux.Get("/", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "/docs", http.StatusTemporaryRedirect)
	})
}

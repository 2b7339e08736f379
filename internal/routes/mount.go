package routes

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/go-chi/chi/v5"

	"framehouse/internal/contracts"
)

// atRoot is what is served without the base path too: Command Center looks for these at the
// root of the host, whatever path it was told.
var atRoot = []string{discoveryPath, "/openapi.json"}

// mount serves everything under the base path. Nothing is redirected, since not every client
// follows: the base path itself is the first page, with a slash at its end or without.
func (a *API) mount(next http.Handler) http.Handler {
	if a.BasePath == "" {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		path, inside := a.below(r.URL.Path)
		raw, rawInside := a.below(r.URL.RawPath)
		switch {
		case inside && (rawInside || r.URL.RawPath == ""):
			u := *r.URL
			u.Path, u.RawPath = path, raw
			below := *r
			below.URL = &u
			next.ServeHTTP(w, &below)
		case slices.Contains(atRoot, r.URL.Path):
			next.ServeHTTP(w, r)
		default:
			a.outside(w, r)
		}
	})
}

// below is a path without the base path.
func (a *API) below(path string) (string, bool) {
	rest, ok := strings.CutPrefix(path, a.BasePath)
	switch {
	case !ok || rest != "" && rest[0] != '/':
		return "", false
	case rest == "":
		return "/", true
	}
	return rest, true
}

// outside answers for a path that does not begin with the base path.
func (a *API) outside(w http.ResponseWriter, r *http.Request) {
	hint := fmt.Sprintf("Everything is under %s; GET /openapi.json describes every route.", a.BasePath)
	if a.mux.Match(chi.NewRouteContext(), http.MethodGet, r.URL.Path) {
		hint = fmt.Sprintf("Did you mean %s? %s", a.at(r.URL.Path), hint)
	}
	message := fmt.Sprintf("There is no route %s.", r.URL.Path)
	a.answer(w, r, &contracts.Error{
		Code: contracts.CodeUnknownRoute, Detail: message,
		Issues: []contracts.Issue{{Location: "path", Message: message, Value: r.URL.Path, Hint: hint}},
	})
}

// at is a path of ours as clients call it.
func (a *API) at(path string) string { return a.BasePath + path }

// mounted is an error whose hints name routes with the base path. They are written as GET and
// a path, by packages that do not know of it.
func (a *API) mounted(e *contracts.Error) *contracts.Error {
	if a.BasePath == "" || len(e.Issues) == 0 {
		return e
	}
	c := *e
	c.Issues = slices.Clone(e.Issues)
	for i := range c.Issues {
		c.Issues[i].Hint = strings.ReplaceAll(c.Issues[i].Hint, "GET /", "GET "+a.BasePath+"/")
	}
	return &c
}

package routes

import (
	"net/http"
	"strings"
	"weak"

	"framehouse/internal/catalog"
)

// remembered is what a request was found to ask for, in a catalog. It is found out once: to
// read the parameters and to plan what is read takes longer than to send what is kept.
type remembered struct {
	asked
	of     string // the operation
	coding *coding
	paged  bool
	in     weak.Pointer[catalog.Catalog] // which is not held back: a catalog may be large, and follow many others
}

// textOf is all of a request that decides what it asks for and how that is represented.
func textOf(r *http.Request) string {
	return r.RequestURI + "\n" + strings.Join(r.Header["Accept"], ",") + "\n" + strings.Join(r.Header["Accept-Encoding"], ",")
}

// remember keeps what a request was found to ask for, which must be the same at any time.
func (a *API) remember(r *http.Request, found *remembered) {
	c, err := a.Catalog.Current()
	if err != nil || r.RequestURI == "" {
		return
	}
	found.in = weak.Make(c)
	a.memory.Put(textOf(r), found)
}

// rideAlong sends the answer that is being made for another, if there is one.
func (s *serving) rideAlong(of string) bool {
	if s.r.Method != http.MethodGet || asksForAny(s.r) {
		return false
	}
	flight := s.Cache.Board(s.fresh.key, of)
	if flight == nil {
		return false
	}
	served, _ := s.ride(flight)
	return served
}

// quick answers requests whose like were answered before, as far as they can be from what is
// kept, or is being made, or with that the client has the answer already. All others go their way.
func (a *API) quick(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if a.Cache == nil || !conditional(r) || bypasses(r) || !r.ProtoAtLeast(1, 1) {
			next.ServeHTTP(w, r)
			return
		}
		found, ok := a.memory.Get(textOf(r))
		if c, err := a.Catalog.Current(); !ok || err != nil || found.in != weak.Make(c) {
			next.ServeHTTP(w, r)
			return
		}
		fresh, err := a.freshness(r.Context(), found.asked)
		if err != nil || !fresh.known {
			next.ServeHTTP(w, r) // which finds the same, and says it
			return
		}
		if fresh.matches(r.Header["If-None-Match"]) {
			fresh.notModified(w)
			return
		}
		s := &serving{a, w, r, fresh, found.coding, found.paged}
		answer, _ := s.find()
		switch {
		case answer != nil && asksForAny(r):
			fresh.notModified(w)
		case answer != nil:
			s.serve(answer, cacheHit)
		case !s.rideAlong(found.of):
			next.ServeHTTP(w, r)
		}
	})
}

package routes

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humachi"

	"framehouse/internal/cache"
	"framehouse/internal/catalog"
	"framehouse/internal/contracts"
	"framehouse/internal/store"
)

// cacheHeader says where an answer comes from.
const cacheHeader = "X-Cache"

// What X-Cache says.
const (
	cacheHit    = "hit"    // kept, or made for another request at this moment
	cacheMiss   = "miss"   // made for this request
	cacheBypass = "bypass" // made for this request, which no cache had a part in
)

// answerReading answers with what a reading reads: that the client has it already, an answer
// that was kept or is just being made, or one of its own.
func (a *API) answerReading(hc huma.Context, reading *catalog.Reading, in *FormatInput) {
	format, _ := hc.Context().Value(formatKey{}).(contracts.Format)
	if in.Compression != "" && format.Name != "arrow" {
		a.writeProblem(hc, contracts.Invalid("query.compression", in.Compression, "Leave it out; text is compressed as Accept-Encoding says.", "compression goes with format=arrow."))
		return
	}
	r, w := humachi.Unwrap(hc)
	what := asked{key: reading.Key.With(format.Name, in.Compression, in.Download), tables: reading.Tables, period: reading.Period, caching: reading.Caching}
	if reading.Range != nil && reading.Range.To != nil && !reading.Relative {
		what.until = *reading.Range.To
	}
	fresh, err := a.freshness(hc.Context(), what)
	if err != nil {
		a.writeProblem(hc, err)
		return
	}
	bypass := bypasses(r)
	anyAnswer := false
	if conditional(r) {
		if !bypass && fresh.matches(r.Header["If-None-Match"]) {
			fresh.notModified(w)
			return
		}
		anyAnswer = !bypass && fresh.known && asksForAny(r)
	} else {
		fresh.etag, fresh.control = "", noStore // a body asked for it, of which no cache knows
	}
	var coding *coding
	if format.Text {
		coding = codingFor(headerList(hc, "Accept-Encoding"))
	}
	read := reading.Run
	if reading.FromPieces != nil && fresh.known && !bypass && format.Text {
		read = reading.FromPieces
	}
	run := func(hc huma.Context) { a.run(hc, reading, in, fresh.known, read) }
	if a.Cache == nil || !fresh.known || bypass || reading.Export || !r.ProtoAtLeast(1, 1) {
		if anyAnswer {
			a.exists(hc, reading, fresh)
			return
		}
		if a.Cache != nil {
			w.Header().Set(cacheHeader, cacheBypass)
		}
		run(withFreshness(hc, fresh))
		return
	}
	paged := hasPages(hc.Operation())
	if conditional(r) && !reading.Relative {
		a.remember(r, &remembered{asked: what, of: hc.Operation().OperationID, coding: coding, paged: paged})
	}
	s := &serving{a, w, r, fresh, coding, paged}
	answer, large := s.find()
	switch {
	case answer != nil && anyAnswer:
		fresh.notModified(w)
	case answer != nil:
		s.serve(answer, cacheHit)
	case anyAnswer:
		a.exists(hc, reading, fresh)
	case large, r.Method == http.MethodHead:
		w.Header().Set(cacheHeader, cacheMiss)
		run(withFreshness(hc, fresh))
	default:
		s.share(hc, run)
	}
}

// run reads, and writes what was read.
func (a *API) run(hc huma.Context, reading *catalog.Reading, in *FormatInput, known bool, read func(context.Context) (*contracts.Frame, error)) {
	frame, err := read(store.WithPurpose(hc.Context(), hc.Operation().OperationID))
	if known {
		a.Tables.Sizes.Follow(reading.Tables) // from now on nothing else is read for the answer
	}
	if err != nil {
		a.writeProblem(hc, err)
		return
	}
	frame.Source.Context.RequestID = requestID(hc.Context())
	a.writeFrame(hc, frame, in)
}

// exists answers that the client has an answer, whichever that is, if there is one: that a
// request is sound does not say that it does not fail. It sees as much as a HEAD does.
func (a *API) exists(hc huma.Context, reading *catalog.Reading, fresh freshness) {
	frame, err := reading.Run(store.WithPurpose(hc.Context(), hc.Operation().OperationID))
	if err == nil {
		defer frame.Close()
		_, err = frame.Settle()
	}
	if err != nil {
		a.writeProblem(hc, err)
		return
	}
	_, w := humachi.Unwrap(hc)
	fresh.notModified(w)
}

type freshnessKey struct{}

// withFreshness has the answer say how fresh it is, once it is one.
func withFreshness(hc huma.Context, f freshness) huma.Context {
	return huma.WithValue(hc, freshnessKey{}, f)
}

// serving is a request that may be served from what is kept.
type serving struct {
	*API
	w      http.ResponseWriter
	r      *http.Request
	fresh  freshness
	coding *coding // nil for none
	paged  bool    // whether the next page has a link
}

func (s *serving) codingName() string {
	if s.coding == nil {
		return ""
	}
	return s.coding.name
}

// find looks for an answer that is kept, if only in another coding. large tells that it is
// one that is never kept.
func (s *serving) find() (answer *cache.Answer, large bool) {
	want := s.codingName()
	if answer, large = s.Cache.Get(s.fresh.key, want); answer != nil || large {
		return answer, large
	}
	for _, other := range []string{"", codings[0].name, codings[1].name} {
		if other == want {
			continue
		}
		// What is too large in another coding may not be in this one.
		if answer, _ = s.Cache.Get(s.fresh.key, other); answer != nil {
			return s.recode(answer), false
		}
	}
	return nil, false
}

// serve sends a whole answer.
func (s *serving) serve(a *cache.Answer, from string) {
	h := s.w.Header()
	copyFields(h, a.Header)
	s.fresh.set(h)
	h.Set(cacheHeader, from)
	h.Set("Content-Length", strconv.Itoa(len(a.Body)))
	s.link(h)
	s.w.WriteHeader(http.StatusOK)
	if s.r.Method == http.MethodHead {
		return
	}
	s.send(a.Body)
}

// link links to the next page, if the answer says where it begins: another link for each
// client, since it holds the request's own parameters.
func (s *serving) link(h http.Header) {
	if cursor := h.Get(nextCursorHeader); cursor != "" && s.paged {
		h.Set("Link", nextLink(s.r.URL, cursor))
	}
}

// copyFields puts fields into a header. Other parts of the program may vary an answer too.
func copyFields(h http.Header, fields []cache.Field) {
	for _, f := range fields {
		if f.Name == "Vary" {
			h.Add(f.Name, f.Value)
		} else {
			h.Set(f.Name, f.Value)
		}
	}
}

// send sends a piece of a body; a client that takes nothing is given up.
func (s *serving) send(p []byte) {
	if _, err := (patient{s.w, http.NewResponseController(s.w)}).Write(p); err != nil {
		panic(http.ErrAbortHandler)
	}
}

// nextLink links to the next page: the same request with another cursor. The link is relative,
// a query alone, so that it holds behind any proxy.
func nextLink(u *url.URL, cursor string) string {
	query := u.Query()
	query.Set("cursor", cursor)
	return "<?" + query.Encode() + `>; rel="next"`
}

// hasPages tells whether an operation has pages that a link leads through. A request with a body
// has no such link.
func hasPages(op *huma.Operation) bool {
	return slices.ContainsFunc(op.Parameters, func(p *huma.Param) bool { return p.Name == "cursor" })
}

// patient writes to a client that is slow but takes what it gets.
type patient struct {
	w        io.Writer
	deadline *http.ResponseController
}

// Write implements io.Writer, in small pieces, so that such a client is not taken for one
// that takes nothing.
func (b patient) Write(p []byte) (written int, err error) {
	for len(p) > 0 && err == nil {
		// A writer that knows no deadlines, as in some tests, has none.
		_ = b.deadline.SetWriteDeadline(time.Now().Add(stalled))
		var n int
		n, err = b.w.Write(p[:min(len(p), pieceSize)])
		written, p = written+n, p[n:]
	}
	return written, err
}

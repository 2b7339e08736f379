package routes

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"runtime/debug"
	"slices"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humachi"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

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
	what := asked{key: reading.Key.With(format.Name, in.Compression, in.Download), tables: reading.Tables, caching: reading.Caching}
	if reading.Range != nil && reading.Range.To != nil {
		what.until = *reading.Range.To
	}
	fresh, err := a.freshness(hc.Context(), what)
	if err != nil {
		a.writeProblem(hc, err)
		return
	}
	bypass := bypasses(r)
	if conditional(r) {
		if !bypass && fresh.matches(r.Header["If-None-Match"]) {
			fresh.notModified(w)
			return
		}
	} else {
		fresh.etag, fresh.control = "", noStore // a body asked for it, of which no cache knows
	}
	var coding *coding
	if format.Text {
		coding = codingFor(headerList(hc, "Accept-Encoding"))
	}
	run := func(hc huma.Context) { a.run(hc, reading, in) }
	if a.Cache == nil || !fresh.known || bypass || reading.Export || !r.ProtoAtLeast(1, 1) {
		if a.Cache != nil {
			w.Header().Set(cacheHeader, cacheBypass)
		}
		run(withFreshness(hc, fresh))
		return
	}
	paged := hasPages(hc.Operation())
	if conditional(r) && !reading.Relative {
		a.remember(r, &remembered{what, coding, paged, nil})
	}
	s := &serving{a, w, r, fresh, coding, paged}
	answer, large := s.find()
	switch {
	case answer != nil:
		s.serve(answer, cacheHit)
	case large, r.Method == http.MethodHead:
		w.Header().Set(cacheHeader, cacheMiss)
		run(withFreshness(hc, fresh))
	default:
		s.share(hc, run)
	}
}

// run reads, and writes what was read.
func (a *API) run(hc huma.Context, reading *catalog.Reading, in *FormatInput) {
	frame, err := reading.Run(store.WithPurpose(hc.Context(), hc.Operation().OperationID))
	if err != nil {
		a.writeProblem(hc, err)
		return
	}
	frame.Source.Context.RequestID = requestID(hc.Context())
	a.writeFrame(hc, frame, in)
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

// recode is the answer in the coding that the client takes, and keeps it so: to unpack and
// pack a body is a small part of what it takes to ask for it.
func (s *serving) recode(a *cache.Answer) *cache.Answer {
	if a.Coding == s.codingName() || a.Coding == "" && len(a.Body) < worthCompressing {
		return a
	}
	body, err := unpacked(a)
	if err != nil {
		s.Logger.Error("an answer that was kept cannot be unpacked", "coding", a.Coding, "cause", err)
		return nil
	}
	recoded := &cache.Answer{Coding: s.codingName(), Body: body}
	for _, f := range a.Header {
		if f.Name != "Content-Encoding" {
			recoded.Header = append(recoded.Header, f)
		}
	}
	if s.coding != nil {
		var packed bytes.Buffer
		compressor := s.coding.open(&packed)
		defer s.coding.close(compressor)
		_, err = compressor.Write(body)
		if err == nil {
			err = compressor.Close()
		}
		if err != nil {
			s.Logger.Error("an answer that was kept cannot be packed", "coding", s.coding.name, "cause", err)
			return nil
		}
		recoded.Body = slices.Clone(packed.Bytes())
		recoded.Header = append(recoded.Header, cache.Field{Name: "Content-Encoding", Value: s.coding.name})
	}
	s.Cache.Put(s.fresh.key, s.codingName(), recoded)
	return recoded
}

// unpacked is the body of an answer without its coding.
func unpacked(a *cache.Answer) ([]byte, error) {
	switch a.Coding {
	case "":
		return a.Body, nil
	case "gzip":
		r, err := gzip.NewReader(bytes.NewReader(a.Body))
		if err != nil {
			return nil, err
		}
		return io.ReadAll(r)
	case "zstd":
		r, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1))
		if err != nil {
			return nil, err
		}
		defer r.Close()
		return r.DecodeAll(a.Body, nil)
	}
	return nil, fmt.Errorf("coding %q", a.Coding)
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

// share has an answer made for all who ask for it now, or waits for one that is being made.
func (s *serving) share(hc huma.Context, run func(huma.Context)) {
	ctx := s.r.Context()
	flight, leader, answer := s.Cache.Join(hc.Context(), s.fresh.key, s.codingName(), func(ctx context.Context, f *cache.Flight) {
		s.fly(ctx, hc.Operation(), f, run)
	})
	if answer != nil {
		s.serve(answer, cacheHit)
		return
	}
	defer flight.Leave(leader)
	if leader {
		s.lead(flight)
		return
	}
	result, ok := flight.Wait(ctx)
	switch {
	case ctx.Err() != nil:
	case !ok, result.Status == http.StatusTooManyRequests:
		// It is no answer for us: too large to be kept, or broken off; or the one who asked first
		// has had more than enough turns, which is not our affair.
		s.w.Header().Set(cacheHeader, cacheMiss)
		run(withFreshness(hc, s.fresh))
	case result.Answer != nil:
		if answer := s.recode(result.Answer); answer != nil {
			s.serve(answer, cacheHit)
			return
		}
		run(withFreshness(hc, s.fresh))
	default:
		// The failure of one is that of all who asked.
		copyFields(s.w.Header(), result.Header)
		s.w.WriteHeader(result.Status)
		s.send(result.Body)
	}
}

// lead sends the client an answer as it is made.
func (s *serving) lead(f *cache.Flight) {
	ctx := s.r.Context()
	status, header, ok := f.Head(ctx)
	if !ok {
		panic(http.ErrAbortHandler)
	}
	h := s.w.Header()
	copyFields(h, header)
	if status == http.StatusOK {
		s.fresh.set(h)
		h.Set(cacheHeader, cacheMiss)
	}
	s.link(h)
	s.w.WriteHeader(status)
	for {
		piece, whole, tail := f.Next(ctx)
		switch {
		case len(piece) > 0:
			s.send(piece)
			f.Had(len(piece))
		case whole:
			for _, field := range tail {
				h.Set(field.Name, field.Value)
			}
			return
		default:
			panic(http.ErrAbortHandler)
		}
	}
}

// fly makes the answer of a flight.
func (s *serving) fly(ctx context.Context, op *huma.Operation, f *cache.Flight, run func(huma.Context)) {
	w := &flightWriter{flight: f, header: http.Header{}}
	r := s.r.WithContext(ctx)
	defer func() {
		fault := recover()
		if fault == nil || fault == http.ErrAbortHandler {
			return // what it broke off with stands in the log
		}
		s.Logger.Error("panic", "fault", fault, "stack", string(debug.Stack()), "request", requestID(ctx))
		if !w.begun {
			s.answer(w, r, contracts.AsError(fmt.Errorf("panic: %v", fault)))
			w.finish()
		}
	}()
	run(humachi.NewContext(op, r, w))
	w.finish()
}

// flightWriter writes an answer into a flight.
type flightWriter struct {
	flight *cache.Flight
	header http.Header
	begun  bool
}

// fields are the headers as they stand now, but for those that are another for each client,
// and for the announcement of trailers when there is nothing more to be announced.
func (w *flightWriter) fields(begin bool) []cache.Field {
	var fields []cache.Field
	for name, values := range w.header {
		if len(values) == 1 && name != "Link" && (begin || name != "Trailer") {
			fields = append(fields, cache.Field{Name: name, Value: values[0]})
		}
	}
	return fields
}

// Header implements http.ResponseWriter.
func (w *flightWriter) Header() http.Header { return w.header }

// WriteHeader implements http.ResponseWriter.
func (w *flightWriter) WriteHeader(status int) {
	if w.begun {
		return
	}
	w.begun = true
	w.flight.Begin(status, w.fields(true))
}

// Write implements http.ResponseWriter.
func (w *flightWriter) Write(p []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	return w.flight.Write(p)
}

func (w *flightWriter) finish() {
	w.WriteHeader(http.StatusOK)
	w.flight.Finish(w.fields(false))
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

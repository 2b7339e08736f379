package routes

import (
	"context"
	"fmt"
	"net/http"
	"runtime/debug"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humachi"

	"framehouse/internal/cache"
	"framehouse/internal/contracts"
	"framehouse/internal/fair"
)

// rounds is how often a request waits for what others ask for, and gets the refusal of one of
// them, before it asks for itself whoever else does. In a queue that is full, many who ask for
// one thing are one request once more.
const rounds = 2

// share has an answer made for all who ask for it now, or waits for one that is being made.
func (s *serving) share(hc huma.Context, run func(huma.Context)) {
	op := hc.Operation()
	for again := rounds; again > 0; again-- {
		flight, leader, answer := s.Cache.Join(hc.Context(), s.fresh.key, op.OperationID, s.codingName(), func(ctx context.Context, f *cache.Flight) {
			s.fly(ctx, op, f, run)
		})
		switch {
		case leader:
			defer flight.Leave(true)
			s.lead(flight)
			return
		case answer != nil:
			if s.serveRecoded(answer) {
				return
			}
			again = 0
		default:
			served, refused := s.ride(flight)
			if served {
				return
			}
			if !refused {
				again = 0
			}
		}
	}
	s.w.Header().Set(cacheHeader, cacheMiss)
	run(withFreshness(hc, s.fresh))
}

// ride waits for an answer that is being made for another, and sends it. It is not served when
// that is none for us; refused tells that it was a refusal that concerns the other alone.
func (s *serving) ride(flight *cache.Flight) (served, refused bool) {
	ctx := s.r.Context()
	fair.Join(flight.Context(), ctx) // so that we wait for no line of another caller
	result, ok := flight.Wait(ctx)
	flight.Leave(false) // whatever we do now, the flight is not for us any more
	switch {
	case ctx.Err() != nil:
		// To return without a word would be an answer: 200, and empty. A client that has
		// only closed its sending side, or is there when we stop, would believe it.
		panic(http.ErrAbortHandler)
	case !ok:
		return false, false // too large to be kept, or broken off
	case result.Answer != nil:
		return s.serveRecoded(result.Answer), false
	case result.Status == http.StatusTooManyRequests:
		return false, true
	}
	// Any other failure of one is that of all who asked.
	copyFields(s.w.Header(), result.Header)
	s.w.WriteHeader(result.Status)
	s.send(result.Body)
	return true, false
}

// serveRecoded sends an answer in the coding that the client takes, if it can be had.
func (s *serving) serveRecoded(answer *cache.Answer) bool {
	if answer = s.recode(answer); answer != nil {
		s.serve(answer, cacheHit)
	}
	return answer != nil
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

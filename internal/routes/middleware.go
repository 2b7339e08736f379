package routes

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/http"
	"regexp"
	"runtime/debug"
	"time"

	"github.com/go-chi/chi/v5/middleware"

	"framehouse/internal/contracts"
)

type requestIDKey struct{}

// clientID is what a request id from a client may look like; it is repeated in headers
// and in the log.
var clientID = regexp.MustCompile(`^[A-Za-z0-9._-]{1,64}$`)

// identify gives each request an id: the client's own, if it sent a sound one.
func identify(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id := r.Header.Get("X-Request-Id")
		if !clientID.MatchString(id) {
			id = rand.Text()
		}
		w.Header().Set("X-Request-Id", id)
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), requestIDKey{}, id)))
	})
}

func requestID(ctx context.Context) string {
	id, _ := ctx.Value(requestIDKey{}).(string)
	return id
}

// logAccess writes a line for each request. Parameters are left out: they are the
// client's data.
func (a *API) logAccess(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start := time.Now()
		seen := middleware.NewWrapResponseWriter(w, r.ProtoMajor)
		defer func() {
			status := seen.Status()
			if status == 0 || r.Context().Err() != nil {
				status = 499
			}
			a.Logger.Debug("request", "method", r.Method, "path", r.URL.Path, "status", status,
				"bytes", seen.BytesWritten(), "took", time.Since(start), "request", requestID(r.Context()))
		}()
		next.ServeHTTP(seen, r)
	})
}

// recoverPanic turns a fault of ours into a 500, if nothing was sent yet. An aborted
// answer is no fault: it passes on to the server, which breaks the connection off.
func (a *API) recoverPanic(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			fault := recover()
			if fault == nil {
				return
			}
			if fault == http.ErrAbortHandler {
				panic(fault)
			}
			a.Logger.Error("panic", "fault", fault, "stack", string(debug.Stack()), "request", requestID(r.Context()))
			if seen, ok := w.(middleware.WrapResponseWriter); ok && seen.Status() != 0 {
				panic(http.ErrAbortHandler)
			}
			a.answer(w, r, contracts.AsError(fmt.Errorf("panic: %v", fault)))
		}()
		next.ServeHTTP(w, r)
	})
}

package routes

import (
	"net"
	"net/http"
	"net/netip"

	"framehouse/internal/fair"
	"framehouse/internal/timing"
)

// serverTiming is the header that says what an answer took.
const serverTiming = "Server-Timing"

// observe makes each request one of a caller, whose turn it is or not, and says in its answer,
// whatever that is, what took how long. Of what is streamed the header knows what was known
// when it left.
func observe(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, recorder := timing.With(fair.With(r.Context(), callerOf(r.RemoteAddr)))
		next.ServeHTTP(&timedWriter{ResponseWriter: w, recorder: recorder}, r.WithContext(ctx))
	})
}

// callerOf is who sent a request: its address, as long as nobody has a name. Headers that say
// something else are not believed; who could write one, could have as many turns as it likes.
// Of IPv6 one caller has a network of 64 bits, and any address in it.
func callerOf(remote string) string {
	host, _, err := net.SplitHostPort(remote)
	if err != nil {
		return remote
	}
	address, err := netip.ParseAddr(host)
	if err != nil || address.Unmap().Is4() {
		return host
	}
	network, err := address.WithZone("").Prefix(64)
	if err != nil {
		return host
	}
	return network.String()
}

// timedWriter adds serverTiming to the headers as they leave.
type timedWriter struct {
	http.ResponseWriter
	recorder *timing.Recorder
	begun    bool
}

func (w *timedWriter) WriteHeader(status int) {
	if !w.begun && status >= http.StatusOK {
		w.begun = true
		if from := w.Header().Get(cacheHeader); from != "" {
			w.recorder.Describe("cache", from)
		}
		w.Header().Set(serverTiming, w.recorder.Header())
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *timedWriter) Write(p []byte) (int, error) {
	if !w.begun {
		w.WriteHeader(http.StatusOK)
	}
	return w.ResponseWriter.Write(p)
}

// Flush implements http.Flusher, which wrappers look for before they look for Unwrap.
func (w *timedWriter) Flush() {
	if !w.begun {
		w.WriteHeader(http.StatusOK)
	}
	_ = http.NewResponseController(w.ResponseWriter).Flush()
}

// Unwrap lets http.ResponseController find deadlines.
func (w *timedWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

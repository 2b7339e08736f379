package routes

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"regexp"
	"testing"
	"time"

	"framehouse/internal/contracts"
	"framehouse/internal/timing"
)

func TestCaller(t *testing.T) {
	t.Parallel()
	for remote, want := range map[string]string{
		"192.0.2.7:4711":              "192.0.2.7",
		"[::ffff:192.0.2.7]:4711":     "::ffff:192.0.2.7", // the same client never comes as both, since a listener is of one kind
		"[2001:db8:1:2:3:4:5:6]:4711": "2001:db8:1:2::/64",
		"[2001:db8:1:2::9]:80":        "2001:db8:1:2::/64",
		"[fe80::1%eth0]:80":           "fe80::/64",
		"@":                           "@",
		"":                            "",
	} {
		if got := callerOf(remote); got != want {
			t.Errorf("%q: got %q, want %q", remote, got, want)
		}
	}
}

// Every answer says what it took, whoever writes it.
func TestServerTiming(t *testing.T) {
	t.Parallel()
	good := regexp.MustCompile(`^(queue;dur=3\.0, )?total;dur=\d+\.\d$`)
	server := serve(t, func(ctx context.Context, in *FormatInput) (*contracts.Frame, error) {
		timing.From(ctx).Add("queue", 3*time.Millisecond)
		if in.Download != "" {
			panic("a fault")
		}
		return contracts.NewFrame([]contracts.Field{{Key: "text", Type: contracts.TypeString}}, &ending{newFailing(0), 100}, contracts.NoLimit), nil
	})
	for _, request := range []struct {
		method, path string
		status       int
	}{
		{"GET", "/test", 200}, {"HEAD", "/test", 200}, {"GET", "/test?format=csv", 200}, {"GET", "/test?download=1", 500},
		{"GET", "/test?nothing=1", 422}, {"GET", "/test?format=exe", 406}, {"POST", "/test", 405}, {"GET", "/nothing", 404},
		{"GET", "/health", 200}, {"GET", "/openapi.json", 200},
	} {
		r, err := http.NewRequestWithContext(t.Context(), request.method, server.URL+request.path, nil)
		if err != nil {
			t.Fatal(err)
		}
		response, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, response.Body)
		response.Body.Close()
		if got := response.Header.Values(serverTiming); len(got) != 1 || !good.MatchString(got[0]) || response.StatusCode != request.status {
			t.Errorf("%s %s: status %d, %s %q", request.method, request.path, response.StatusCode, serverTiming, got)
		}
	}
}

// BenchmarkObserve is what observing adds to an answer.
func BenchmarkObserve(b *testing.B) {
	answer := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(http.StatusOK) })
	request := httptest.NewRequest(http.MethodGet, "/health", nil)
	for name, handler := range map[string]http.Handler{"without": answer, "with": observe(answer), "health": newBenchAPI()} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				handler.ServeHTTP(discarding{http.Header{}}, request)
			}
		})
	}
}

func newBenchAPI() http.Handler { return New(Services{Logger: slog.New(slog.DiscardHandler)}) }

// discarding is a client that reads nothing.
type discarding struct{ header http.Header }

func (d discarding) Header() http.Header         { return d.header }
func (d discarding) WriteHeader(int)             {}
func (d discarding) Write(p []byte) (int, error) { return len(p), nil }

package main

import (
	"io"
	"log/slog"
	"net/http"
	"testing"
)

// BenchmarkSmallRequest is what a dashboard asks for: a short range by key, on a
// connection that is kept. Allocations are those of client and server together.
func BenchmarkSmallRequest(b *testing.B) {
	app, err := Open(b.Context(), Config{
		Listen: "127.0.0.1:0", Demo: true, DataDir: b.TempDir(),
		Logger: slog.New(slog.DiscardHandler), Progress: func(string) {},
	})
	if err != nil {
		b.Fatal(err)
	}
	defer app.Close()
	b.ReportAllocs()
	for b.Loop() {
		request, err := http.NewRequestWithContext(b.Context(), http.MethodGet, app.URL()+"/v1/nodes/sp500/rows?from=2008-01-01&to=2013-12-31", nil)
		if err != nil {
			b.Fatal(err)
		}
		request.Header.Set("Accept-Encoding", "identity")
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			b.Fatal(err)
		}
		n, err := io.Copy(io.Discard, response.Body)
		response.Body.Close()
		if err != nil || n < 10_000 {
			b.Fatal(n, err)
		}
	}
}

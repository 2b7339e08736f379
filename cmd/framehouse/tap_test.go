package main

import (
	"bytes"
	"context"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"strings"
	"sync"
	"testing"

	"framehouse/internal/store/storetest"
)

// tap stands between an App and ClickHouse, counts what is read there, and can hold it up or
// let it fail.
type tap struct {
	address string

	mu    sync.Mutex
	reads int
	hold  chan struct{} // while not nil, reads wait until it is closed
	fail  bool          // whether reads fail
	gone  int           // reads whose client left while they were held
}

func newTap(t *testing.T) *tap {
	t.Helper()
	engine := storetest.Engine(t)
	proxy := &httputil.ReverseProxy{
		FlushInterval: -1,
		ErrorLog:      log.New(io.Discard, "", 0), // of reads that are given up
		Rewrite: func(r *httputil.ProxyRequest) {
			r.Out.URL.Scheme, r.Out.URL.Host = "http", "engine"
		},
		Transport: &http.Transport{
			MaxIdleConnsPerHost: 100,
			DialContext:         func(ctx context.Context, _, addr string) (net.Conn, error) { return engine.DialContext(ctx, addr) },
		},
	}
	tapped := &tap{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// Whether a client is still there is known once its request is read.
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		// Reads alone are answered in Arrow; what framehouse asks for itself is not.
		if strings.Contains(r.URL.RawQuery, "default_format=ArrowStream") && !tapped.read(r.Context()) {
			http.Error(w, "Code: 999. DB::Exception: this one fails", http.StatusInternalServerError)
			return
		}
		proxy.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	tapped.address = strings.TrimPrefix(server.URL, "http://")
	return tapped
}

func (p *tap) read(ctx context.Context) (ok bool) {
	p.mu.Lock()
	p.reads++
	hold, fail := p.hold, p.fail
	p.mu.Unlock()
	if hold != nil {
		select {
		case <-hold:
		case <-ctx.Done():
			p.mu.Lock()
			p.gone++
			p.mu.Unlock()
		}
	}
	return !fail
}

// set changes something, and starts to count anew.
func (p *tap) set(change func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.reads, p.gone = 0, 0
	change()
}

func (p *tap) counted() (reads, gone int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.reads, p.gone
}

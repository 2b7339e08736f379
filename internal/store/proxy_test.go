package store

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"framehouse/internal/store/storetest"
)

// proxy stands between a Store and the engine and does what a real ClickHouse can't be
// made to do: end an answer at a certain byte, send it in crumbs, or say nothing.
type proxy struct {
	*httptest.Server
	engine http.Transport
	conns  atomic.Int64 // open now
	asked  atomic.Int64 // requests so far
	// edit writes the body of an Arrow answer; nil writes it as it is. It may panic with
	// http.ErrAbortHandler, which breaks the connection.
	edit atomic.Pointer[func(w http.ResponseWriter, body io.Reader)]
	// silent makes the proxy take requests and answer none.
	silent atomic.Bool
}

func startProxy(t testing.TB) *proxy {
	t.Helper()
	e := storetest.Engine(t)
	p := &proxy{engine: http.Transport{
		DisableCompression: true,
		DialContext:        func(ctx context.Context, _, addr string) (net.Conn, error) { return e.DialContext(ctx, addr) },
	}}
	p.Server = httptest.NewUnstartedServer(p)
	p.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		switch state {
		case http.StateNew:
			p.conns.Add(1)
		case http.StateClosed:
			p.conns.Add(-1)
		}
	}
	p.Start()
	t.Cleanup(func() {
		p.CloseClientConnections()
		p.Close()
		p.engine.CloseIdleConnections()
	})
	return p
}

func (p *proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.asked.Add(1)
	// Read before anything is answered: what is not, the server of the Go library takes
	// away from under the request to the engine.
	body, err := io.ReadAll(r.Body)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	if p.silent.Load() {
		<-r.Context().Done()
		panic(http.ErrAbortHandler)
	}
	out := r.Clone(r.Context())
	out.URL.Scheme, out.URL.Host, out.RequestURI = "http", "engine", ""
	out.Body = io.NopCloser(bytes.NewReader(body))
	answer, err := p.engine.RoundTrip(out)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	defer answer.Body.Close()
	for name, values := range answer.Header {
		w.Header()[name] = values
	}
	w.WriteHeader(answer.StatusCode)
	if edit := p.edit.Load(); edit != nil && strings.HasPrefix(answer.Header.Get("X-ClickHouse-Format"), "Arrow") {
		(*edit)(w, answer.Body)
		return
	}
	// Byte by byte as they come, like a connection.
	for buffer := make([]byte, 32<<10); ; {
		n, err := answer.Body.Read(buffer)
		w.Write(buffer[:n])
		http.NewResponseController(w).Flush()
		if err == io.EOF {
			return
		}
		if err != nil {
			panic(http.ErrAbortHandler)
		}
	}
}

// server is the proxy as a Server; its hosts may be followed by others.
func (p *proxy) server(t testing.TB, database string, others ...string) Server {
	s := server(t, database)
	s.Dial = nil
	s.Hosts = append([]string{p.addr()}, others...)
	return s
}

func (p *proxy) addr() string { return p.Listener.Addr().String() }

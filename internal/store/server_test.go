package store

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"framehouse/internal/contracts"
	"framehouse/internal/store/engine"
	"framehouse/internal/store/sql"
)

// refusing is the address of a host that is down.
func refusing(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().String()
}

func ping(t *testing.T, s *Store) error {
	t.Helper()
	_, err := s.Ping(t.Context())
	return err
}

func TestHostsAtStart(t *testing.T) {
	t.Parallel()
	p := startProxy(t)
	for name, hosts := range map[string][]string{
		"the first is down":     {refusing(t), p.addr()},
		"the second is down":    {p.addr(), refusing(t)},
		"all but one are down":  {refusing(t), refusing(t), p.addr(), refusing(t)},
		"a name that is no one": {"no-such-host.invalid:8123", p.addr()},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := p.server(t, "default")
			cfg.Hosts = hosts
			s := open(t, Config{Server: cfg})
			for range 3 {
				if err := ping(t, s); err != nil {
					t.Error(err)
				}
			}
		})
	}
}

func TestHostGoesDownLater(t *testing.T) {
	t.Parallel()
	for name, first := range map[string]bool{"the first": true, "the second": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a, b := startProxy(t), startProxy(t)
			s := open(t, Config{Server: a.server(t, "default", b.addr())})
			if err := ping(t, s); err != nil || a.asked.Load() == 0 || b.asked.Load() != 0 {
				t.Fatalf("%v, with %d and %d requests", err, a.asked.Load(), b.asked.Load())
			}
			down, up := b, a
			if first {
				down, up = a, b
			}
			down.CloseClientConnections()
			down.Listener.Close()
			before := up.asked.Load()
			for range 5 {
				if err := ping(t, s); err != nil {
					t.Error(err)
				}
			}
			if up.asked.Load() < before+5 {
				t.Error("the host that is up was not asked")
			}
		})
	}
}

// A host that swallows what it is sent leaves time for the others.
func TestHostThatSwallows(t *testing.T) {
	t.Parallel()
	p := startProxy(t)
	cfg := p.server(t, "default")
	cfg.Hosts = []string{"192.0.2.1:8123", p.addr()}
	cfg.Dial = func(ctx context.Context, host string) (net.Conn, error) {
		if host == p.addr() {
			return new(net.Dialer).DialContext(ctx, "tcp", host)
		}
		<-ctx.Done()
		return nil, ctx.Err()
	}
	s := open(t, Config{Server: cfg})
	if err := ping(t, s); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	if err := ping(t, s); err != nil || time.Since(began) > time.Second {
		t.Errorf("the host that answered is not the first to be asked: %v after %s", err, time.Since(began))
	}
}

func TestServerIsDown(t *testing.T) {
	t.Parallel()
	s := open(t, Config{Server: Server{Hosts: []string{refusing(t), refusing(t)}, User: "u", Password: "SECRET", Database: "default"}})
	for range 2 {
		e := wantCode(t, ping(t, s), contracts.CodeUnavailable)
		if strings.Contains(e.Error(), "SECRET") {
			t.Errorf("%v tells of the password", e)
		}
	}
}

// A server that takes requests and answers none is an outage, and all who wait learn of
// it within the time of one.
func TestServerIsSilent(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close() // it never accepts; the kernel does
	s := open(t, Config{Server: Server{Hosts: []string{listener.Addr().String()}, User: "u", Database: "default"}, QueryTimeout: time.Second})
	began := time.Now()
	var wait sync.WaitGroup
	for range 20 {
		wait.Go(func() {
			_, err := countRows(t.Context(), s, "SELECT 1")
			if err == nil || contracts.AsError(err).Code != contracts.CodeUnavailable {
				t.Errorf("got %v", err)
			}
		})
	}
	wait.Wait()
	if took := time.Since(began); took > dialTimeout+2*time.Second {
		t.Errorf("the last of 20 learned of it after %s", took)
	}
}

// A server that falls silent later is one too, at the start of an answer and in its middle.
func TestServerFallsSilent(t *testing.T) {
	t.Parallel()
	p := startProxy(t)
	cfg := Config{Server: p.server(t, "default"), QueryTimeout: time.Second}
	s := open(t, cfg)
	if err := ping(t, s); err != nil {
		t.Fatal(err)
	}
	pause := func(w http.ResponseWriter, body io.Reader) {
		io.CopyN(w, body, 1000)
		http.NewResponseController(w).Flush()
		<-t.Context().Done()
	}
	for _, silence := range []struct {
		name string
		fall func()
	}{
		// The store has no connection for reads yet, then one that has been used.
		{"on a new connection", func() { p.silent.Store(true) }},
		{"in the middle", func() { p.edit.Store(&pause) }},
		{"at the start", func() { p.silent.Store(true) }},
	} {
		p.silent.Store(false)
		silence.fall()
		began := time.Now()
		_, err := countRows(t.Context(), s, millionRows)
		wantCode(t, err, contracts.CodeUnavailable)
		if took := time.Since(began); took > cfg.QueryTimeout+grace+2*time.Second {
			t.Errorf("%s: took %s", silence.name, took)
		}
	}
}

// After a restart, connections that are dead and what is known of the server do no harm.
func TestRestart(t *testing.T) {
	t.Parallel()
	e, err := engine.Open(t.Context(), engine.Config{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	s := open(t, Config{Server: Server{Hosts: []string{"127.0.0.1:8123"}, User: e.User(), Password: e.Password(), Database: e.Database(), Dial: e.DialContext, Local: true}})
	var wait sync.WaitGroup
	for range 8 {
		wait.Go(func() {
			if _, err := countRows(t.Context(), s, millionRows); err != nil {
				t.Error(err)
			}
		})
	}
	wait.Wait()
	child, err := os.FindProcess(e.Pid())
	if err != nil {
		t.Fatal(err)
	}
	child.Kill()
	eventually(t, 30*time.Second, "the engine is back", func() bool { return e.Health() == nil && e.Pid() != child.Pid })
	for range 8 {
		if rows, err := countRows(t.Context(), s, "SELECT 1 AS one"); rows != 1 || err != nil {
			t.Errorf("%d rows, %v", rows, err)
		}
	}
}

// Each host is known by its own name, and a stranger's certificate is refused.
func TestTLS(t *testing.T) {
	t.Parallel()
	p := startProxy(t)
	certFile, keyFile := certificate(t, "clickhouse.test")
	pair, err := tls.LoadX509KeyPair(certFile, keyFile)
	if err != nil {
		t.Fatal(err)
	}
	secured := httptest.NewUnstartedServer(p)
	secured.Config.ErrorLog = log.New(io.Discard, "", 0) // of the handshakes that must fail
	secured.TLS = &tls.Config{Certificates: []tls.Certificate{pair}}
	secured.StartTLS()
	defer secured.Close()
	pem, err := os.ReadFile(certFile)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(pem)
	dial := func(ctx context.Context, host string) (net.Conn, error) {
		if strings.HasPrefix(host, "down.test") {
			return nil, &net.OpError{Op: "dial", Err: os.ErrDeadlineExceeded}
		}
		return new(net.Dialer).DialContext(ctx, "tcp", secured.Listener.Addr().String())
	}
	tests := []struct {
		name   string
		hosts  []string
		config *tls.Config
		ok     bool
	}{
		{"its name", []string{"clickhouse.test:8443"}, &tls.Config{RootCAs: pool}, true},
		{"the name of the second host", []string{"down.test:8443", "clickhouse.test:8443"}, &tls.Config{RootCAs: pool}, true},
		{"another name", []string{"other.test:8443"}, &tls.Config{RootCAs: pool}, false},
		{"the name it was told", []string{"other.test:8443"}, &tls.Config{RootCAs: pool, ServerName: "clickhouse.test"}, true},
		{"unknown to us", []string{"clickhouse.test:8443"}, &tls.Config{}, false},
		{"not to be verified", []string{"other.test:8443"}, &tls.Config{InsecureSkipVerify: true}, true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			cfg := p.server(t, "default")
			cfg.Hosts, cfg.TLS, cfg.Dial = test.hosts, test.config, dial
			err := ping(t, open(t, Config{Server: cfg}))
			if test.ok && err != nil {
				t.Error(err)
			} else if !test.ok {
				wantCode(t, err, contracts.CodeUnavailable)
			}
		})
	}
}

// Credentials go to the server that they are for, and to no other that it names.
func TestRedirect(t *testing.T) {
	t.Parallel()
	var stranger sync.Once
	got := ""
	other := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		stranger.Do(func() { got = r.Header.Get("X-ClickHouse-Key") })
	}))
	defer other.Close()
	redirecting := httptest.NewServer(http.RedirectHandler(other.URL, http.StatusTemporaryRedirect))
	defer redirecting.Close()
	s := open(t, Config{Server: Server{Hosts: []string{redirecting.Listener.Addr().String()}, User: "u", Password: "SECRET", Database: "default"}})
	err := ping(t, s)
	wantCode(t, err, contracts.CodeUnavailable)
	if !strings.Contains(err.Error(), "redirects") {
		t.Errorf("%v does not say why", err)
	}
	other.Close()
	if got != "" {
		t.Errorf("a stranger got %q", got)
	}
}

func TestTooManyAtOnce(t *testing.T) {
	t.Parallel()
	s := open(t, Config{Server: server(t, "default")})
	for range maxConnections {
		records, err := s.Query(t.Context(), sql.Statement{Text: "SELECT number FROM numbers(100000000000)"})
		if err != nil {
			t.Fatal(err)
		}
		defer records.Close()
	}
	_, err := s.Query(t.Context(), sql.Statement{Text: "SELECT 1"})
	wantCode(t, err, contracts.CodeTooManyRequests)
	// That is no outage, and must not look like one.
	if err := ping(t, s); err != nil {
		t.Errorf("ping: %v", err)
	}
}

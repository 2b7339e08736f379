package store

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
)

// Server is where a ClickHouse is and how to be let in. It speaks ClickHouse's HTTP
// interface, the one that answers in Arrow.
type Server struct {
	Hosts    []string // host:port; the first that can be reached is used
	User     string
	Password string
	Database string
	TLS      *tls.Config // nil for plain HTTP

	// Dial replaces the way to a host, for a server whose address changes.
	Dial func(ctx context.Context, host string) (net.Conn, error)
	// Local marks a server on this machine, where compressing answers costs more time
	// than it saves.
	Local bool
}

// nativePorts are what a URL for ClickHouse's other protocol gives away.
var nativePorts = map[string]string{"9000": "8123", "9440": "8443"}

// ParseURL reads http(s)://user:password@host:port,host:port/database with the TLS
// options skip_verify, ca, cert, key and tls_server_name. Its errors never hold the
// password.
func ParseURL(text string) (Server, error) {
	scheme, rest, found := strings.Cut(text, "://")
	if !found {
		return Server{}, errors.New("the URL of a ClickHouse looks like http://user:password@host:8123/database")
	}
	// A list of hosts is no valid URL, so the hosts are taken out before it is parsed.
	authorityEnd := strings.IndexAny(rest, "/?#")
	if authorityEnd < 0 {
		authorityEnd = len(rest)
	}
	userEnd := strings.LastIndex(rest[:authorityEnd], "@") + 1
	hosts := strings.Split(rest[userEnd:authorityEnd], ",")
	u, err := url.Parse("http://" + rest[:userEnd] + "host" + rest[authorityEnd:])
	if err != nil {
		return Server{}, errors.New("the ClickHouse URL cannot be read: are special characters in user or password percent-encoded?")
	}
	s := Server{User: u.User.Username(), Database: strings.Trim(u.Path, "/")}
	s.Password, _ = u.User.Password()
	if s.User == "" {
		s.User = "default"
	}
	if s.Database == "" {
		s.Database = "default"
	}
	secure := scheme == "https"
	defaultPort := map[bool]string{false: "8123", true: "8443"}[secure]
	for _, host := range hosts {
		name, port, err := splitHost(host, defaultPort)
		if err != nil {
			return Server{}, err
		}
		httpPort, native := nativePorts[port]
		if scheme != "http" && scheme != "https" || native {
			if httpPort == "" {
				httpPort = defaultPort
			}
			return Server{}, fmt.Errorf("framehouse speaks ClickHouse's HTTP interface, which answers in Arrow, and not its native protocol: write %s://%s/%s (with user:password@ before the host)",
				map[bool]string{false: "http", true: "https"}[secure || httpPort == "8443"], net.JoinHostPort(name, httpPort), s.Database)
		}
		s.Hosts = append(s.Hosts, net.JoinHostPort(name, port))
	}
	if secure {
		s.TLS = &tls.Config{MinVersion: tls.VersionTLS12}
	}
	if err := s.tlsOptions(u.Query()); err != nil {
		return Server{}, err
	}
	return s, nil
}

func splitHost(host, defaultPort string) (name, port string, err error) {
	if name, port, err = net.SplitHostPort(host); err != nil {
		name, port = strings.Trim(host, "[]"), defaultPort
	}
	if n, err := strconv.Atoi(port); name == "" || err != nil || n < 1 || n > 65535 {
		return "", "", fmt.Errorf("the ClickHouse URL names the host %q; write host or host:port", host)
	}
	return name, port, nil
}

func (s *Server) tlsOptions(query url.Values) error {
	known := []string{"skip_verify", "ca", "cert", "key", "tls_server_name"}
	for name := range query {
		if !slices.Contains(known, name) {
			return fmt.Errorf("the ClickHouse URL has the option %q; known are %s", name, strings.Join(known, ", "))
		}
		if s.TLS == nil {
			return fmt.Errorf("the ClickHouse URL has the TLS option %q, which goes with https", name)
		}
	}
	if text := query.Get("skip_verify"); text != "" {
		skip, err := strconv.ParseBool(text)
		if err != nil {
			return fmt.Errorf("skip_verify in the ClickHouse URL is %q; write true or false", text)
		}
		s.TLS.InsecureSkipVerify = skip
	}
	if name := query.Get("tls_server_name"); name != "" {
		s.TLS.ServerName = name
	}
	if file := query.Get("ca"); file != "" {
		pem, err := os.ReadFile(file)
		if err != nil {
			return fmt.Errorf("ca in the ClickHouse URL: %w", err)
		}
		s.TLS.RootCAs = x509.NewCertPool()
		if !s.TLS.RootCAs.AppendCertsFromPEM(pem) {
			return fmt.Errorf("ca in the ClickHouse URL: %s holds no PEM certificate", file)
		}
	}
	if cert, key := query.Get("cert"), query.Get("key"); cert != "" || key != "" {
		pair, err := tls.LoadX509KeyPair(cert, key)
		if err != nil {
			return fmt.Errorf("cert and key in the ClickHouse URL: %w", err)
		}
		s.TLS.Certificates = []tls.Certificate{pair}
	}
	return nil
}

// dialTimeout is how long one host may take to accept a connection.
const dialTimeout = 5 * time.Second

// options gives the driver one address. Which host stands behind it is decided at
// each dial, so that a host that goes down is left at the next connection and not
// when the driver happens to drop the old one.
func (s Server) options() *clickhouse.Options {
	hosts := &hosts{Server: s}
	options := &clickhouse.Options{
		Protocol:        clickhouse.HTTP,
		Addr:            s.Hosts[:1],
		Auth:            clickhouse.Auth{Database: s.Database},
		TLS:             s.TLS,
		DialTimeout:     dialTimeout,
		MaxOpenConns:    maxConnections,
		MaxIdleConns:    maxConnections,
		ConnMaxLifetime: time.Hour,
		DialContext:     hosts.dial,
		TransportFunc: func(t *http.Transport) (http.RoundTripper, error) {
			// The driver would wait this long for an answer's first byte; Store has a
			// limit of its own.
			t.ResponseHeaderTimeout = 0
			if s.TLS != nil {
				t.DialTLSContext = func(ctx context.Context, _, addr string) (net.Conn, error) {
					return hosts.dialTLS(ctx, addr)
				}
			}
			return transport{t, s.credentials()}, nil
		},
	}
	return options
}

// credentials travel as headers, which unlike a URL no error or access log repeats.
func (s Server) credentials() map[string]string {
	headers := map[string]string{"X-ClickHouse-User": s.User}
	switch {
	case s.Password != "":
		headers["X-ClickHouse-Key"] = s.Password
		headers["X-ClickHouse-SSL-Certificate-Auth"] = "off"
	case s.TLS != nil && len(s.TLS.Certificates) > 0:
		headers["X-ClickHouse-SSL-Certificate-Auth"] = "on"
	}
	return headers
}

// hosts dials the first host that can be reached, beginning with the last that could.
type hosts struct {
	Server
	good atomic.Int32
}

func (h *hosts) dial(ctx context.Context, addr string) (net.Conn, error) {
	conn, _, err := h.dialAny(ctx, addr)
	return conn, err
}

func (h *hosts) dialTLS(ctx context.Context, addr string) (net.Conn, error) {
	conn, host, err := h.dialAny(ctx, addr)
	if err != nil {
		return nil, err
	}
	config := h.TLS.Clone()
	if config.ServerName == "" {
		config.ServerName, _, _ = net.SplitHostPort(host)
	}
	secured := tls.Client(conn, config)
	if err := secured.HandshakeContext(ctx); err != nil {
		conn.Close()
		return nil, err
	}
	return secured, nil
}

func (h *hosts) dialAny(ctx context.Context, addr string) (conn net.Conn, host string, err error) {
	dial := h.Dial
	if dial == nil {
		dialer := &net.Dialer{Timeout: dialTimeout}
		dial = func(ctx context.Context, host string) (net.Conn, error) { return dialer.DialContext(ctx, "tcp", host) }
	}
	if addr != h.Hosts[0] {
		// A proxy that the environment names; it finds the host itself.
		conn, err = dial(ctx, addr)
		return conn, addr, err
	}
	first := int(h.good.Load())
	var errs []error
	for i := range h.Hosts {
		n := (first + i) % len(h.Hosts)
		if conn, err = dial(ctx, h.Hosts[n]); err == nil {
			h.good.Store(int32(n))
			return conn, h.Hosts[n], nil
		}
		errs = append(errs, err)
	}
	return nil, "", errors.Join(errs...)
}

// transport sends the driver's requests with our credentials, and lets a read be sent
// again when the connection that it was sent on turns out to be dead, as after a restart
// of ClickHouse. Go's transport does so by itself for requests that it is told are
// idempotent; an empty header tells it, and is not sent.
type transport struct {
	http.RoundTripper
	credentials map[string]string
}

type idempotentKey struct{}

func (t transport) RoundTrip(request *http.Request) (*http.Response, error) {
	request = request.WithContext(request.Context()) // a copy, to give it other headers
	request.Header = request.Header.Clone()
	request.Header.Del("Authorization") // the driver insists on a user; ClickHouse accepts one way only
	for name, value := range t.credentials {
		request.Header.Set(name, value)
	}
	if request.Context().Value(idempotentKey{}) != nil {
		request.Header["Idempotency-Key"] = nil
	}
	return t.RoundTripper.RoundTrip(request)
}

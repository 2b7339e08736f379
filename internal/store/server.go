package store

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
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

// dialTimeout is how long one host may take to accept a connection.
const dialTimeout = 5 * time.Second

// readBuffer is as much as one system call reads of a small answer.
const readBuffer = 32 << 10

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
			t.ReadBufferSize = readBuffer
			if s.TLS != nil {
				t.DialTLSContext = func(ctx context.Context, _, addr string) (net.Conn, error) {
					return hosts.dialTLS(ctx, addr)
				}
			}
			return transport{t, s.Hosts[0], s.credentials()}, nil
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

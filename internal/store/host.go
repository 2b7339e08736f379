package store

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
)

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
		// A host that swallows packets must leave time for the others.
		limited, cancel := context.WithTimeout(ctx, dialTimeout/time.Duration(len(h.Hosts)))
		conn, err = dial(limited, h.Hosts[n])
		cancel()
		if err == nil {
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
	*http.Transport // not http.RoundTripper: the driver closes connections through it
	host            string
	credentials     map[string]string
}

// readKey is where a context holds the settings of a read.
type readKey struct{}

// ofTheDriver are the settings that the driver adds to a request by itself: a time limit
// that follows from a deadline, and one that keeps failures out of formats. A read has
// its own, or must not have them.
var ofTheDriver = []string{maxExecutionTime, "http_write_exception_in_output_format"}

func (t transport) RoundTrip(request *http.Request) (*http.Response, error) {
	if request.URL.Host != t.host {
		return nil, fmt.Errorf("ClickHouse redirects to %s, which does not get our credentials", request.URL.Host)
	}
	request = request.WithContext(request.Context()) // a copy, to give it other headers
	request.Header = request.Header.Clone()
	request.Header.Del("Authorization") // the driver insists on a user; ClickHouse accepts one way only
	for name, value := range t.credentials {
		request.Header.Set(name, value)
	}
	if settings, ok := request.Context().Value(readKey{}).(clickhouse.Settings); ok {
		request.Header["Idempotency-Key"] = nil
		address, query := *request.URL, request.URL.Query()
		for _, name := range ofTheDriver {
			if value, ok := settings[name]; ok {
				query.Set(name, fmt.Sprint(value))
			} else {
				query.Del(name)
			}
		}
		address.RawQuery = query.Encode()
		request.URL = &address
	}
	return t.Transport.RoundTrip(request)
}

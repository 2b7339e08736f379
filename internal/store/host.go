package store

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
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

// transport sends the driver's requests with our credentials.
//
// Of a read it sends only the statement as the driver has it, and what goes with it as
// Store wrote it: the driver would take apart and put together the URL with all settings
// several times, and add some of its own. A read may be sent again when the connection
// that it was sent on turns out to be dead, as after a restart of ClickHouse. Go's
// transport does so by itself for requests that it is told are idempotent; an empty
// header tells it, and is not sent.
type transport struct {
	*http.Transport // not http.RoundTripper: the driver closes connections through it
	host            string
	credentials     map[string]string
}

// readKey is where a context holds a read.
type readKey struct{}

// read is what goes with a statement.
type read struct {
	format     string
	parameters string // all of them, encoded for a URL
}

// reading keeps the driver from looking for failures inside the answers of reads, which
// transport does. It is not sent.
var reading = clickhouse.Settings{"wait_end_of_query": 1}

// ofTheDriver are the settings that the driver adds to a request by itself: a time limit
// that follows from a deadline, and ours. A user may not be allowed to set them.
var ofTheDriver = []string{maxExecutionTime, "wait_end_of_query"}

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
	read, ok := request.Context().Value(readKey{}).(read)
	if !ok {
		return t.Transport.RoundTrip(request)
	}
	request.Header["Idempotency-Key"] = nil
	address := *request.URL
	request.URL = &address
	if !strings.Contains(address.RawQuery, "default_format="+read.format) {
		// Not the statement: the driver asks who the server is, on a new connection.
		query := address.Query()
		for _, name := range ofTheDriver {
			query.Del(name)
		}
		address.RawQuery = query.Encode()
		return t.Transport.RoundTrip(request)
	}
	address.RawQuery = read.parameters
	response, err := t.Transport.RoundTrip(request)
	if err == nil && response.StatusCode == http.StatusOK {
		response.Body = guard(response.Body, response.Header.Get(exceptionTag))
	}
	return response, err
}

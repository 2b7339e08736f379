package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"sync"
	"time"
)

// client is the one client of both: connections are kept, and nothing asks for
// compression, so that both send the bytes that they write.
var client = &http.Client{Transport: &http.Transport{
	DisableCompression:  true,
	MaxIdleConnsPerHost: 16,
	ReadBufferSize:      256 << 10,
}}

// ask is a request that can be sent again and again.
type ask func(ctx context.Context) (*http.Request, error)

// framehouse asks framehouse for a path with its parameters.
func (s *server) framehouse(path string) ask {
	return func(ctx context.Context) (*http.Request, error) {
		return http.NewRequestWithContext(ctx, http.MethodGet, s.url+path, nil)
	}
}

// clickHouse asks ClickHouse for a query by its HTTP interface. The settings are those
// besides its defaults.
func (s *server) clickHouse(query string, settings url.Values) ask {
	return s.clickHouseBy(http.MethodGet, query, settings)
}

func (s *server) clickHouseBy(method, query string, settings url.Values) ask {
	return func(ctx context.Context) (*http.Request, error) {
		values := url.Values{"query": {query}}
		for name, value := range settings {
			values[name] = value
		}
		r, err := http.NewRequestWithContext(ctx, method, s.clickHouseURL+"/?"+values.Encode(), nil)
		if err == nil {
			r.Header.Set("X-ClickHouse-User", "framehouse")
			r.Header.Set("X-ClickHouse-Key", s.password)
		}
		return r, err
	}
}

// exec runs a statement in ClickHouse.
func (s *server) exec(ctx context.Context, statement string) error {
	_, err := fetch(ctx, s.clickHouseBy(http.MethodPost, statement, nil), io.Discard)
	return err
}

// answer is what came back, besides its body.
type answer struct {
	size            int64
	took            time.Duration
	header, trailer http.Header
}

// copyBuffers are the buffers that answers are read into.
var copyBuffers = sync.Pool{New: func() any { b := make([]byte, 256<<10); return &b }}

// writerOnly keeps io.CopyBuffer from using a buffer that is not ours.
type writerOnly struct{ io.Writer }

// fetch sends a request and writes its answer to w. An answer that is no success or
// breaks off is an error.
func fetch(ctx context.Context, request ask, w io.Writer) (answer, error) {
	r, err := request(ctx)
	if err != nil {
		return answer{}, err
	}
	began := time.Now()
	response, err := client.Do(r)
	if err != nil {
		return answer{}, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(io.LimitReader(response.Body, 1<<10))
		return answer{}, fmt.Errorf("%s %s: %s: %s", r.Method, r.URL.Path, response.Status, text)
	}
	buffer := copyBuffers.Get().(*[]byte)
	defer copyBuffers.Put(buffer)
	size, err := io.CopyBuffer(writerOnly{w}, response.Body, *buffer)
	if err != nil {
		return answer{}, fmt.Errorf("%s %s: after %d bytes: %w", r.Method, r.URL.Path, size, err)
	}
	return answer{size: size, took: time.Since(began), header: response.Header, trailer: response.Trailer}, nil
}

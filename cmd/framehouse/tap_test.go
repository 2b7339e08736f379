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

// tap stands between an App and ClickHouse, counts what is read there, and can hold it up, let
// it fail, or break it off.
type tap struct {
	address string

	mu    sync.Mutex
	reads int
	hold  chan struct{} // while not nil, reads wait until it is closed
	fail  bool          // whether reads fail
	part  float64       // of the answer to a read, after which it is broken off; zero for none
	deaf  string        // questions with this word fail, unless it is empty
	away  bool          // whether these have no answer at all
	gone  int           // reads whose client left while they were held

	asked, told map[string]int // questions for versions, and those that were answered, by a word in them
}

// The words that questions for versions have: those for parts, and those for a column that tells
// of changes.
var versionWords = []string{"system.parts", "AS `mark`"}

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
	tapped := &tap{asked: map[string]int{}, told: map[string]int{}}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// Whether a client is still there is known once its request is read.
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		// Reads alone are answered in Arrow; what framehouse asks for itself is not.
		if strings.Contains(r.URL.RawQuery, "default_format=ArrowStream") {
			ok, part := tapped.read(r.Context())
			if !ok {
				fails(w)
				return
			}
			if part > 0 {
				whole := httptest.NewRecorder()
				proxy.ServeHTTP(whole, r)
				breakOff(w, whole, part)
			}
		}
		if deaf, away := tapped.isDeaf(string(body)); away {
			panic(http.ErrAbortHandler)
		} else if deaf {
			fails(w)
			return
		}
		for _, word := range versionWords {
			if strings.Contains(string(body), word) {
				tapped.question(tapped.asked, word)
				defer tapped.question(tapped.told, word)
			}
		}
		proxy.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	tapped.address = strings.TrimPrefix(server.URL, "http://")
	return tapped
}

func fails(w http.ResponseWriter) {
	http.Error(w, "Code: 999. DB::Exception: this one fails", http.StatusInternalServerError)
}

// breakOff sends a part of an answer, and then no more.
func breakOff(w http.ResponseWriter, whole *httptest.ResponseRecorder, part float64) {
	for name, values := range whole.Header() {
		w.Header()[name] = values
	}
	w.Header().Del("Content-Length")
	w.WriteHeader(whole.Code)
	body := whole.Body.Bytes()
	_, _ = w.Write(body[:int(float64(len(body)-1)*part)]) // at least a byte is missing
	_ = http.NewResponseController(w).Flush()
	panic(http.ErrAbortHandler)
}

func (p *tap) isDeaf(question string) (deaf, away bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	deaf = p.deaf != "" && strings.Contains(question, p.deaf)
	return deaf, deaf && p.away
}

// read waits while reads are held, and tells whether this one succeeds and how much of it is sent.
func (p *tap) read(ctx context.Context) (ok bool, part float64) {
	p.mu.Lock()
	p.reads++
	hold, fail := p.hold, p.fail
	part = p.part
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
	return !fail, part
}

func (p *tap) question(of map[string]int, word string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	of[word]++
}

// versions are how many questions with a word were asked, and how many of them answered.
func (p *tap) versions(word string) (asked, told int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.asked[word], p.told[word]
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

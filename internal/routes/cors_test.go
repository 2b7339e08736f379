package routes

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
)

func origins(t *testing.T, patterns ...string) Origins {
	t.Helper()
	o, err := ParseOrigins(patterns)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func TestOriginsAllow(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		pattern string
		yes, no []string
	}{
		{"https://app.example.com", []string{"https://app.example.com"}, []string{
			"", "null", "http://app.example.com", "https://app.example.com:8443", "https://x.app.example.com", "https://example.com",
			"https://app.example.com.evil.com", "https://app.example.com/", "https://app-example.com", "https://APP.example.com",
		}},
		{"HTTPS://App.Example.Com:443", []string{"https://app.example.com"}, []string{"https://app.example.com:443"}},
		{"http://localhost:3000", []string{"http://localhost:3000"}, []string{"http://localhost", "http://localhost:3001", "https://localhost:3000"}},
		{"http://localhost:80", []string{"http://localhost"}, []string{"http://localhost:80"}},
		{"https://*.example.com", []string{"https://a.example.com", "https://a-b_1.example.com", "https://xn--bcher-kva.example.com"}, []string{
			"https://example.com", "https://.example.com", "https://a.b.example.com", "http://a.example.com", "https://a.example.com:8443",
			"https://a.example.com.evil.com", "https://evil.com/.example.com", "https://evil.com#.example.com", "https://a@b.example.com",
			"https://evil.com:443.example.com", "https://aexample.com", "https://*.example.com", "https://a.example.co",
		}},
		{"http://*.dev.example.com:8080", []string{"http://a.dev.example.com:8080"}, []string{"http://a.dev.example.com", "http://a.example.com:8080"}},
		{"http://[::1]:3000", []string{"http://[::1]:3000"}, []string{"http://[::1]"}},
		{"http://127.0.0.1", []string{"http://127.0.0.1"}, []string{"http://127.0.0.1:80"}},
	} {
		o := origins(t, test.pattern)
		for _, origin := range test.yes {
			if !o.allow(origin) {
				t.Errorf("%s does not allow %s", test.pattern, origin)
			}
		}
		for _, origin := range test.no {
			if o.allow(origin) {
				t.Errorf("%s allows %s", test.pattern, origin)
			}
		}
	}
}

func TestOriginsThatAreNone(t *testing.T) {
	t.Parallel()
	for pattern, want := range map[string]string{
		"":                                  "must begin with https://",
		"app.example.com":                   "must begin with https://",
		"//app.example.com":                 "must begin with https://",
		"null":                              "must begin with https://",
		"ftp://app.example.com":             "must begin with https://",
		"https://":                          "must begin with https://",
		"https://app.example.com/":          `without "/"`,
		"https://app.example.com/data":      `without "/data"`,
		"https://app.example.com?a=b":       "no more than scheme, host and port",
		"https://app.example.com#":          "no more than scheme, host and port",
		"https://user:word@app.example.com": "no more than scheme, host and port",
		"https://app.example.com:":          "no port",
		"https://app.example.com:x":         "cannot be read",
		"https://*":                         "whole first label",
		"https://a*.example.com":            "whole first label",
		"https://*.*.example.com":           "whole first label",
		"https://a.*.example.com":           "whole first label",
		"https://*.com":                     "everybody under .com",
		"https://*.0.0.1":                   "in an address",
		"https://bücher.example.com":        "xn--",
		"https://a..example.com":            "no browser sends",
		"https://a b.example.com":           "cannot be read",
	} {
		if _, err := ParseOrigins([]string{"https://fine.example.com", pattern}); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), `the origin "`+pattern+`"`) {
			t.Errorf("%q: %v, want %q", pattern, err, want)
		}
	}
	if _, err := ParseOrigins([]string{"*", "https://app.example.com"}); err == nil || !strings.Contains(err.Error(), "give it alone") {
		t.Errorf("* with another: %v", err)
	}
}

// corsAsk sends a request as a browser does, to an API that serves those origins.
func corsAsk(t *testing.T, allowed Origins, method, path string, header http.Header) *http.Response {
	t.Helper()
	a := New(Services{Logger: slog.New(slog.DiscardHandler), Origins: allowed})
	r := httptest.NewRequest(method, path, nil)
	r.Header = header
	w := httptest.NewRecorder()
	a.ServeHTTP(w, r)
	return w.Result()
}

func TestPreflight(t *testing.T) {
	t.Parallel()
	allowed := origins(t, "https://app.example.com", "https://*.example.org")
	a := newAPI()
	paths := []string{"/", "/docs", "/openapi.json", discoveryPath, "/no/such/route"}
	for path := range a.huma.OpenAPI().Paths {
		paths = append(paths, path)
	}
	for _, path := range paths {
		for _, method := range []string{"GET", "POST", "DELETE", "PUT"} {
			preflight := http.Header{"Origin": {"https://a.example.org"}, "Access-Control-Request-Method": {method}, "Access-Control-Request-Headers": {"x-user-uid,authorization"}}
			response := corsAsk(t, allowed, http.MethodOptions, path, preflight)
			h := response.Header
			if response.StatusCode != http.StatusNoContent || h.Get("Access-Control-Allow-Origin") != "https://a.example.org" || h.Get("Access-Control-Allow-Credentials") != "true" ||
				h.Get("Access-Control-Allow-Methods") != "GET, HEAD, POST, DELETE, OPTIONS" || h.Get("Access-Control-Max-Age") == "" {
				t.Errorf("%s %s: %d %v", method, path, response.StatusCode, h)
			}
			for _, name := range []string{"Accept", "Content-Type", "Authorization", "X-User-UID", "X-FastAPI-ID", "X-Resource-Release-UID", "Idempotency-Key", "If-None-Match", "Cache-Control", "X-Request-Id"} {
				if !slices.Contains(strings.Split(h.Get("Access-Control-Allow-Headers"), ", "), name) {
					t.Errorf("%s: %s is not allowed", path, name)
				}
			}
			if !strings.HasPrefix(strings.Join(h.Values("Vary"), ", "), "Origin, Access-Control-Request-Method") {
				t.Errorf("%s: Vary %v", path, h.Values("Vary"))
			}
		}
	}
	response := corsAsk(t, allowed, http.MethodOptions, "/health", http.Header{"Origin": {"https://evil.com"}, "Access-Control-Request-Method": {"GET"}})
	for name := range response.Header {
		if strings.HasPrefix(name, "Access-Control-") {
			t.Errorf("another origin gets %s", name)
		}
	}
	// Without the configuration, or without what makes it a preflight, OPTIONS is a method
	// like another that is not allowed.
	for _, test := range []struct {
		allowed Origins
		header  http.Header
	}{
		{Origins{}, http.Header{"Origin": {"https://app.example.com"}, "Access-Control-Request-Method": {"GET"}}},
		{allowed, http.Header{"Origin": {"https://app.example.com"}}},
	} {
		if response := corsAsk(t, test.allowed, http.MethodOptions, "/health", test.header); response.StatusCode != http.StatusMethodNotAllowed {
			t.Errorf("OPTIONS with %v: %d", test.header, response.StatusCode)
		}
	}
}

// A script must be able to read what went wrong.
func TestCORSOfAnswers(t *testing.T) {
	t.Parallel()
	allowed := origins(t, "https://app.example.com")
	exposed := []string{"Retry-After", "ETag", "Age", "X-Cache", "X-Request-Id", "Link", "X-Row-Count", "X-Truncated", "X-Next-Cursor", "X-Total-Rows", "X-Total-Rows-Kind", "Server-Timing", "Content-Disposition"}
	for _, test := range []struct {
		method, path, accept string
		status               int
	}{
		{"GET", "/health", "", 200},
		{"HEAD", "/health", "", 200},
		{"GET", "/openapi.json", "", 200},
		{"GET", discoveryPath, "", 200},
		{"GET", "/none", "", 404},
		{"POST", "/health", "", 405},
		{"GET", "/health", "text/csv", 406},
		{"GET", "/health?a=b", "", 422},
		{"GET", "/ready", "", 500}, // there is nothing behind it here
	} {
		header := http.Header{"Origin": {"https://app.example.com"}}
		if test.accept != "" {
			header.Set("Accept", test.accept)
		}
		response := corsAsk(t, allowed, test.method, test.path, header)
		h := response.Header
		if response.StatusCode != test.status || h.Get("Access-Control-Allow-Origin") != "https://app.example.com" || !slices.Contains(h.Values("Vary"), "Origin") {
			t.Errorf("%s %s: %d %v", test.method, test.path, response.StatusCode, h)
		}
		for _, name := range exposed {
			if !slices.Contains(strings.Split(h.Get("Access-Control-Expose-Headers"), ", "), name) {
				t.Errorf("%s %s: %s is not exposed", test.method, test.path, name)
			}
		}
		for _, origin := range []string{"", "https://evil.com", "null"} {
			header := http.Header{}
			if origin != "" {
				header.Set("Origin", origin)
			}
			h := corsAsk(t, allowed, test.method, test.path, header).Header
			if h.Get("Access-Control-Allow-Origin") != "" || h.Get("Access-Control-Expose-Headers") != "" || !slices.Contains(h.Values("Vary"), "Origin") {
				t.Errorf("%s %s for the origin %q: %v", test.method, test.path, origin, h)
			}
		}
		h = corsAsk(t, origins(t, "*"), test.method, test.path, http.Header{"Origin": {"null"}}).Header
		if h.Get("Access-Control-Allow-Origin") != "*" || h.Get("Access-Control-Allow-Credentials") != "" {
			t.Errorf("%s %s for all: %v", test.method, test.path, h)
		}
		h = corsAsk(t, Origins{}, test.method, test.path, http.Header{"Origin": {"https://app.example.com"}}).Header
		if h.Get("Access-Control-Allow-Origin") != "" || slices.Contains(h.Values("Vary"), "Origin") {
			t.Errorf("%s %s for none: %v", test.method, test.path, h)
		}
	}
}

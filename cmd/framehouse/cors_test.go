package main

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"framehouse/internal/routes"
)

// A browser itself decides what a script of another site may send and read.
func TestCORSInBrowser(t *testing.T) {
	findChromium(t)
	site := func() string {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html")
			_, _ = io.WriteString(w, "<title>another site</title>")
		}))
		t.Cleanup(server.Close)
		return server.URL
	}
	friend, stranger := site(), site()
	origins, err := routes.ParseOrigins([]string{friend})
	if err != nil {
		t.Fatal(err)
	}
	app := customers(t, Config{Origins: origins})
	b := openBrowser(t, app.URL())
	for _, test := range []struct {
		site, path, options, want string
	}{
		{friend, "/v1/tables/customers/rows?limit=1", "{}", "200 true"},
		{friend, "/v1/tables/customers/rows?limit=1", `{credentials: "include", headers: {Authorization: "Bearer x", "X-User-UID": "y"}}`, "200 true"},
		{friend, "/v1/tables/customers/query", `{method: "POST", body: "{}", headers: {"Content-Type": "application/json", "Idempotency-Key": "z"}}`, "200 false"},
		{friend, "/none", "{}", "404 null"},
		{friend, "/v1/tables/customers/rows?limt=1", "{}", "422 null"},
		{friend, "/openapi.json", `{headers: {"If-None-Match": "x"}}`, "200 null"},
		{friend, "/health", `{headers: {"X-Other": "x"}}`, "TypeError"},
		{stranger, "/health", "{}", "TypeError"},
		{stranger, "/v1/tables/customers/rows?limit=1", "{}", "TypeError"},
	} {
		t.Run(fmt.Sprint(test.site == friend, test.path, test.options), func(t *testing.T) {
			b.do(chromedp.Navigate(test.site))
			script := fmt.Sprintf(`fetch(%q, %s).then((r) => r.status + " " + r.headers.get("X-Truncated"), (e) => e.name)`, app.URL()+test.path, test.options)
			got, err := chromedp.Run(b.ctx, chromedp.Evaluate[string](script, chromedp.EvalAwaitPromise))
			if err != nil || !strings.HasPrefix(got, test.want) {
				t.Errorf("got %q, want %q: %v", got, test.want, err)
			}
		})
	}
}

package routes

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/danielgtaylor/huma/v2"

	"framehouse/internal/contracts"
)

func mountedAPI() *API {
	return New(Services{Logger: slog.New(slog.DiscardHandler), BasePath: "/team/data"})
}

func ask(a *API, method, target string) *http.Response {
	w := httptest.NewRecorder()
	a.ServeHTTP(w, httptest.NewRequest(method, target, nil))
	return w.Result()
}

func TestMount(t *testing.T) {
	t.Parallel()
	a := mountedAPI()
	for _, test := range []struct {
		method, target string
		status         int
		hint           string
	}{
		{"GET", "/team/data", 200, ""},
		{"GET", "/team/data/", 200, ""},
		{"GET", "/team/data/health", 200, ""},
		{"HEAD", "/team/data/health", 200, ""},
		{"GET", "/team/data/docs", 200, ""},
		{"GET", "/team/data/openapi.json", 200, ""},
		{"GET", "/team/data/openapi.yaml", 200, ""},
		{"GET", "/team/data" + discoveryPath, 200, ""},
		{"GET", "/openapi.json", 200, ""},
		{"GET", discoveryPath, 200, ""},
		{"GET", "/", 404, "Did you mean /team/data/? Everything is under /team/data; GET /team/data/openapi.json describes every route."},
		{"GET", "/team", 404, "Everything is under /team/data"},
		{"GET", "/health", 404, "Did you mean /team/data/health? "},
		{"GET", "/v1/tables/x/rows", 404, "Did you mean /team/data/v1/tables/x/rows? "},
		{"GET", "/openapi.yaml", 404, "Did you mean /team/data/openapi.yaml? "},
		{"GET", "/team/database/health", 404, "Everything is under"},
		{"GET", "/team/datahealth", 404, "Everything is under"},
		{"GET", "/team/d%61ta/health", 404, "Everything is under"},
		{"GET", "/team/data//health", 404, "Did you mean /team/data/health? GET /team/data/openapi.json describes every route; /team/data/docs shows them."},
		{"GET", "/team/data/health/", 404, "Did you mean /team/data/health? "},
		{"POST", "/team/data/health", 405, "Allowed: GET, HEAD."},
		{"POST", "/openapi.json", 405, "Allowed: GET, HEAD."},
	} {
		response := ask(a, test.method, test.target)
		if response.StatusCode != test.status || response.Header.Get("Location") != "" {
			t.Errorf("%s %s: %d %v", test.method, test.target, response.StatusCode, response.Header)
			continue
		}
		if test.status < 400 {
			continue
		}
		var p contracts.Problem
		if err := json.NewDecoder(response.Body).Decode(&p); err != nil {
			t.Fatalf("%s: %v", test.target, err)
		}
		if len(p.Errors) != 1 || !strings.HasPrefix(p.Errors[0].Hint, test.hint) {
			t.Errorf("%s %s: %+v", test.method, test.target, p)
		}
	}
}

// Links of the pages lead under the base path, whether it was asked for with a slash or not.
func TestMountedPages(t *testing.T) {
	t.Parallel()
	a := mountedAPI()
	for target, want := range map[string]string{
		"/team/data":      `href="data/v1/tables"`,
		"/team/data?a=b":  `href="data/v1/tables"`,
		"/team/data/":     `href="v1/tables"`,
		"/team/data/docs": `href="openapi.json"`,
	} {
		w := httptest.NewRecorder()
		a.ServeHTTP(w, httptest.NewRequest(http.MethodGet, target, nil))
		if !strings.Contains(w.Body.String(), want) {
			t.Errorf("%s has no %s: %s", target, want, w.Body)
		}
	}
}

// What other packages call GET /… is called by its whole path, and their error stays theirs.
func TestMountedHints(t *testing.T) {
	t.Parallel()
	e := &contracts.Error{Issues: []contracts.Issue{{Hint: "GET /v1/tables lists what is published."}}}
	if hint := mountedAPI().mounted(e).Issues[0].Hint; hint != "GET /team/data/v1/tables lists what is published." {
		t.Errorf("hint %q", hint)
	}
	if e.Issues[0].Hint != "GET /v1/tables lists what is published." {
		t.Errorf("the error has changed: %v", e.Issues)
	}
}

func TestServers(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		services Services
		want     string
	}{
		{Services{}, ""},
		{Services{BasePath: "/data"}, "/data"},
		{Services{PublicURL: "https://data.example.com"}, "https://data.example.com"},
		{Services{BasePath: "/data", PublicURL: "https://data.example.com/data"}, "https://data.example.com/data"},
	} {
		test.services.Logger = slog.New(slog.DiscardHandler)
		response := ask(New(test.services), http.MethodGet, "/openapi.json")
		if test.services.BasePath != "" {
			response = ask(New(test.services), http.MethodGet, test.services.BasePath+"/openapi.json")
		}
		var document struct{ Servers []*huma.Server }
		if err := json.NewDecoder(response.Body).Decode(&document); err != nil {
			t.Fatal(err)
		}
		if test.want == "" && document.Servers != nil || test.want != "" && (len(document.Servers) != 1 || document.Servers[0].URL != test.want) {
			t.Errorf("%+v: servers %v", test.services, document.Servers)
		}
	}
}

package contracts

import (
	"strings"
	"testing"
)

func TestNegotiate(t *testing.T) {
	t.Parallel()
	formats := []Format{
		{Name: "json", MediaType: "application/json"},
		{Name: "csv", MediaType: "text/csv; charset=utf-8"},
		{Name: "arrow", MediaType: "application/vnd.apache.arrow.stream"},
	}
	tests := []struct {
		name, accept, want string // an empty want is a refusal
	}{
		{"", "", "json"},
		{"", "  ", "json"},
		{"", "*/*", "json"},
		{"", "application/json", "json"},
		{"", "Application/JSON", "json"},
		{"", "text/csv", "csv"},
		{"", "text/csv;header=present", "csv"},
		{"", "text/*", "csv"},
		{"", "text/html, */*;q=0.1", "json"},
		{"", "text/csv;q=0.5, application/json;q=0.4", "csv"},
		{"", "application/json;q=0.4,text/csv;q=0.5", "csv"},
		{"", "application/json;q=0.1, */*", "csv"},
		{"", "*/*, application/json;q=0", "csv"},
		{"", "application/*;q=0, */*;q=0.1", "csv"},
		{"", "application/*;q=0.5, application/vnd.apache.arrow.stream", "arrow"},
		{"", "text/*;q=0.2, application/*;q=0.2", "json"},
		{"", "text/csv;q=2, application/json;q=0.1", "json"},
		{"", "text/csv;q=-1, */*;q=0.1", "json"},
		{"", "text/csv;q=NaN, application/json;q=0.1", "json"},
		{"", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", "json"},
		{"", "application/json;q=0", ""},
		{"", "*/*;q=0", ""},
		{"", "text/html", ""},
		{"", "json", ""},
		{"", ";;,", ""},
		{"", "*/json", ""},
		{"csv", "", "csv"},
		{"csv", "application/json", "csv"},
		{"CSV", "", ""},
		{"xlsx", "*/*", ""},
		{"application/json", "", ""},
	}
	for _, test := range tests {
		t.Run(test.name+" "+test.accept, func(t *testing.T) {
			f, err := Negotiate(formats, test.name, test.accept)
			if test.want != "" {
				if err != nil || f.Name != test.want {
					t.Errorf("got %q, %v; want %q", f.Name, err, test.want)
				}
				return
			}
			if err == nil {
				t.Fatalf("got %q, want a refusal", f.Name)
			}
			e := AsError(err)
			if e.Code != CodeNotAcceptable || len(e.Issues) != 1 || !strings.Contains(e.Issues[0].Hint, "format=csv (text/csv; charset=utf-8)") {
				t.Errorf("%+v", e)
			}
			if location := e.Issues[0].Location; (test.name != "") != (location == "query.format") {
				t.Errorf("blames %s", location)
			}
		})
	}
}

func TestNearest(t *testing.T) {
	t.Parallel()
	names := []string{"airports", "prices", "price_history", "id", "Countries"}
	tests := []struct{ name, want string }{
		{"airports", "airports"},
		{"aiports", "airports"},
		{"airprots", "airports"},
		{"AIRPORTS", "airports"},
		{"countries", "Countries"},
		{"airpotrs_", "airports"},
		{"price", "prices"},
		{"price_h", "price_history"},
		{"di", "id"},
		{"", ""},
		{"x", ""},
		{"weather", ""},
		{strings.Repeat("x", 63), ""},
		{strings.Repeat("x", 1000), ""},
		{strings.Repeat("é", 200), ""},
	}
	for _, test := range tests {
		if got := Nearest(test.name, names); got != test.want {
			t.Errorf("%.20q: got %q, want %q", test.name, got, test.want)
		}
	}
	if got := Nearest("abc", nil); got != "" {
		t.Errorf("among none: %q", got)
	}
}

func TestDistance(t *testing.T) {
	t.Parallel()
	tests := []struct {
		a, b string
		want int
	}{
		{"", "", 0}, {"", "abc", 3}, {"abc", "", 3}, {"abc", "abc", 0}, {"abc", "abd", 1},
		{"abc", "acb", 1}, {"abcd", "badc", 2}, {"kitten", "sitting", 3}, {"ca", "abc", 3},
	}
	for _, test := range tests {
		if got := distance(test.a, test.b); got != test.want {
			t.Errorf("from %q to %q: got %d, want %d", test.a, test.b, got, test.want)
		}
		if got := distance(test.b, test.a); got != test.want {
			t.Errorf("from %q to %q: got %d, want %d", test.b, test.a, got, test.want)
		}
	}
}

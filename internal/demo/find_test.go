package demo_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"framehouse/internal/demo"
)

func TestFind(t *testing.T) {
	cache := t.TempDir()
	t.Setenv("XDG_CACHE_HOME", cache)
	if dir, err := demo.Find(); err == nil || !strings.Contains(err.Error(), "run scripts/fetch-demo.sh") {
		t.Errorf("got %q, %v", dir, err)
	}
	want := filepath.Join(cache, "framehouse", "vega-datasets-3.2.1")
	if err := os.MkdirAll(want, 0o700); err != nil {
		t.Fatal(err)
	}
	if dir, err := demo.Find(); err != nil || dir != want {
		t.Errorf("got %q, %v; want %q", dir, err, want)
	}
}

// The script has the version and, through it, the place of the data; they must not drift apart.
func TestScriptFetchesTheSame(t *testing.T) {
	script, err := os.ReadFile("../../scripts/fetch-demo.sh")
	if err != nil {
		t.Fatal(err)
	}
	if want := fmt.Sprintf("\nVERSION=%s\n", demo.Version); !strings.Contains(string(script), want) {
		t.Errorf("scripts/fetch-demo.sh has no line %q", strings.TrimSpace(want))
	}
}

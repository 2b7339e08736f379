package main

import (
	"bytes"
	"flag"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"framehouse/internal/routes"
)

var update = flag.Bool("update", false, "write the golden files anew")

// What changes for client teams is seen in the golden file's diff, so that it is no surprise
// to them or to us.
func testDocumentGolden(t *testing.T, app *App) {
	got := get(t, app.URL()+"/openapi.yaml").body
	// Every version of framehouse has another.
	got = bytes.Replace(got, []byte("version: "+build().Version+"\n"), []byte("version: VERSION\n"), 1)
	file := filepath.Join("testdata", "openapi.yaml")
	if *update {
		if err := os.MkdirAll(filepath.Dir(file), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, got, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("the document changed; if that is meant, write it anew with go test ./cmd/framehouse -run TestDocument -update\n%s",
			firstDifference(string(want), string(got)))
	}
	render := func() []byte {
		document, err := routes.New(routes.Services{Catalog: app.live, Build: build(), Logger: slog.New(slog.DiscardHandler)}).Document()
		if err != nil {
			t.Fatal(err)
		}
		text, err := document.YAML()
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	if a, b := render(), render(); !bytes.Equal(a, b) {
		t.Errorf("two documents of one catalog differ:\n%s", firstDifference(string(a), string(b)))
	}
}

// firstDifference shows where two texts part: some lines that come before, and of both up to
// where all is the same again, if that is near.
func firstDifference(want, got string) string {
	a, b := strings.Split(want, "\n"), strings.Split(got, "\n")
	same := 0
	for same < min(len(a), len(b)) && a[same] == b[same] {
		same++
	}
	for len(a) > same && len(b) > same && a[len(a)-1] == b[len(b)-1] {
		a, b = a[:len(a)-1], b[:len(b)-1]
	}
	const around, after = 3, 12
	var shown []string
	for _, line := range a[max(0, same-around):same] {
		shown = append(shown, "  "+line)
	}
	for _, line := range a[same:min(len(a), same+after)] {
		shown = append(shown, "- "+line)
	}
	for _, line := range b[same:min(len(b), same+after)] {
		shown = append(shown, "+ "+line)
	}
	return strings.Join(shown, "\n")
}

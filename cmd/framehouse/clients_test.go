package main

import (
	"encoding/csv"
	"io/fs"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"framehouse/internal/demo"
)

// The commands that docs/clients.md shows. Each generator has its version, since another one
// may write other code.
const (
	generateGo         = "go run github.com/oapi-codegen/oapi-codegen/v2/cmd/oapi-codegen@v2.8.2 -generate types,client -package framehouse -o framehouse/framehouse.go openapi.json"
	generateTypeScript = "npx openapi-typescript openapi.json -o framehouse.d.ts"
)

// shownAddress is where the server is in the programs and on the page.
const shownAddress = "http://127.0.0.1:8080"

// What a client team generates from the document compiles, and reads what the demo holds.
func testClients(t *testing.T, app *App) {
	t.Run("Go", func(t *testing.T) {
		need(t, "go")
		dir := clientFolder(t, app, "go")
		generate(t, dir)
		// Without the folder's name in it, what was compiled for this document before is found again.
		execute(t, dir, "go build -trimpath -o bin/ . ./write")
		sameLines(t, execute(t, dir, filepath.Join(dir, "bin", "client")), closings(t))
		sameLines(t, execute(t, dir, filepath.Join(dir, "bin", "write")), []string{"AAPL 12345678901234.5678", "invalid_request query.from"})
	})
	t.Run("TypeScript", func(t *testing.T) {
		need(t, "node", "npm", "npx")
		dir := clientFolder(t, app, "typescript")
		execute(t, dir, "npm ci --prefer-offline --ignore-scripts")
		execute(t, dir, generateTypeScript)
		execute(t, dir, "npx tsc")
		sameLines(t, execute(t, dir, "node out/main.js"), closings(t))
	})
	t.Run("page", func(t *testing.T) {
		page := read(t, filepath.Join("..", "..", "docs", "clients.md"))
		folder := filepath.Join("testdata", "clients")
		for _, shown := range []string{generateGo, generateTypeScript, read(t, filepath.Join(folder, "go", "main.go.txt")), read(t, filepath.Join(folder, "typescript", "main.ts"))} {
			if !strings.Contains(page, shown) {
				t.Errorf("docs/clients.md does not show what is tested here:\n%s", shown)
			}
		}
	})
}

// generate makes the package framehouse of the document in a folder.
func generate(t *testing.T, dir string) {
	t.Helper()
	if err := os.Mkdir(filepath.Join(dir, "framehouse"), 0o777); err != nil {
		t.Fatal(err)
	}
	// go run would ask whether a newer version says that this one should not be used. What
	// was fetched before answers that too, so that a second run needs no network.
	value := func(name string) string { return strings.TrimSpace(execute(t, dir, "go env "+name)) }
	fetched := url.URL{Scheme: "file", Path: filepath.ToSlash(filepath.Join(value("GOMODCACHE"), "cache", "download"))}
	execute(t, dir, generateGo, "GOPROXY="+fetched.String()+","+value("GOPROXY"))
}

// need skips a test where there is no such tool; on a machine that judges changes there must be.
func need(t *testing.T, tools ...string) {
	t.Helper()
	for _, tool := range tools {
		if _, err := exec.LookPath(tool); err != nil && os.Getenv("CI") == "true" {
			t.Fatalf("CI=true: a generated client needs %s: %v", tool, err)
		} else if err != nil {
			t.Skipf("a generated client was not tried, which needs %s: %v", tool, err)
		}
	}
}

// clientFolder is a folder with the document and the programs of a language, which ask the
// App. Files of Go have other names here, so that they are no part of this module.
func clientFolder(t *testing.T, app *App, language string) string {
	t.Helper()
	dir := t.TempDir()
	write := func(name, text string) {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	folder := filepath.Join("testdata", "clients", language)
	err := filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		name, err := filepath.Rel(folder, path)
		if err == nil {
			write(strings.TrimSuffix(name, ".txt"), strings.ReplaceAll(read(t, path), shownAddress, app.URL()))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	write("openapi.json", string(get(t, app.URL()+"/openapi.json").body))
	return dir
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// execute runs a command, whose words have no spaces but those of the folder, with more in
// its environment, and returns what it prints.
func execute(t *testing.T, dir, line string, env ...string) string {
	t.Helper()
	words := strings.Fields(strings.ReplaceAll(line, dir, "\x00"))
	for i, word := range words {
		words[i] = strings.ReplaceAll(word, "\x00", dir)
	}
	command := exec.CommandContext(t.Context(), words[0], words[1:]...)
	command.Dir = dir
	// The module of the client knows nothing of ours, and needs no C compiler. What npm fetches
	// lies beside the other downloads, for a second run.
	cache := os.Getenv("XDG_CACHE_HOME")
	if cache == "" {
		cache = filepath.Join(os.Getenv("HOME"), ".cache")
	}
	command.Env = append(os.Environ(), "GOFLAGS=-buildvcs=false", "GOWORK=off", "CGO_ENABLED=0",
		"npm_config_cache="+filepath.Join(cache, "framehouse", "npm"),
		"npm_config_audit=false", "npm_config_fund=false", "npm_config_update_notifier=false")
	command.Env = append(command.Env, env...)
	var errs strings.Builder
	command.Stderr = &errs
	out, err := command.Output()
	if err != nil {
		t.Fatalf("%s: %v\n%s%s", line, err, out, errs.String())
	}
	return string(out)
}

// closings are the lines that the programs print, from the file that the demo's data came
// from.
func closings(t *testing.T) []string {
	t.Helper()
	dir, err := demo.Find()
	if err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(strings.NewReader(read(t, filepath.Join(dir, "sp500-2000.csv")))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, row := range rows {
		if !strings.HasPrefix(row[0], "2008-08-") {
			continue
		}
		points, err := strconv.ParseFloat(row[4], 64)
		if err != nil {
			t.Fatal(err)
		}
		if points >= 1290 {
			lines = append(lines, row[0]+" "+strconv.FormatFloat(points, 'f', -1, 64)+" "+row[6])
		}
	}
	if len(lines) == 0 {
		t.Fatal("the source file has no such days")
	}
	return lines
}

func sameLines(t *testing.T, got string, want []string) {
	t.Helper()
	if want := strings.Join(want, "\n"); strings.TrimSpace(got) != want {
		t.Errorf("a generated client reads\n%s\nand not\n%s", got, want)
	}
}

package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// What the pages show is what a reader gets: each curl line of theirs is run against the
// demo, as it stands there.
func TestPages(t *testing.T) {
	t.Parallel()
	for _, tool := range []string{"bash", "curl", "jq"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("the lines of the pages need %s: %v", tool, err)
		}
	}
	// However much else the machine does, all flights are written.
	app := open(t, Config{Demo: true, DataDir: t.TempDir(), QueryTimeout: 10 * time.Minute})
	const address = "http://127.0.0.1:8080"
	env := append(os.Environ(), "LC_ALL=C.UTF-8",
		"B="+app.URL()+"/v1/tables", "N="+app.URL()+"/v1/nodes")
	for _, page := range []string{"README.md", "docs/tables.md", "docs/time-series.md", "docs/caching.md"} {
		text, err := os.ReadFile(filepath.Join("..", "..", filepath.FromSlash(page)))
		if err != nil {
			t.Fatal(err)
		}
		run := 0
		for _, example := range examples(string(text)) {
			if strings.Contains(example.command, "/orders/") {
				continue // a table of the reader's own
			}
			run++
			command := exec.CommandContext(t.Context(), "bash", "-o", "pipefail", "-c", strings.ReplaceAll(example.command, address, app.URL()))
			command.Env, command.Dir = env, t.TempDir()
			out, err := command.Output()
			if err != nil {
				t.Errorf("%s:%d: %s\n%v", page, example.line, example.command, err)
			} else if got, want := settled(string(out)), settled(example.output); got != want {
				t.Errorf("%s:%d: %s\ngot\n%s\nwant\n%s", page, example.line, example.command, got, want)
			}
		}
		if run == 0 {
			t.Errorf("%s shows no line to run", page)
		}
	}
}

// example is a command of a page, and what the page says that it prints.
type example struct {
	line            int
	command, output string
}

// examples are the curl lines in the console blocks of a page. A command goes on in the
// next line while a quote is open.
func examples(page string) []example {
	var found []example
	inside := false
	for i, line := range strings.Split(page, "\n") {
		last := len(found) - 1
		switch {
		case strings.HasPrefix(line, "```"):
			inside = strings.HasPrefix(line, "```console")
			found = append(found, example{}) // ends what was open
		case !inside:
		case strings.HasPrefix(line, "$ "):
			found = append(found, example{line: i + 1, command: line[2:]})
		case strings.Count(found[last].command, "'")%2 == 1:
			found[last].command += "\n" + line
		default:
			found[last].output += line + "\n"
		}
	}
	var curls []example
	for _, e := range found {
		if strings.HasPrefix(e.command, "curl") {
			curls = append(curls, e)
		}
	}
	return curls
}

// changing is what differs from run to run.
var changing = regexp.MustCompile(`"requestId": ?"[A-Z0-9]+"|"updatedAtMs": ?[0-9]+|\r`)

func settled(output string) string {
	return strings.TrimSpace(changing.ReplaceAllStringFunc(output, func(s string) string {
		name, _, _ := strings.Cut(s, ":")
		return fmt.Sprintf("%.40s", strings.TrimSpace(name))
	}))
}

package routes

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// fetchDocs runs the script with an npm that does as told, and a cache of its own.
func fetchDocs(t *testing.T, cache, npm string) (stderr string, err error) {
	t.Helper()
	bin := t.TempDir()
	for _, tool := range []string{"sh", "dirname", "mkdir", "mktemp", "rm", "mv", "cp", "cmp", "grep", "head", "tar", "gzip", "openssl", "chmod"} {
		if path, err := exec.LookPath(tool); err == nil {
			if err := os.Symlink(path, filepath.Join(bin, tool)); err != nil {
				t.Fatal(err)
			}
		}
	}
	if npm != "" {
		// Not written here: a child that is forked meanwhile would hold it open, and it could not run.
		if out, err := exec.Command("/bin/sh", "-c", `printf '#!/bin/sh\n%s\n' "$1" >"$2" && chmod 755 "$2"`, "sh", npm, filepath.Join(bin, "npm")).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	}
	command := exec.Command("/bin/sh", "../../scripts/fetch-docs.sh")
	command.Env = []string{"PATH=" + bin, "XDG_CACHE_HOME=" + cache}
	var errs strings.Builder
	command.Stderr = &errs
	err = command.Run()
	return errs.String(), err
}

// What cannot be had, or is not what it should be, is said and not kept.
func TestFetchDocsSaysWhatToDo(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ npm, want string }{
		"no npm":                              {"", "npm is needed to fetch the docs page and was not found: install Node.js"},
		"offline":                             {"echo 'npm error network unreachable' >&2; exit 1", "npm error network unreachable"},
		"nothing comes":                       {"exit 0", "left no package"},
		"another file under the same version": {"echo other >package.tgz", "is not the file it should be and was thrown away"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cache := t.TempDir()
			stderr, err := fetchDocs(t, cache, test.npm)
			if err == nil || !strings.Contains(stderr, test.want) {
				t.Errorf("%v: %s", err, stderr)
			}
			if left, _ := filepath.Glob(filepath.Join(cache, "framehouse", "*")); len(left) > 0 {
				t.Errorf("left behind: %v", left)
			}
			if left, _ := filepath.Glob(filepath.Join(cache, "framehouse", ".*")); len(left) > 0 {
				t.Errorf("left behind: %v", left)
			}
		})
	}
}

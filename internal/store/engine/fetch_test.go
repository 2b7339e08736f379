package engine

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

const fetchScript = "../../../scripts/fetch-engine.sh"

// fetch is run, and checks that nothing unfinished is left.
func fetch(t *testing.T, cache string, stubs map[string]string, env ...string) (stdout, stderr string, ok bool) {
	t.Helper()
	stdout, stderr, ok = run(t, cache, stubs, env...)
	if left, _ := filepath.Glob(filepath.Join(cache, "framehouse", ".fetch*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
	return stdout, stderr, ok
}

// run runs the script in an environment of its own: the tools a POSIX system has, and the stubs given by name.
func run(t *testing.T, cache string, stubs map[string]string, env ...string) (stdout, stderr string, ok bool) {
	t.Helper()
	bin := t.TempDir()
	for _, tool := range []string{"sh", "uname", "ldd", "mkdir", "mktemp", "rm", "mv", "sleep", "du", "cut", "grep", "tar", "gzip", "openssl", "sed", "cat", "head"} {
		if path, err := exec.LookPath(tool); err == nil {
			if err := os.Symlink(path, filepath.Join(bin, tool)); err != nil {
				t.Fatal(err)
			}
		}
	}
	for name, body := range stubs {
		path := filepath.Join(bin, name)
		os.Remove(path)
		// A child that is forked meanwhile would hold the file open for writing, and a file
		// that is can't be run.
		syscall.ForkLock.RLock()
		err := os.WriteFile(path, []byte("#!/bin/sh\n"+body), 0o700)
		syscall.ForkLock.RUnlock()
		if err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command("/bin/sh", fetchScript)
	cmd.Env = append([]string{"PATH=" + bin, "XDG_CACHE_HOME=" + cache}, env...)
	var out, errs strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return strings.TrimSpace(out.String()), errs.String(), err == nil
}

func TestFetchAgreesOnTheVersion(t *testing.T) {
	text, err := os.ReadFile(fetchScript)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(text), "\nVERSION="+Version+"\n") {
		t.Errorf("%s does not fetch version %s", fetchScript, Version)
	}
}

func TestFetchSaysWhatToDo(t *testing.T) {
	for name, test := range map[string]struct {
		stubs map[string]string
		want  []string
		never string
	}{
		"npm missing": {nil, []string{"npm is needed", "install Node.js", "--clickhouse URL"}, ""},
		"offline": {
			map[string]string{"npm": "echo 'npm warn Unknown user config' >&2; echo 'npm error network unreachable' >&2; exit 1"},
			[]string{"npm error network unreachable", "check the network"}, "Unknown user config",
		},
		"unknown platform": {map[string]string{"uname": "echo Plan9"}, []string{"there is no ClickHouse library for Plan9"}, ""},
		"musl":             {map[string]string{"ldd": "echo 'musl libc (x86_64)' >&2; exit 1", "uname": platform("Linux", "x86_64")}, []string{"needs glibc", "musl"}, ""},
		"another file under the same version": {
			map[string]string{"npm": "echo evil >package.tgz", "uname": platform("Linux", "x86_64")},
			[]string{"is not the file it should be and was thrown away"}, "",
		},
		"a package without the library": {
			map[string]string{"npm": "mkdir package; echo x >package/readme; tar -czf package.tgz package; rm -r package", "uname": platform("Darwin", "arm64")},
			[]string{"@chdb/lib-darwin-arm64@" + Version + " holds no libchdb"}, "",
		},
	} {
		t.Run(name, func(t *testing.T) {
			cache := t.TempDir()
			stdout, stderr, ok := fetch(t, cache, test.stubs)
			if ok || stdout != "" {
				t.Errorf("success, stdout %q", stdout)
			}
			for _, want := range test.want {
				if !strings.Contains(stderr, want) {
					t.Errorf("stderr does not say %q: %s", want, stderr)
				}
			}
			if test.never != "" && strings.Contains(stderr, test.never) {
				t.Errorf("stderr says %q: %s", test.never, stderr)
			}
			if _, err := os.Stat(filepath.Join(cache, "framehouse", "libchdb-"+Version)); err == nil {
				t.Error("a library was put in the cache")
			}
		})
	}
}

// The script and Find must mean the same place, also one with spaces.
func TestFetchPutsItWhereFindLooks(t *testing.T) {
	cache := filepath.Join(t.TempDir(), "a cache")
	stubs := map[string]string{
		"npm":   "mkdir package; echo library >package/libchdb.so; tar -czf package.tgz package; rm -r package",
		"uname": platform("Darwin", "arm64"),
	}
	stdout, stderr, ok := fetch(t, cache, stubs)
	if !ok {
		t.Fatal(stderr)
	}
	t.Setenv("XDG_CACHE_HOME", cache)
	t.Setenv(libraryEnv, "")
	if path, err := Find(); err != nil || path != stdout {
		t.Errorf("the script says %q, Find %q, %v", stdout, path, err)
	}
	again, stderr, ok := fetch(t, cache, map[string]string{"npm": "echo asked >&2; exit 1"})
	if !ok || again != stdout || stderr != "" {
		t.Errorf("the second run: %q, %q, %v", again, stderr, ok)
	}
}

func TestFetchesAtOnceDoNotDisturbEachOther(t *testing.T) {
	cache := t.TempDir()
	stubs := map[string]string{
		"npm":   "mkdir package; echo library >package/libchdb.so; tar -czf package.tgz package; rm -r package",
		"uname": platform("Darwin", "arm64"),
	}
	for i := range 3 {
		t.Run(strconv.Itoa(i), func(t *testing.T) {
			t.Parallel()
			stdout, stderr, ok := run(t, cache, stubs)
			if content, err := os.ReadFile(stdout); !ok || err != nil || string(content) != "library\n" {
				t.Errorf("%q, %v: %s", content, err, stderr)
			}
		})
	}
}

func TestFetchTakesYourOwn(t *testing.T) {
	own := filepath.Join(t.TempDir(), "my lib.so")
	if _, stderr, ok := fetch(t, t.TempDir(), nil, libraryEnv+"="+own); ok || !strings.Contains(stderr, own) {
		t.Errorf("of a file that is not there: %v, %s", ok, stderr)
	}
	write(t, own, "")
	if stdout, stderr, ok := fetch(t, t.TempDir(), nil, libraryEnv+"="+own); !ok || stdout != own {
		t.Errorf("%q, %s", stdout, stderr)
	}
}

func platform(system, machine string) string {
	return `case "$1" in -s) echo ` + system + `;; *) echo ` + machine + `;; esac`
}

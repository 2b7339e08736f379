package engine

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestFindSaysWhatToDo(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	t.Setenv(libraryEnv, "")
	_, err := Find()
	if err == nil {
		t.Fatal("found a library in an empty cache")
	}
	for _, want := range []string{"scripts/fetch-engine.sh", libraryEnv, "--clickhouse URL"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("error does not say %q: %v", want, err)
		}
	}
	if _, again := Open(t.Context(), Config{Dir: t.TempDir()}); again == nil || again.Error() != err.Error() {
		t.Errorf("Open says %v, Find %v", again, err)
	}
}

func TestFindPrefersTheEnvironment(t *testing.T) {
	path := filepath.Join(t.TempDir(), "mine.so")
	t.Setenv(libraryEnv, path)
	if _, err := Find(); err == nil || !strings.Contains(err.Error(), libraryEnv) || !strings.Contains(err.Error(), path) {
		t.Errorf("of a file that is not there: %v", err)
	}
	write(t, path, "")
	if got, err := Find(); err != nil || got != path {
		t.Errorf("got %q, %v", got, err)
	}
}

func TestWrongLibrary(t *testing.T) {
	other := "/usr/lib/libSystem.B.dylib"
	for _, candidate := range []string{"/lib/x86_64-linux-gnu/libm.so.6", "/lib/aarch64-linux-gnu/libm.so.6", "/lib64/libm.so.6"} {
		if _, err := os.Stat(candidate); err == nil {
			other = candidate
		}
	}
	text := filepath.Join(t.TempDir(), "libchdb.so")
	write(t, text, "not a library")
	for path, want := range map[string]string{
		filepath.Join(t.TempDir(), "missing.so"): "no such file",
		t.TempDir():                              "is not a file",
		text:                                     "cannot be loaded as libchdb",
		other:                                    "is not a libchdb",
	} {
		e, err := Open(t.Context(), Config{Dir: t.TempDir(), Library: path})
		if err == nil {
			e.Close()
			t.Errorf("%s was taken for libchdb", path)
			continue
		}
		if !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "scripts/fetch-engine.sh") {
			t.Errorf("error does not say %q and what to do: %v", want, err)
		}
	}
}

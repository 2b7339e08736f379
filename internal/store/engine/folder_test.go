package engine

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestFolderIsPrivate(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	e := open(t, Config{Dir: dir})
	if len(e.Password()) < 64 {
		t.Errorf("a password of %d characters", len(e.Password()))
	}
	for name, want := range map[string]os.FileMode{
		"": 0o700, "clickhouse": 0o700, "password": 0o600, "users.xml": 0o600, "config.xml": 0o600, "lock": 0o600,
		"clickhouse.log": 0o600,
	} {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if got := info.Mode().Perm(); got != want {
			t.Errorf("mode of %q is %o, want %o", name, got, want)
		}
	}
}

func TestUnusableFolders(t *testing.T) {
	for name, test := range map[string]struct {
		make func(t *testing.T, dir string)
		want string
	}{
		"a file":            {func(t *testing.T, dir string) { write(t, dir, "") }, "not a directory"},
		"someone's project": {func(t *testing.T, dir string) { write(t, filepath.Join(dir, "main.go"), "") }, `holds "main.go": choose an empty or a new one`},
		"an edited password": {func(t *testing.T, dir string) {
			write(t, filepath.Join(dir, "lock"), "")
			write(t, filepath.Join(dir, "password"), "secret")
		}, "64 hex digits): delete it"},
		"a password that is a folder": {func(t *testing.T, dir string) {
			write(t, filepath.Join(dir, "lock"), "")
			write(t, filepath.Join(dir, "password", "x"), "")
		}, "password: is a directory"},
		"data that is a file": {func(t *testing.T, dir string) {
			write(t, filepath.Join(dir, "lock"), "")
			write(t, filepath.Join(dir, "clickhouse"), "")
		}, "clickhouse/: file exists"},
		"broken data": {func(t *testing.T, dir string) {
			write(t, filepath.Join(dir, "lock"), "")
			write(t, filepath.Join(dir, "clickhouse", "metadata"), "")
		}, "metadata"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "data")
			test.make(t, dir)
			e, err := Open(t.Context(), Config{Dir: dir})
			if err == nil {
				e.Close()
				t.Fatal("opened")
			}
			if !strings.Contains(err.Error(), test.want) || !strings.Contains(err.Error(), dir) {
				t.Errorf("error does not say %q: %v", test.want, err)
			}
			if strings.Contains(err.Error(), "secret") {
				t.Errorf("error gives a password away: %v", err)
			}
			t.Log(err)
		})
	}
}

func write(t *testing.T, path, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

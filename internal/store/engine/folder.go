package engine

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// folder is a data folder:
//
//	lock                    who uses it
//	password                of the user framehouse, mode 0600
//	config.xml, users.xml   written anew for each start
//	clickhouse.log          ClickHouse's own log
//	clickhouse/             its data
type folder struct {
	dir      string // absolute
	password string // set by readPassword
}

func (f folder) lock() string         { return filepath.Join(f.dir, "lock") }
func (f folder) passwordFile() string { return filepath.Join(f.dir, "password") }
func (f folder) config() string       { return filepath.Join(f.dir, "config.xml") }
func (f folder) users() string        { return filepath.Join(f.dir, "users.xml") }
func (f folder) log() string          { return filepath.Join(f.dir, "clickhouse.log") }
func (f folder) data() string         { return filepath.Join(f.dir, "clickhouse") + "/" }

// openFolder makes dir, or checks that an existing one is ours or empty: files are not strewn into somebody's project
// because of a mistyped path, nor is the data of a ClickHouse server taken for ours.
func openFolder(dir string) (folder, error) {
	if dir == "" {
		return folder{}, errors.New("no data folder is given")
	}
	abs, err := filepath.Abs(dir)
	if err != nil {
		return folder{}, fmt.Errorf("data folder %s: %w", dir, err)
	}
	f := folder{dir: abs}
	if err := os.MkdirAll(abs, 0o700); err != nil {
		return folder{}, fmt.Errorf("data folder %s: %w", abs, err)
	}
	entries, err := os.ReadDir(abs)
	if err != nil {
		return folder{}, fmt.Errorf("data folder %s: %w", abs, err)
	}
	foreign := ""
	for _, entry := range entries {
		switch name := entry.Name(); {
		case name == filepath.Base(f.lock()):
			return f, nil // the first thing we write
		case !strings.HasPrefix(name, ".") && name != "lost+found":
			foreign = name
		}
	}
	if foreign != "" {
		return folder{}, fmt.Errorf("folder %s is no data folder of framehouse, it holds %q: choose an empty or a new one", abs, foreign)
	}
	return f, nil
}

// prepare makes what the first start needs: a password, and a place for the data that nobody else can read whatever
// the mode of the folder around it.
func (f *folder) prepare() error {
	if err := os.MkdirAll(f.data(), 0o700); err != nil {
		return fmt.Errorf("data folder %s: %w", f.dir, err)
	}
	err := f.readPassword()
	if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	random := make([]byte, 32)
	rand.Read(random)
	if err := writeFile(f.passwordFile(), []byte(hex.EncodeToString(random)+"\n")); err != nil {
		return err
	}
	return f.readPassword()
}

var passwordForm = regexp.MustCompile(`^[0-9a-f]{64}$`)

func (f *folder) readPassword() error {
	text, err := os.ReadFile(f.passwordFile())
	if err != nil {
		return fmt.Errorf("password of the data folder: %w", err)
	}
	password := strings.TrimSpace(string(text))
	if !passwordForm.MatchString(password) {
		return fmt.Errorf("%s does not hold a password written by framehouse (64 hex digits): delete it, and the next start makes a new one", f.passwordFile())
	}
	if err := os.Chmod(f.passwordFile(), 0o600); err != nil {
		return fmt.Errorf("password of the data folder: %w", err)
	}
	f.password = password
	return nil
}

// writeFile writes a file of ours with mode 0600: the whole of it or nothing.
func writeFile(path string, content []byte) error {
	tmp, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*") // with mode 0600
	if err != nil {
		return fmt.Errorf("file %s: %w", path, err)
	}
	_, err = tmp.Write(content)
	err = errors.Join(err, tmp.Sync(), tmp.Close())
	if err == nil {
		err = os.Rename(tmp.Name(), path)
	}
	if err != nil {
		os.Remove(tmp.Name())
		return fmt.Errorf("file %s: %w", path, err)
	}
	return nil
}

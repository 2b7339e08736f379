package engine

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"unsafe"

	"github.com/ebitengine/purego"
)

// Version of the npm package that carries libchdb. scripts/fetch-engine.sh fetches the same.
const Version = "26.7.3-stable.1"

// libraryEnv overrides where libchdb is looked for, and tells a child what to load.
const libraryEnv = "FRAMEHOUSE_LIBCHDB"

const remedy = "run scripts/fetch-engine.sh, or set " + libraryEnv + " to a libchdb.so, or use a ClickHouse of your own with --clickhouse URL"

// Find says where libchdb is: what FRAMEHOUSE_LIBCHDB names, else the user's cache folder where
// scripts/fetch-engine.sh puts it. Both follow one rule on every platform: $XDG_CACHE_HOME, else $HOME/.cache.
func Find() (string, error) {
	if path := os.Getenv(libraryEnv); path != "" {
		if err := regular(path); err != nil {
			return "", fmt.Errorf("%s: %w; correct it or unset it", libraryEnv, err)
		}
		return path, nil
	}
	cache := os.Getenv("XDG_CACHE_HOME")
	if cache == "" {
		home, err := os.UserHomeDir()
		if err != nil {
			return "", fmt.Errorf("the ClickHouse library has no known place (%w): %s", err, remedy)
		}
		cache = filepath.Join(home, ".cache")
	}
	path := filepath.Join(cache, "framehouse", "libchdb-"+Version, "libchdb.so")
	if err := regular(path); err != nil {
		return "", fmt.Errorf("the ClickHouse library is not there (%w): %s", err, remedy)
	}
	return path, nil
}

func regular(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return fmt.Errorf("%s is not a file", path)
	}
	return nil
}

// library is libchdb's one function that can open ports: it runs a command line of clickhouse-local to its end.
type library struct {
	query  func(argc int32, argv unsafe.Pointer) uintptr
	failed func(result uintptr) string
}

// load opens libchdb in this process, for good. Only a child may do so.
func load(path string) (*library, error) {
	if err := regular(path); err != nil {
		return nil, fmt.Errorf("the ClickHouse library: %w: %s", err, remedy)
	}
	handle, err := purego.Dlopen(path, purego.RTLD_NOW|purego.RTLD_GLOBAL)
	if err != nil {
		return nil, fmt.Errorf("%s cannot be loaded as libchdb, which needs glibc on Linux (%w): %s", path, err, remedy)
	}
	var l library
	for name, f := range map[string]any{"chdb_query_cmdline": &l.query, "chdb_result_error": &l.failed} {
		symbol, err := purego.Dlsym(handle, name)
		if err != nil {
			return nil, fmt.Errorf("%s is not a libchdb of version %s, it has no %s: %s", path, Version, name, remedy)
		}
		purego.RegisterFunc(f, symbol)
	}
	// libchdb's own handlers keep a crashed process around for minutes to collect traces. An engine that crashed
	// must be gone at once, so that it is noticed and restarted.
	if symbol, err := purego.Dlsym(handle, "chdb_set_signal_handlers_enabled"); err == nil {
		var enable func(int32)
		purego.RegisterFunc(&enable, symbol)
		enable(0)
	}
	return &l, nil
}

// run blocks until the command line ends.
func (l *library) run(args []string) error {
	argv := make([]*byte, len(args)+1)
	for i, arg := range args {
		argv[i] = unsafe.StringData(arg + "\x00")
	}
	result := l.query(int32(len(args)), unsafe.Pointer(&argv[0]))
	if result == 0 {
		return errors.New("no result")
	}
	if message := l.failed(result); message != "" {
		return errors.New(message)
	}
	return nil
}

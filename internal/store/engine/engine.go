// Package engine runs a real ClickHouse, the one inside libchdb, as a child process on a data folder.
//
// It promises:
//
//   - one engine per data folder, held by a lock that lasts until the last of parent and child is gone;
//   - nobody but the holder of the generated password gets an answer from it, and it listens on loopback only;
//   - the child never outlives its parent, however the parent ends;
//   - a child that dies is noticed at once, said by Health, and started again, up to a limit;
//   - what ClickHouse acknowledged is there again after any crash of either process.
//
// The engine is a process of its own, never a library in the serving process, because a crash in C++ code or its
// signal handlers must not take the API down. The child is this same binary, so every binary that opens an engine
// (tests too) calls Main first thing.
package engine

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"time"
)

const (
	// userName is the only user who gets an answer over the network.
	userName = "framehouse"
	// databaseName is ours because the engine's own default database lives in memory.
	databaseName = "framehouse"
)

// Config says which engine to run and where. Only Dir is required.
type Config struct {
	// Dir is the data folder. It is made, with mode 0700, when missing. A relative path is taken from the
	// working folder at the time of Open.
	Dir string
	// Library is the path of libchdb. Empty means what Find finds.
	Library string
	// Logger hears of starts, deaths and restarts. Nil discards them.
	Logger *slog.Logger
	// Owner is what someone else who wants the folder is told about us, such as
	// "framehouse serve on 127.0.0.1:8080". Empty means "another framehouse".
	Owner string

	// firstPause before the first restart, doubled for each further one. Zero means 100 ms.
	firstPause time.Duration
	// attempts is how many restarts in a row are tried before the engine is given up. Zero means 5.
	attempts int
}

// Engine is a running ClickHouse and its supervisor. Its methods may be called from many goroutines.
type Engine struct {
	cfg    Config
	folder folder
	lock   *os.File

	stop    chan struct{} // closed by Close
	stopped chan struct{} // closed when the child is gone and the lock released
	once    sync.Once

	mu    sync.Mutex
	state state
}

// Open takes the data folder, starts ClickHouse on it and returns when it answers queries. A first start that fails
// is an error, not retried: what is wrong then is seldom cured by trying again. ctx limits the start only.
func Open(ctx context.Context, cfg Config) (*Engine, error) {
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if cfg.firstPause == 0 {
		cfg.firstPause = 100 * time.Millisecond
	}
	if cfg.attempts == 0 {
		cfg.attempts = 5
	}
	if cfg.Library == "" {
		library, err := Find()
		if err != nil {
			return nil, err
		}
		cfg.Library = library
	}
	library, err := filepath.Abs(cfg.Library)
	if err != nil {
		return nil, fmt.Errorf("path of libchdb %s: %w", cfg.Library, err)
	}
	cfg.Library = library

	f, err := openFolder(cfg.Dir)
	if err != nil {
		return nil, err
	}
	lock, err := acquire(ctx, f, cfg.Owner)
	if err != nil {
		return nil, err
	}
	// Only the holder of the lock may write the folder, so the password is made after it is held.
	if err := f.prepare(); err != nil {
		lock.Close()
		return nil, err
	}

	e := &Engine{cfg: cfg, folder: f, lock: lock, stop: make(chan struct{}), stopped: make(chan struct{})}
	p, err := e.start(ctx)
	if err != nil {
		release(lock)
		return nil, fmt.Errorf("ClickHouse on data folder %s: %w", f.dir, err)
	}
	e.set(state{process: p})
	go e.supervise(p)
	return e, nil
}

// Close stops ClickHouse cleanly, by force when it takes too long, and frees the data folder. Queries that still run
// are cancelled. Further calls wait for the first and do nothing.
func (e *Engine) Close() error {
	e.once.Do(func() { close(e.stop) })
	<-e.stopped
	return nil
}

// DialContext connects to wherever the engine listens now, whatever addr says: the port changes with a restart.
// While the engine is down it returns Health's error at once. It has the signature of net.Dialer.DialContext for use
// in an http.Transport or a driver's options.
func (e *Engine) DialContext(ctx context.Context, addr string) (net.Conn, error) {
	s := e.now()
	if s.process == nil {
		return nil, s.health(e.folder)
	}
	d := net.Dialer{}
	conn, err := d.DialContext(ctx, "tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(s.process.port)))
	if err == nil {
		return conn, nil
	}
	// The kernel closes a dead process's socket slightly before its parent can learn of the death. In between, a
	// refused connection is better explained by the death than by itself.
	select {
	case <-s.process.done:
		if down := e.Health(); down != nil {
			return nil, down
		}
	case <-time.After(50 * time.Millisecond):
	case <-ctx.Done():
	}
	return nil, fmt.Errorf("ClickHouse on data folder %s: %w", e.folder.dir, err)
}

// User is who the engine lets in.
func (e *Engine) User() string { return userName }

// Password of User. It must not be logged, nor given in a URL.
func (e *Engine) Password() string { return e.folder.password }

// Database is the one that lasts; the database "default" is in memory.
func (e *Engine) Database() string { return databaseName }

// Pid of the child that runs now, 0 when none does.
func (e *Engine) Pid() int {
	if p := e.now().process; p != nil {
		return p.cmd.Process.Pid
	}
	return 0
}

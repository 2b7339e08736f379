package engine

import (
	"context"
	"errors"
	"fmt"
	"time"
)

const (
	// startLimit is generous since a folder with many parts takes ClickHouse a while to load; an empty one takes 0.3 s.
	startLimit = 2 * time.Minute
	// closeGrace is what a clean stop may take before the child is killed. Killing loses nothing acknowledged; a
	// clean stop only makes the next start cheaper.
	closeGrace = 5 * time.Second
	// longestPause between restarts keeps an outage short once its cause is gone.
	longestPause = 5 * time.Second
	// goodUptime is what tells a crash now and then from an engine that cannot run.
	goodUptime = 30 * time.Second
)

// state is what the supervisor last saw. Either process is set and the engine is up, or why says why it is not.
type state struct {
	process *process
	why     error
	attempt int  // which restart in a row is due or under way
	of      int  // how many will be tried
	gaveUp  bool // no more are tried
	closed  bool
}

var errClosed = errors.New("closed")

// health is nil when the process runs, else one sentence.
func (s state) health(f folder) error {
	switch {
	case s.process != nil:
		return nil
	case s.closed:
		return fmt.Errorf("ClickHouse on data folder %s: %w", f.dir, errClosed)
	case s.gaveUp:
		return fmt.Errorf("ClickHouse on data folder %s is down and was given up after %d restarts in a row, the last failure: %w; see its log %s, then start framehouse again",
			f.dir, s.of, s.why, f.log())
	}
	return fmt.Errorf("ClickHouse on data folder %s is being restarted (attempt %d of %d): %w", f.dir, s.attempt, s.of, s.why)
}

// Health is nil when ClickHouse is up, else an error that says in one sentence in what state it is, and why.
func (e *Engine) Health() error {
	s := e.now()
	return s.health(e.folder)
}

// GivenUp tells that ClickHouse is down and no more restarts are tried.
func (e *Engine) GivenUp() bool { return e.now().gaveUp }

// now is the state, corrected for a death the supervisor has not come round to yet: whoever asks after the child is
// gone must never hear that all is well.
func (e *Engine) now() state {
	e.mu.Lock()
	defer e.mu.Unlock()
	if p := e.state.process; p != nil {
		select {
		case <-p.done:
			return state{why: p.end(), attempt: 1, of: e.cfg.attempts}
		default:
		}
	}
	return e.state
}

func (e *Engine) set(s state) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.state = s
}

// start runs one child until it is ready to answer, for at most startLimit.
func (e *Engine) start(ctx context.Context) (*process, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, startLimit,
		fmt.Errorf("it did not answer within %s; see its log %s", startLimit, e.folder.log()))
	defer cancel()
	if err := e.folder.configure(); err != nil {
		return nil, err
	}
	began := time.Now()
	p, err := launch(ctx, e.folder, e.cfg.Library, e.lock)
	if err != nil {
		return nil, err
	}
	e.cfg.Logger.Info("ClickHouse is up", "folder", e.folder.dir, "pid", p.cmd.Process.Pid, "port", p.port,
		"took", time.Since(began).Round(time.Millisecond))
	return p, nil
}

// supervise owns the child from here on: it alone starts and stops processes, so there is never more than one.
func (e *Engine) supervise(p *process) {
	defer close(e.stopped)
	defer release(e.lock)
	defer e.set(state{closed: true})

	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go func() {
		select {
		case <-e.stop:
			cancel()
		case <-ctx.Done():
		}
	}()

	failures := 0
	up := time.Now()
	for {
		select {
		case <-e.stop:
			e.set(state{closed: true}) // no new connections: a shutdown beside arriving queries may hang
			if !p.close(closeGrace) {
				e.cfg.Logger.Warn("ClickHouse did not stop in time and was killed", "folder", e.folder.dir, "waited", closeGrace)
			}
			return
		case <-p.done:
		}
		if time.Since(up) >= goodUptime {
			failures = 0
		}
		why := p.end()
		for p = nil; p == nil; {
			failures++
			s := state{why: why, attempt: failures, of: e.cfg.attempts, gaveUp: failures > e.cfg.attempts}
			e.set(s)
			if s.gaveUp {
				e.cfg.Logger.Error("ClickHouse is given up", "folder", e.folder.dir, "restarts", e.cfg.attempts, "error", why)
				<-e.stop
				return
			}
			pause := min(e.cfg.firstPause<<min(failures-1, 10), longestPause)
			e.cfg.Logger.Warn("ClickHouse ended and will be restarted", "folder", e.folder.dir, "in", pause, "error", why)
			select {
			case <-e.stop:
				return
			case <-time.After(pause):
			}
			if p, why = e.start(ctx); why != nil && ctx.Err() != nil {
				return
			}
		}
		up = time.Now()
		e.set(state{process: p})
	}
}

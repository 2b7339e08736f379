package engine

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestRestartsAfterDeath(t *testing.T) {
	for name, signal := range map[string]syscall.Signal{
		"killed": syscall.SIGKILL, "crashed": syscall.SIGSEGV, "terminated": syscall.SIGTERM, "interrupted": syscall.SIGINT,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := open(t, Config{})
			ask(t, e, "CREATE TABLE t (a Int64) ENGINE = MergeTree ORDER BY a")
			ask(t, e, "INSERT INTO t SELECT number FROM numbers(1000)")
			pid := e.Pid()
			if pid <= 0 {
				t.Fatal("there is no process to be ended")
			}
			if err := syscall.Kill(pid, signal); err != nil {
				t.Fatal(err)
			}
			took := within(t, 3*time.Second, "death noticed", func() bool { return e.Health() != nil })
			if limit := 500 * time.Millisecond; signal == syscall.SIGKILL && took > limit {
				t.Errorf("Health said nothing of the death for %s, more than %s", took, limit)
			}
			if err := e.Health(); err != nil && !strings.Contains(err.Error(), "is being restarted (attempt 1 of 5): ") {
				t.Errorf("Health: %v", err)
			}
			if conn, err := e.DialContext(t.Context(), ""); err == nil {
				conn.Close()
				t.Error("connected to a dead engine")
			} else if !strings.Contains(err.Error(), "is being restarted") {
				t.Errorf("DialContext: %v", err)
			}
			within(t, 10*time.Second, "restart", func() bool { return e.Health() == nil })
			if e.Pid() == pid {
				t.Errorf("still process %d", pid)
			}
			if got := ask(t, e, "SELECT count() FROM t"); got != "1000" {
				t.Errorf("%s rows after restart, want 1000", got)
			}
		})
	}
}

// A request and Health may be what notices the death, before anything else does.
func TestRefusedConnectionIsExplained(t *testing.T) {
	e := open(t, Config{firstPause: time.Hour})
	kill(t, e)
	within(t, 2*time.Second, "an explained refusal", func() bool {
		_, err := try(e, "SELECT 1")
		return err != nil && strings.Contains(err.Error(), "it ended (signal: killed)")
	})
}

func TestGivesUp(t *testing.T) {
	found, err := Find()
	if err != nil {
		t.Fatal(err)
	}
	library := filepath.Join(t.TempDir(), "libchdb.so")
	if err := os.Symlink(found, library); err != nil {
		t.Fatal(err)
	}
	e := open(t, Config{Library: library, firstPause: time.Millisecond, attempts: 3})

	os.Remove(library)
	if err := os.WriteFile(library, []byte("not a library"), 0o600); err != nil {
		t.Fatal(err)
	}
	kill(t, e)
	within(t, 10*time.Second, "given up", func() bool {
		err := e.Health()
		return err != nil && strings.Contains(err.Error(), "given up")
	})
	got := e.Health().Error()
	for _, want := range []string{"given up after 3 restarts in a row", "cannot be loaded as libchdb", e.folder.log(), "start framehouse again"} {
		if !strings.Contains(got, want) {
			t.Errorf("Health does not say %q: %s", want, got)
		}
	}
	if e.Pid() != 0 {
		t.Errorf("process %d is left", e.Pid())
	}
}

func TestCloseWhileDown(t *testing.T) {
	e := open(t, Config{firstPause: time.Hour})
	kill(t, e)
	within(t, time.Second, "death noticed", func() bool { return e.Health() != nil })
	began := time.Now()
	e.Close()
	if took := time.Since(began); took > time.Second {
		t.Errorf("Close waited %s for a restart", took)
	}
}

package engine

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// parentEnv makes this test binary a program that opens an engine on the folder it names, and waits to be killed.
const parentEnv = "FRAMEHOUSE_TEST_PARENT"

func parent(dir string) {
	e, err := Open(context.Background(), Config{Dir: dir, Owner: "a parent"})
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	if _, err := try(e, "CREATE TABLE IF NOT EXISTS t (a Int64) ENGINE = MergeTree ORDER BY a"); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	if _, err := try(e, "INSERT INTO t SELECT number FROM numbers(100000)"); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println(e.Pid())
	select {}
}

// startParent returns the parent and what it prints first: the child's pid once a hundred thousand rows are acknowledged.
func startParent(t *testing.T, dir string) (*exec.Cmd, func() int) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), parentEnv+"="+dir)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
	})
	return cmd, func() int {
		line, _ := bufio.NewReader(out).ReadString('\n')
		pid, err := strconv.Atoi(strings.TrimSpace(line))
		if err != nil {
			t.Fatalf("the parent says %q", line)
		}
		return pid
	}
}

func TestChildEndsWithItsParent(t *testing.T) {
	cmd, pid := startParent(t, t.TempDir())
	child := pid()
	cmd.Process.Kill()
	cmd.Wait()
	took := within(t, 2*time.Second, "the orphan ends", func() bool { return !running(child) })
	t.Logf("gone after %s", took)
}

// A child that is still starting has no port to be stopped through, and must end all the same. When the lock is free,
// no process is left that holds it.
func TestChildEndsWithItsParentDuringStart(t *testing.T) {
	for _, after := range []time.Duration{0, 30, 60, 100, 150, 200, 300} {
		after *= time.Millisecond
		t.Run(after.String(), func(t *testing.T) {
			dir := t.TempDir()
			cmd, _ := startParent(t, dir)
			f := folder{dir: dir}
			within(t, 10*time.Second, "the parent has the lock", func() bool {
				content, err := os.ReadFile(f.lock())
				return err == nil && strings.Contains(string(content), strconv.Itoa(cmd.Process.Pid))
			})
			time.Sleep(after) // the moments of a start are what is tested, whichever each of them turns out to be
			cmd.Process.Kill()
			cmd.Wait()
			began := time.Now()
			lock, err := acquire(t.Context(), f, "")
			if err != nil {
				t.Fatal(err)
			}
			release(lock)
			if took := time.Since(began); took > 2*time.Second {
				t.Errorf("the child outlived its parent by %s", took)
			}
		})
	}
}

// The new owner opens while the orphan still holds the lock, and must wait for it rather than fail.
func TestRowsSurviveTheParent(t *testing.T) {
	dir := t.TempDir()
	cmd, pid := startParent(t, dir)
	pid()
	cmd.Process.Kill()
	cmd.Wait()
	e := open(t, Config{Dir: dir})
	if got := ask(t, e, "SELECT count() FROM t"); got != "100000" {
		t.Errorf("%s rows, want 100000", got)
	}
}

func TestRowsSurviveBoth(t *testing.T) {
	dir := t.TempDir()
	for round := 1; round <= 2; round++ {
		cmd, pid := startParent(t, dir)
		child := pid()
		cmd.Process.Kill()
		syscall.Kill(child, syscall.SIGKILL)
		cmd.Wait()
		e, err := Open(t.Context(), Config{Dir: dir})
		if err != nil {
			t.Fatal(err)
		}
		got := ask(t, e, "SELECT count() FROM t")
		e.Close()
		if want := strconv.Itoa(round * 100000); got != want {
			t.Errorf("%s rows after round %d, want %s", got, round, want)
		}
	}
}

// running is alive, except that a zombie counts as gone: nobody may be there to collect an orphan's exit status.
func running(pid int) bool {
	if !alive(pid) {
		return false
	}
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	return err != nil || !strings.Contains(string(stat), ") Z ")
}

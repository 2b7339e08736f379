package engine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"sync/atomic"
	"syscall"
	"time"
)

// The child finds these, and its data folder as the one argument.
const (
	childEnv  = "FRAMEHOUSE_ENGINE_CHILD"
	lockFD    = 3 // never used: open so that the lock lasts as long as the child
	reportFD  = 4 // the child writes reports here
	stopWord  = "stop\n"
	drainTime = 100 * time.Millisecond
)

// report is what a child tells its parent, one JSON object each.
type report struct {
	Port   int    `json:"port,omitempty"`   // ready: queries are answered here
	Failed string `json:"failed,omitempty"` // about to end: why
}

// process is the parent's side of one child.
type process struct {
	cmd   *exec.Cmd
	port  int
	stdin *os.File      // as long as it is open, the child may live
	done  chan struct{} // closed when the child is gone and its last words are in

	stderr tail
	failed atomic.Pointer[string] // what the child reported, if it did
}

// launch starts a child and returns when it is ready. When it does not get there, no process is left.
func launch(ctx context.Context, f folder, library string, lock *os.File) (*process, error) {
	if err := ctx.Err(); err != nil {
		return nil, context.Cause(ctx)
	}
	self, err := executable()
	if err != nil {
		return nil, err
	}
	var pipes [3]struct{ r, w *os.File } // stdin, reports, stderr
	closeAll := func() {
		for _, p := range pipes {
			p.r.Close() // of a nil file: an error, no harm
			p.w.Close()
		}
	}
	for i := range pipes {
		if pipes[i].r, pipes[i].w, err = os.Pipe(); err != nil {
			closeAll()
			return nil, fmt.Errorf("pipes for the child: %w", err)
		}
	}
	in, reports, stderr := pipes[0], pipes[1], pipes[2]

	p := &process{stdin: in.w, done: make(chan struct{})}
	p.cmd = &exec.Cmd{
		Path:       self,
		Args:       []string{"framehouse-clickhouse", f.dir},
		Dir:        f.dir,
		Env:        childEnviron(f, library),
		Stdin:      in.r,
		Stdout:     stderr.w,
		Stderr:     stderr.w,
		ExtraFiles: []*os.File{lock, reports.w},
		// A group of its own: Ctrl-C in a terminal is for the parent, who then stops the child in order.
		SysProcAttr: &syscall.SysProcAttr{Setpgid: true},
	}
	if err := p.cmd.Start(); err != nil {
		closeAll()
		return nil, fmt.Errorf("start of the child process: %w", err)
	}
	in.r.Close()
	reports.w.Close()
	stderr.w.Close()

	ready := make(chan int, 1)
	heard := make(chan struct{}, 2)
	go func() {
		defer reports.r.Close()
		for d := json.NewDecoder(reports.r); ; {
			var r report
			if d.Decode(&r) != nil {
				break
			}
			if r.Failed != "" {
				p.failed.Store(&r.Failed)
			} else {
				ready <- r.Port
			}
		}
		heard <- struct{}{}
	}()
	go func() {
		defer stderr.r.Close()
		io.Copy(&p.stderr, stderr.r)
		heard <- struct{}{}
	}()
	go func() {
		p.cmd.Wait()
		p.stdin.Close()
		// The last words arrive with the death. Something ClickHouse started itself could hold the pipes open, and
		// must not keep the death a secret.
		late := time.After(drainTime)
		for range cap(heard) {
			select {
			case <-heard:
			case <-late:
			}
		}
		close(p.done)
	}()

	select {
	case p.port = <-ready:
		return p, nil
	case <-p.done:
		return nil, p.end()
	case <-ctx.Done():
		p.close(0)
		return nil, context.Cause(ctx)
	}
}

// executable is this very binary. On Linux that is a link which stays good when the file is replaced by an upgrade.
func executable() (string, error) {
	if runtime.GOOS == "linux" {
		return "/proc/self/exe", nil
	}
	self, err := os.Executable()
	if err != nil {
		return "", fmt.Errorf("path of this program: %w", err)
	}
	return self, nil
}

// childEnviron is all the child gets to see: the parent's environment may hold secrets, and settings that mean
// something else to ClickHouse. HOME is the data folder so that no client configuration of the user is read.
func childEnviron(f folder, library string) []string {
	env := []string{
		childEnv + "=1",
		libraryEnv + "=" + library,
		"HOME=" + f.dir,
		"TZ=UTC",
		// The Go side of the child only waits, and need not interrupt C++ code with preemption signals.
		"GOMAXPROCS=2",
		"GODEBUG=asyncpreemptoff=1",
	}
	for _, name := range []string{"PATH", "TMPDIR", "LANG"} {
		if v, ok := os.LookupEnv(name); ok {
			env = append(env, name+"="+v)
		}
	}
	return env
}

// close asks for a clean stop, kills when it takes longer than grace, and returns when the child is gone. It says
// whether the child went by itself.
func (p *process) close(grace time.Duration) bool {
	clean := true
	if grace > 0 {
		p.stdin.WriteString(stopWord)
	}
	select {
	case <-p.done:
	case <-time.After(grace):
		clean = false
		p.cmd.Process.Kill()
		<-p.done
	}
	return clean
}

// end says why the child ended, with what is best known: its own report, else how it ended and its last words. Valid
// once done is closed.
func (p *process) end() error {
	if failed := p.failed.Load(); failed != nil {
		return errors.New(*failed)
	}
	how := "it ended (" + p.cmd.ProcessState.String() + ")"
	if words := p.stderr.words(); words != "" {
		how += ", its last words: " + words
	}
	return errors.New(how)
}

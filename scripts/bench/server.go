package main

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"time"
)

const (
	startLimit = 30 * time.Second
	stopLimit  = 20 * time.Second
)

// server is a framehouse and the ClickHouse that it has started.
type server struct {
	program, catalog, data string
	cache                  string // size; nothing is kept when empty

	cmd           *exec.Cmd
	ended         chan struct{}
	url           string // of framehouse
	clickHouseURL string
	clickHousePID int
	password      string
}

var (
	engineLine = regexp.MustCompile(`ClickHouse is up.* pid=(\d+) port=(\d+)`)
	serverLine = regexp.MustCompile(`framehouse serves at (http://[0-9.:]+)`)
)

// start starts framehouse and waits until it serves.
func (s *server) start(ctx context.Context) error {
	s.cmd = exec.Command(s.program, "serve", "--catalog", s.catalog, "--data", s.data, "--listen", "127.0.0.1:0",
		"--query-timeout", "2m", "--cache-size", cmp.Or(s.cache, "0"), "--log-level", "INFO")
	// A group of its own: Ctrl-C is for us, who then stop it in order.
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	output, err := s.cmd.StderrPipe()
	if err != nil {
		return err
	}
	if err := s.cmd.Start(); err != nil {
		return fmt.Errorf("%w (make build makes bin/framehouse)", err)
	}
	s.ended = make(chan struct{})
	serves := make(chan error, 1)
	go func() {
		defer close(s.ended)
		serves <- s.read(output)
		io.Copy(io.Discard, output)
		s.cmd.Wait()
	}()
	select {
	case err = <-serves:
	case <-time.After(startLimit):
		err = fmt.Errorf("%s does not serve within %s", s.program, startLimit)
	case <-ctx.Done():
		err = context.Cause(ctx)
	}
	if err == nil {
		var password []byte
		password, err = os.ReadFile(filepath.Join(s.data, "password"))
		s.password = strings.TrimSpace(string(password))
	}
	if err != nil {
		return errors.Join(err, s.stop())
	}
	return nil
}

// read reads what framehouse says until it serves.
func (s *server) read(output io.Reader) error {
	var said strings.Builder
	for lines := bufio.NewScanner(output); lines.Scan(); {
		line := lines.Text()
		fmt.Fprintln(&said, line)
		if m := engineLine.FindStringSubmatch(line); m != nil {
			s.clickHousePID, _ = strconv.Atoi(m[1]) // digits
			s.clickHouseURL = "http://127.0.0.1:" + m[2]
		}
		if m := serverLine.FindStringSubmatch(line); m != nil {
			s.url = m[1]
			if s.clickHousePID == 0 {
				return fmt.Errorf("%s does not say where its ClickHouse is:\n%s", s.program, said.String())
			}
			return nil
		}
	}
	return fmt.Errorf("%s does not serve:\n%s", s.program, said.String())
}

// stop ends framehouse, which ends its ClickHouse. ClickHouse ends by itself when
// framehouse is gone, whatever the reason.
func (s *server) stop() error {
	if s.cmd == nil || s.cmd.Process == nil {
		return nil
	}
	s.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-s.ended:
	case <-time.After(stopLimit):
		s.cmd.Process.Kill()
		<-s.ended
		return fmt.Errorf("framehouse (process %d) did not end within %s and was killed", s.cmd.Process.Pid, stopLimit)
	}
	s.cmd, s.clickHousePID = nil, 0
	return nil
}

func (s *server) restart(ctx context.Context) error {
	return errors.Join(s.stop(), s.start(ctx))
}

// publish adds a node to the catalog, which ends with its nodes, for the next start.
func (s *server) publish(node string) error {
	file, err := os.OpenFile(s.catalog, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = file.WriteString(node)
	return errors.Join(err, file.Close())
}

// cpu is the CPU time used so far by framehouse and by ClickHouse.
func (s *server) cpu() (framehouse, clickHouse time.Duration, err error) {
	if framehouse, err = cpuTime(s.cmd.Process.Pid); err != nil {
		return 0, 0, err
	}
	clickHouse, err = cpuTime(s.clickHousePID)
	return framehouse, clickHouse, err
}

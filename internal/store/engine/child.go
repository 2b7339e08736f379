package engine

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/signal"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

const (
	// script opens the port and then blocks: clickhouse-local ends with its last statement. The short sleep bounds
	// how long a KILL QUERY takes to be noticed, and costs a few wake-ups per second.
	script = "SYSTEM START LISTEN HTTP; " +
		"SELECT sleepEachRow(0.2) FROM system.numbers SETTINGS max_block_size = 1 FORMAT Null"
	// endQueries comes before endScript: with nothing running ClickHouse shuts down at once, while with queries still
	// arriving it was seen to hang now and then. The hard stop is for those.
	endQueries = "KILL QUERY WHERE user = '" + userName + "' SYNC"
	// endScript ends the blocking statement, whose user reads as ''.
	endScript = "KILL QUERY WHERE user = '' ASYNC"
	// orphanGrace keeps the promise that nothing is left two seconds after the parent died.
	orphanGrace = time.Second
	portPoll    = 5 * time.Millisecond
	endPause    = 100 * time.Millisecond
)

// Main runs the engine and does not return when this process was started as an engine's child; otherwise it does
// nothing. It must be the first thing in main, and in TestMain of tests that open an engine.
func Main() {
	if os.Getenv(childEnv) == "" {
		return
	}
	os.Unsetenv(childEnv)
	// The engine runs on this thread. C code sees thread-local state, which must not move.
	runtime.LockOSThread()
	c := child{reports: os.NewFile(reportFD, "reports")}
	if info, err := c.reports.Stat(); err != nil || info.Mode()&os.ModeNamedPipe == 0 || len(os.Args) != 2 {
		fmt.Fprintf(os.Stderr, "%s is set, which framehouse does for its own child process only: unset it\n", childEnv)
		syscall.Exit(2)
	}
	syscall.CloseOnExec(lockFD)
	syscall.CloseOnExec(reportFD)
	c.run(os.Args[1], os.Getenv(libraryEnv))
}

// child is the engine's process seen from inside. It leaves by syscall.Exit only: a plain exit would run C++
// destructors beside threads that still work.
type child struct {
	reports  *os.File
	password string
	port     atomic.Int32 // 0 until ready
	stopping atomic.Bool
	finish   sync.Once
}

func (c *child) run(dir, lib string) {
	// What the engine writes is nobody else's, also in a folder that others may enter.
	syscall.Umask(0o077)
	// A broken pipe must not end an engine that is about to stop in order, nor the hang-up of a terminal.
	signal.Ignore(syscall.SIGPIPE, syscall.SIGHUP)
	go c.obeySignals()
	go c.obeyParent()

	f := folder{dir: dir}
	l, err := load(lib)
	if err != nil {
		c.fail(err)
	}
	if err := f.readPassword(); err != nil {
		c.fail(err)
	}
	c.password = f.password

	go c.announce()
	err = l.run([]string{
		"clickhouse", "--config-file", f.config(), "--path", f.data(), "--http_port", "0", "--listen_host", "127.0.0.1",
		"--log-level", "warning", "--query", script,
	})
	switch {
	case c.stopping.Load():
		syscall.Exit(0)
	case err != nil:
		c.fail(fmt.Errorf("ClickHouse ended: %s", oneLine(err.Error())))
	}
	// libchdb has a message for failed statements only; for a failed start it wrote to stderr, which the parent quotes.
	syscall.Exit(1)
}

// fail tells the parent why and ends.
func (c *child) fail(err error) {
	c.report(report{Failed: err.Error()})
	syscall.Exit(1)
}

func (c *child) report(r report) {
	line, err := json.Marshal(r)
	if err != nil {
		panic(err) // a report has nothing that JSON cannot hold
	}
	c.reports.Write(append(line, '\n'))
}

// announce waits for the port the kernel chose and tells the parent once the engine answers there. A port chosen
// beforehand could be taken by someone else, who would then be sent our password.
func (c *child) announce() {
	for ; ; time.Sleep(portPoll) {
		for _, port := range listening() {
			err := c.ask(context.Background(), port, "CREATE DATABASE IF NOT EXISTS "+databaseName+" ENGINE = Atomic")
			if errors.Is(err, syscall.ECONNREFUSED) {
				continue // bound, not yet listening
			}
			if err != nil {
				c.fail(fmt.Errorf("ClickHouse started but cannot be used: %w", err))
			}
			c.port.Store(int32(port))
			c.report(report{Port: port})
			return
		}
	}
}

// obeyParent stops when told to, or when the parent is gone, which closes our standard input however it ended.
func (c *child) obeyParent() {
	in := bufio.NewReader(os.Stdin)
	for {
		word, err := in.ReadString('\n')
		if err != nil {
			c.end(orphanGrace)
			return
		}
		if word == stopWord {
			c.end(closeGrace)
		}
	}
}

func (c *child) obeySignals() {
	signals := make(chan os.Signal, 4)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT)
	for range signals {
		c.end(orphanGrace)
	}
}

// end stops cleanly if that takes no longer than grace, else hard. A later call may shorten the grace.
func (c *child) end(grace time.Duration) {
	c.stopping.Store(true)
	time.AfterFunc(grace, func() { syscall.Exit(1) })
	port := c.port.Load()
	if port == 0 {
		syscall.Exit(1) // not yet ready: nothing was acknowledged that a clean stop could save
	}
	// Again and again, in case the engine is too busy to take the first request.
	c.finish.Do(func() {
		go func() {
			for ; ; time.Sleep(endPause) {
				c.ask(context.Background(), int(port), endQueries)
				c.ask(context.Background(), int(port), endScript)
			}
		}()
	})
}

// ask runs one statement on this process's own engine.
func (c *child) ask(ctx context.Context, port int, statement string) error {
	url := "http://127.0.0.1:" + strconv.Itoa(port) + "/"
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, strings.NewReader(statement))
	if err != nil {
		return err
	}
	req.Header.Set("X-ClickHouse-User", userName)
	req.Header.Set("X-ClickHouse-Key", c.password)
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, wordsSize))
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s", resp.Status, oneLine(string(body)))
	}
	return err
}

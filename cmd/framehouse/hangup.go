package main

import (
	"os"
	"os/signal"
	"syscall"
)

// onHangup delivers each SIGHUP: false asks for the catalog to be read again, true says that
// the terminal that framehouse was started in is gone. Without the difference, a server
// would stay behind each window that is closed.
func onHangup() (hangups <-chan bool, stop func()) {
	endsWithTerminal := !signal.Ignored(syscall.SIGHUP) && hasTerminal()
	signals, told, done := make(chan os.Signal, 1), make(chan bool), make(chan struct{})
	signal.Notify(signals, syscall.SIGHUP)
	go func() {
		for {
			select {
			case <-signals:
			case <-done:
				return
			}
			select {
			case told <- endsWithTerminal && !hasTerminal():
			case <-done:
				return
			}
		}
	}()
	return told, func() {
		signal.Stop(signals)
		close(done)
	}
}

// hasTerminal tells whether the process has a terminal that controls it.
func hasTerminal() bool {
	terminal, err := os.OpenFile("/dev/tty", os.O_RDONLY, 0)
	if err != nil {
		return false
	}
	_ = terminal.Close()
	return true
}

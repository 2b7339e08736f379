package engine

import (
	"strings"
	"sync"
)

const (
	// tailSize is enough for a ClickHouse exception with the start of its stack trace.
	tailSize = 4096
	// wordsSize is what fits in an error someone reads.
	wordsSize = 600
)

// tail is a writer that remembers the last tailSize bytes. The zero value is ready to use.
type tail struct {
	mu  sync.Mutex
	buf []byte
}

func (t *tail) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.buf = append(t.buf, b...)
	if over := len(t.buf) - tailSize; over > 0 {
		t.buf = append(t.buf[:0], t.buf[over:]...)
	}
	return len(b), nil
}

// words is the end of what was written, on one line and short.
func (t *tail) words() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return oneLine(string(t.buf))
}

// oneLine keeps the last wordsSize bytes of s, without line breaks and lines that say nothing.
func oneLine(s string) string {
	var lines []string
	for line := range strings.Lines(s) {
		// libchdb announces its log file before all else.
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "Logging ") {
			lines = append(lines, line)
		}
	}
	s = strings.Join(lines, " ")
	if over := len(s) - wordsSize; over > 0 {
		s = "…" + strings.ToValidUTF8(s[over:], "")
	}
	return s
}

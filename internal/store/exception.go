package store

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
	"sync"

	"github.com/ClickHouse/clickhouse-go/v2"
)

// exceptionTag is the header with the random text that tells a failure that ClickHouse
// writes into an answer from data that looks like one. Servers before 25.9 have none.
const exceptionTag = "X-ClickHouse-Exception-Tag"

// guarded is the body of an answer, up to the failure that ClickHouse writes into it when
// the status has already been sent; that is what a reader gets as the error. The driver
// can look for it too, at the price of a hundred kilobytes of garbage for each answer.
type guarded struct {
	body io.ReadCloser
	mark []byte // what begins a failure
	tag  string
	// buffer holds what was read and not handed out, from start to end. Before clear no
	// mark begins.
	buffer            *[guardSize]byte
	start, clear, end int
	err               error // what comes after all that
}

const guardSize = 32 << 10

var guards = sync.Pool{New: func() any { return new([guardSize]byte) }}

func guard(body io.ReadCloser, tag string) *guarded {
	mark := "__exception__\r\n"
	if tag != "" {
		mark += tag + "\r\n"
	}
	return &guarded{body: body, mark: []byte(mark), tag: tag, buffer: guards.Get().(*[guardSize]byte)}
}

// Read implements io.Reader.
func (g *guarded) Read(p []byte) (int, error) {
	if g.buffer == nil {
		return 0, errClosed
	}
	for g.start == g.clear {
		if g.err != nil {
			return 0, g.err
		}
		if g.start == g.end && len(p) >= len(g.buffer) {
			// As large as the buffer: what is read need not pass through it.
			n, err := g.body.Read(p)
			clear := g.look(p[:n], err)
			g.start, g.clear, g.end = 0, 0, 0
			if g.err == nil {
				g.end = copy(g.buffer[:], p[clear:n])
			}
			if clear > 0 {
				return clear, nil
			}
			continue
		}
		g.end = copy(g.buffer[:], g.buffer[g.start:g.end])
		n, err := g.body.Read(g.buffer[g.end:])
		g.end += n
		g.start, g.clear = 0, g.look(g.buffer[:g.end], err)
	}
	n := copy(p, g.buffer[g.start:g.clear])
	g.start += n
	return n, nil
}

// look returns how much of data can be handed out, and notes what comes after it: the
// failure that begins there, or err. When neither is known, data may end with a part of
// the mark.
func (g *guarded) look(data []byte, err error) (clear int) {
	g.err = err
	if i := bytes.Index(data, g.mark); i >= 0 {
		text := bytes.Clone(data[i+len(g.mark):])
		if err == nil {
			var rest []byte
			rest, err = io.ReadAll(io.LimitReader(g.body, guardSize))
			text = append(text, rest...)
		}
		g.err = exceptionIn(string(text), g.tag)
		if err != nil && err != io.EOF {
			g.err = fmt.Errorf("%w (cut: %w)", g.err, err)
		}
		return i
	}
	if err != nil {
		return len(data)
	}
	for size := min(len(g.mark)-1, len(data)); size > 0; size-- {
		if bytes.HasPrefix(g.mark, data[len(data)-size:]) {
			return len(data) - size
		}
	}
	return len(data)
}

// Close implements io.Closer.
func (g *guarded) Close() error {
	if g.buffer != nil {
		guards.Put(g.buffer)
		g.buffer = nil
	}
	return g.body.Close()
}

var exceptionText = regexp.MustCompile(`(?s)Code: (\d+)\. (?:(\S*Exception): )?(.*)`)

// exceptionIn reads the failure that follows its mark: a text, and since there are tags
// its length, the tag and the mark again.
func exceptionIn(text, tag string) error {
	if tag != "" {
		if end := strings.LastIndex(text, " "+tag); end >= 0 {
			text = text[:max(0, strings.LastIndex(text[:end], "\n"))]
		}
	}
	parts := exceptionText.FindStringSubmatch(text)
	if parts == nil {
		return errors.New("ClickHouse failed in the middle of an answer and does not say why")
	}
	code, err := strconv.ParseInt(parts[1], 10, 32)
	if err != nil {
		return fmt.Errorf("ClickHouse failed in the middle of an answer: %.200q", text)
	}
	return &clickhouse.Exception{Code: int32(code), Name: parts[2], Message: strings.TrimSpace(parts[3])}
}

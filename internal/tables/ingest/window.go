package ingest

import (
	"bytes"
	"fmt"
	"io"
)

// window is a part of a body, which moves on as rows are read and grows to the size of one.
type window struct {
	r          io.Reader
	take       func(int64) error // asks for memory
	buf        []byte
	start, end int // of what is read and not consumed
	err        error
}

func newWindow(r io.Reader, take func(int64) error) *window {
	return &window{r: r, take: take, buf: make([]byte, 64<<10)}
}

// copies is how often a long row is held: in the window, as a text without its escapes, as
// the cell and as the line that are made of it.
const copies = 4

// more reads on, and tells whether there was more.
func (w *window) more() (bool, error) {
	if w.err != nil {
		if w.err == io.EOF {
			return false, nil
		}
		return false, w.err
	}
	if w.start > 0 {
		w.end = copy(w.buf, w.buf[w.start:w.end])
		w.start = 0
	}
	if w.end == len(w.buf) {
		if len(w.buf) >= MostRowBytes {
			return false, fmt.Errorf("a row has more than %d MB", MostRowBytes>>20)
		}
		if err := w.take(copies * int64(len(w.buf))); err != nil {
			return false, err
		}
		w.buf = append(w.buf, make([]byte, len(w.buf))...)
	}
	before := w.end
	for w.end == before && w.err == nil {
		var n int
		n, w.err = w.r.Read(w.buf[w.end:])
		w.end += n
	}
	if w.end == before {
		return w.more()
	}
	return true, nil
}

// peek is the next byte, or 0 at the end, which is no byte of any text format.
func (w *window) peek() (byte, error) {
	if w.start == w.end {
		if more, err := w.more(); !more {
			return 0, err
		}
	}
	return w.buf[w.start], nil
}

// bom consumes the mark with which some programs begin UTF-8.
func (w *window) bom() error {
	for w.end-w.start < 3 {
		if more, err := w.more(); !more {
			return err
		}
	}
	if bytes.HasPrefix(w.buf[w.start:w.end], []byte("\xEF\xBB\xBF")) {
		w.start += 3
	}
	return nil
}

// space consumes white space and peeks at what follows.
func (w *window) space() (byte, error) {
	for {
		c, err := w.peek()
		if err != nil || !isSpace(c) {
			return c, err
		}
		w.start++
	}
}

// line consumes a line and returns it without its end; ok is false when there is none.
// inside counts quotes: a line does not end inside of them.
func (w *window) line(quotes bool) (line []byte, ok bool, err error) {
	inside := false
	for i := w.start; ; i++ {
		if i == w.end {
			done := i - w.start
			more, err := w.more()
			if err != nil {
				return nil, false, err
			}
			i = w.start + done
			if !more {
				line, w.start = w.buf[w.start:w.end], w.end
				return line, len(line) > 0, nil
			}
		}
		switch c := w.buf[i]; {
		case c == '"' && quotes:
			inside = !inside
		case c == '\n' && !inside:
			line = w.buf[w.start:i]
			w.start = i + 1
			if n := len(line); n > 0 && line[n-1] == '\r' {
				line = line[:n-1]
			}
			return line, true, nil
		}
	}
}

// value consumes a JSON value, or what passes for one until it is read. Of a value that
// has no end, an array or object that is not closed, it returns what there is.
func (w *window) value() ([]byte, error) {
	depth, inString, escaped := 0, false, false
	for i := w.start; ; i++ {
		if i == w.end {
			done := i - w.start
			more, err := w.more()
			if err != nil {
				return nil, err
			}
			i = w.start + done
			if !more {
				return w.consume(i), nil
			}
		}
		c := w.buf[i]
		switch {
		case escaped:
			escaped = false
			continue
		case inString:
			escaped = c == '\\'
			if c == '"' {
				if inString = false; depth == 0 {
					return w.consume(i + 1), nil
				}
			}
			continue
		case c == '"':
			inString = true
			continue
		case c == '{', c == '[':
			depth++
			continue
		case c == '}', c == ']':
			if depth--; depth == 0 {
				return w.consume(i + 1), nil
			}
		}
		// A number or a word ends where something else begins.
		if depth < 0 || depth == 0 && i > w.start && (c == ',' || isSpace(c)) {
			return w.consume(i), nil
		}
	}
}

func (w *window) consume(end int) []byte {
	value := w.buf[w.start:end]
	w.start = end
	return value
}

package ingest

import (
	"bytes"
	"io"
	"strconv"
	"sync/atomic"
	"time"

	"framehouse/internal/contracts"
)

// Budget bounds what all requests hold in memory at one moment. The zero value allows
// mostHeld.
type Budget struct{ held atomic.Int64 }

// mostHeld is room for three requests of the largest size, or thousands of usual ones. The
// process takes up to twice as much: Go collects garbage when it is as much as what is held.
const mostHeld = 1 << 30

// take asks for room; one who gets none is told to come again. Waiting for room could
// last for ever, since those who have some may want more.
func (b *Budget) take(n int64) error {
	if b.held.Add(n) > mostHeld {
		b.held.Add(-n)
		return &contracts.Error{
			Code: contracts.CodeTooManyRequests, Detail: "Other writes hold as much memory as there is for them; nothing was stored.", RetryAfter: 2 * time.Second,
		}
	}
	return nil
}

func (b *Budget) give(n int64) { b.held.Add(-n) }

// Rows are rows that can be stored: lines of JSONCompactEachRow but for the end of each,
// where columns can be added.
type Rows struct {
	Columns []string // of the lines, the key first
	Hash    [32]byte // of the body, unpacked

	chunks [][]byte // whole lines, each as in [1,"a"
	ends   []line
	budget *Budget
	held   int64
}

// line is the length of a line, and of its beginning that holds the key.
type line struct{ length, key uint32 }

// Count is the number of rows.
func (r *Rows) Count() int { return len(r.ends) }

// Release gives the memory back.
func (r *Rows) Release() {
	r.budget.give(r.held)
	r.held, r.chunks = 0, nil
}

// chunkSize is what memory is taken by.
const chunkSize = 1 << 20

// perRow is what a row costs beside its text: its line, and its place in the table of keys.
const perRow = 64

// add adds a line, and is given the size of its key.
func (r *Rows) add(text []byte, key int) error {
	last := len(r.chunks) - 1
	if last < 0 || len(r.chunks[last])+len(text) > cap(r.chunks[last]) {
		size := max(chunkSize, len(text))
		if last < 0 {
			size = max(4<<10, len(text)) // most requests are small
		}
		if err := r.take(int64(size)); err != nil {
			return err
		}
		r.chunks = append(r.chunks, make([]byte, 0, size))
		last++
	}
	if len(r.ends)%1024 == 0 {
		if err := r.take(1024 * perRow); err != nil {
			return err
		}
	}
	r.chunks[last] = append(r.chunks[last], text...)
	r.ends = append(r.ends, line{uint32(len(text)), uint32(key)})
	return nil
}

// Hold takes memory for what is kept beside the rows, until they are released.
func (r *Rows) Hold(n int64) error { return r.take(n) }

func (r *Rows) take(n int64) error {
	if err := r.budget.take(n); err != nil {
		return err
	}
	r.held += n
	return nil
}

// Lines are the rows, each with what rest adds to it: cells, each after a comma.
func (r *Rows) Lines(rest func(n int) []byte) io.Reader {
	return &lines{rows: r, write: func(w *bytes.Buffer, n int, text []byte, _ int) {
		w.Write(text)
		w.Write(rest(n))
		w.WriteString("]\n")
	}}
}

// Keys are the number of each row, from 0, and the cells of its key.
func (r *Rows) Keys() io.Reader {
	return &lines{rows: r, write: func(w *bytes.Buffer, n int, text []byte, key int) {
		w.WriteByte('[')
		w.WriteString(strconv.Itoa(n))
		w.WriteByte(',')
		w.Write(text[1:key])
		w.WriteString("]\n")
	}}
}

// lines writes lines as they are read.
type lines struct {
	rows  *Rows
	write func(w *bytes.Buffer, n int, text []byte, key int)

	buffer bytes.Buffer
	chunk  int // that is being read
	offset int // in it
	n      int
}

func (l *lines) Read(p []byte) (int, error) {
	for l.buffer.Len() < len(p) && l.n < len(l.rows.ends) {
		if l.offset == len(l.rows.chunks[l.chunk]) {
			l.chunk, l.offset = l.chunk+1, 0
		}
		end := l.rows.ends[l.n]
		text := l.rows.chunks[l.chunk][l.offset:][:end.length]
		l.write(&l.buffer, l.n, text, int(end.key))
		l.offset += int(end.length)
		l.n++
	}
	return l.buffer.Read(p)
}

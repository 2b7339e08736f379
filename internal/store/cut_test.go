package store

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"framehouse/internal/contracts"
)

// However an answer is cut, whoever cuts it, and wherever: it is an error.
func TestCutAnswer(t *testing.T) {
	t.Parallel()
	p := startProxy(t)
	s := open(t, Config{Server: p.server(t, "default")})
	// The last eight bytes of each batch are those that end an Arrow stream.
	const query = "SELECT arrayJoin([1, 2, 4294967295])::UInt64 AS a FROM numbers(8) ORDER BY a = 4294967295, a SETTINGS max_block_size = 8"
	var whole []byte
	note := func(w http.ResponseWriter, body io.Reader) {
		whole, _ = io.ReadAll(body)
		w.Write(whole)
	}
	p.edit.Store(&note)
	rows, err := countRows(t.Context(), s, query)
	if err != nil || rows != 24 {
		t.Fatalf("%d rows, %v", rows, err)
	}
	if !bytes.Equal(whole[len(whole)-8:], []byte{0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0}) {
		t.Fatalf("the stream ends with %x", whole[len(whole)-16:])
	}
	complete := slices.Clone(whole)
	for cut := range len(complete) {
		for name, end := range map[string]func(){"cleanly": func() {}, "by force": func() { panic(http.ErrAbortHandler) }} {
			short := func(w http.ResponseWriter, _ io.Reader) {
				w.Write(complete[:cut])
				http.NewResponseController(w).Flush()
				end()
			}
			p.edit.Store(&short)
			if rows, err := countRows(t.Context(), s, query); err == nil {
				t.Errorf("%d of %d bytes, ended %s, pass for an answer of %d rows", cut, len(complete), name, rows)
			} else if contracts.AsError(err).Code != contracts.CodeUnavailable {
				t.Errorf("%d bytes, ended %s: %v", cut, name, err)
			}
		}
	}
	for _, more := range []string{"x", "\xff\xff\xff\xff\x00\x00\x00\x00", string(complete)} {
		longer := func(w http.ResponseWriter, _ io.Reader) { io.WriteString(w, string(complete)+more) }
		p.edit.Store(&longer)
		if rows, err := countRows(t.Context(), s, query); err == nil {
			t.Errorf("an answer that goes on after its end passes, with %d rows", rows)
		}
	}
}

// The end of a batch may look like the end of the stream.
func TestCutBehindALookalike(t *testing.T) {
	t.Parallel()
	p := startProxy(t)
	s := open(t, Config{Server: p.server(t, "default")})
	mark := []byte{0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0}
	cut := 0
	short := func(w http.ResponseWriter, body io.Reader) {
		whole, _ := io.ReadAll(body)
		cut = bytes.LastIndex(whole[:len(whole)-len(mark)], mark) + len(mark)
		if next := whole[cut:]; !bytes.Equal(next, mark) && !bytes.HasPrefix(next, mark[:4]) {
			cut = 0
		}
		w.Write(whole[:cut])
	}
	p.edit.Store(&short)
	rows, err := countRows(t.Context(), s, "SELECT 4294967295::UInt64 AS a FROM numbers(16)")
	if cut == 0 {
		t.Fatal("no batch ends like the stream, so nothing is tested")
	}
	if err == nil {
		t.Errorf("cut after a batch, the answer passes with %d rows", rows)
	}
}

func TestCrumbs(t *testing.T) {
	t.Parallel()
	p := startProxy(t)
	s := open(t, Config{Server: p.server(t, "default")})
	crumbs := func(w http.ResponseWriter, body io.Reader) {
		for one := make([]byte, 1); ; {
			if n, err := body.Read(one); n == 0 && err != nil {
				return
			}
			w.Write(one)
			http.NewResponseController(w).Flush()
		}
	}
	p.edit.Store(&crumbs)
	if rows, err := countRows(t.Context(), s, "SELECT number, toString(number) FROM numbers(100)"); rows != 100 || err != nil {
		t.Errorf("%d rows, %v", rows, err)
	}
}

// Small answers are cut at no place either.
func TestCutSmallAnswer(t *testing.T) {
	t.Parallel()
	s := open(t, Config{Server: server(t, "default")})
	if _, err := s.Ping(t.Context()); err != nil {
		t.Fatal(err)
	}
	whole := `{"data": [{"n": 1}, {"n": 2}], "rows": 2}`
	read := func(body string) ([]struct{ N int }, error) {
		ctx, cancel := context.WithCancelCause(t.Context())
		a := &answer{client: t.Context(), ctx: ctx, cancel: cancel, limit: time.Minute, timer: time.NewTimer(time.Minute), body: io.NopCloser(strings.NewReader(body))}
		return decodeRows[struct{ N int }](a)
	}
	if rows, err := read(whole); err != nil || len(rows) != 2 {
		t.Fatal(rows, err)
	}
	for cut := range len(whole) {
		if rows, err := read(whole[:cut]); err == nil {
			t.Errorf("%s passes as %v", whole[:cut], rows)
		}
	}
}

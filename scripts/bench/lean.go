package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/textproto"
	"strconv"
	"strings"
	"time"
)

// lean is a connection on which one request is sent again and again, and of whose answers
// nothing is kept but their size. On two cores the client's own work is part of what is
// measured, of both sides alike: net/http's would take most of what a kept answer costs.
type lean struct {
	conn    net.Conn
	reader  *bufio.Reader
	request []byte
	kept    bool // whether the last answer was not made for us alone
}

// dialLean opens a connection for a request with some more headers.
func dialLean(ctx context.Context, request ask, headers ...string) (*lean, error) {
	r, err := request(ctx)
	if err != nil {
		return nil, err
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	var text bytes.Buffer
	fmt.Fprintf(&text, "%s %s HTTP/1.1\r\nHost: %s\r\n", r.Method, r.URL.RequestURI(), r.URL.Host)
	if err := r.Header.Write(&text); err != nil {
		return nil, err
	}
	text.WriteString("\r\n")
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", r.URL.Host)
	if err != nil {
		return nil, err
	}
	return &lean{conn: conn, reader: bufio.NewReaderSize(conn, 256<<10), request: text.Bytes()}, nil
}

func (l *lean) close() { l.conn.Close() }

// ask sends the request and reads the answer away.
func (l *lean) ask() (status int, size int64, err error) {
	if err := l.conn.SetDeadline(time.Now().Add(time.Minute)); err != nil {
		return 0, 0, err
	}
	if _, err := l.conn.Write(l.request); err != nil {
		return 0, 0, err
	}
	line, err := l.reader.ReadSlice('\n')
	if err != nil {
		return 0, 0, err
	}
	if status, err = strconv.Atoi(string(line[9:12])); err != nil {
		return 0, 0, fmt.Errorf("status line %q", line)
	}
	length, chunked := int64(0), false
	for {
		if line, err = l.reader.ReadSlice('\n'); err != nil {
			return 0, 0, err
		}
		if len(line) <= 2 {
			break
		}
		switch name, value, _ := bytes.Cut(line, []byte(":")); {
		case isName(name, "Content-Length"):
			if length, err = strconv.ParseInt(string(bytes.TrimSpace(value)), 10, 64); err != nil {
				return 0, 0, err
			}
		case isName(name, "Transfer-Encoding"):
			chunked = true
		case isName(name, "X-Cache"):
			l.kept = bytes.Contains(value, []byte("hit"))
		}
	}
	if !chunked {
		_, err := io.CopyN(io.Discard, l.reader, length)
		return status, length, err
	}
	for {
		if line, err = l.reader.ReadSlice('\n'); err != nil {
			return 0, 0, err
		}
		n, err := strconv.ParseInt(strings.TrimSpace(string(line)), 16, 64)
		if err != nil {
			return 0, 0, fmt.Errorf("chunk of %q bytes", line)
		}
		if n == 0 {
			_, err := textproto.NewReader(l.reader).ReadMIMEHeader() // trailers
			if err == io.EOF {
				err = io.ErrUnexpectedEOF
			}
			return status, size, err
		}
		if _, err := l.reader.Discard(int(n) + 2); err != nil {
			return 0, 0, err
		}
		size += n
	}
}

// isName compares the name of a header without making a text of it.
func isName(name []byte, want string) bool {
	return len(name) == len(want) && bytes.EqualFold(name, []byte(want))
}

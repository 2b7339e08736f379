// Package ingest reads rows for a table out of the body of a request: JSON, NDJSON, CSV,
// Arrow or Parquet.
//
// Each row is held against the columns of the table before anything is written: what
// comes out of Read can be stored as it is, with every digit that was sent. What a frame
// shows of a column can be sent back to it. The first rows that cannot be stored are
// reported together, with their numbers; nothing is guessed, rounded or cut.
//
// Memory is bounded. A body has at most MostBytes once it is unpacked, rows at most
// MostRowBytes each, and what all requests hold at one moment, but for some 200 KB of each,
// is held against one Budget. Rows are kept as text for ClickHouse, and what a JSON, NDJSON,
// CSV or Arrow body takes beyond them is one row or one record batch; a Parquet file is kept
// as a whole while it is read, since it is read from its end.
package ingest

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"mime"
	"slices"
	"strings"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"framehouse/internal/catalog"
	"framehouse/internal/contracts"
	"framehouse/internal/store"
)

// The bounds of one request. As many rows are one block for ClickHouse, which is what it
// stores whole or not at all; as many bytes are held here while they are checked.
const (
	MostRows     = store.MostRows
	MostBytes    = 256 << 20
	MostRowBytes = 16 << 20
)

// Body is the body of a request.
type Body struct {
	Reader   io.Reader
	Type     string // as the header Content-Type has it
	Encoding string // as the header Content-Encoding has it
}

// Limits are the bounds of one request; the zero value of each means the constant.
type Limits struct {
	Rows  int
	Bytes int64
}

// A reader calls what it finds in a body on the builder, row by row.
type reader func(body io.Reader, b *builder) error

// MediaTypes are those that are understood, in the order in which they are listed.
var MediaTypes = []string{
	"application/json", "application/x-ndjson", "text/csv", "application/vnd.apache.arrow.stream", "application/vnd.apache.parquet",
}

func readerOf(mediaType string) reader {
	return map[string]reader{
		"application/json": readJSON, "application/x-ndjson": readNDJSON, "text/csv": readCSV,
		"application/vnd.apache.arrow.stream": readArrow, "application/vnd.apache.parquet": readParquet,
	}[mediaType]
}

// Read reads all rows of a body. Whoever gets Rows releases them.
func Read(table *catalog.Table, body Body, limits Limits, budget *Budget) (*Rows, error) {
	mediaType, params, err := mime.ParseMediaType(body.Type)
	read := readerOf(mediaType)
	if err != nil || read == nil {
		return nil, unsupported("header.Content-Type", body.Type, "Send one of "+strings.Join(MediaTypes, ", ")+".")
	}
	if charset := params["charset"]; charset != "" && !strings.EqualFold(charset, "utf-8") {
		return nil, unsupported("header.Content-Type", body.Type, "Send text as UTF-8.")
	}
	if header := params["header"]; header != "" && header != "present" {
		return nil, unsupported("header.Content-Type", body.Type, "The first line of CSV must name the columns.")
	}
	if limits.Rows == 0 {
		limits.Rows = MostRows
	}
	if limits.Bytes == 0 {
		limits.Bytes = MostBytes
	}
	source := &source{r: body.Reader}
	unpacked, closer, err := unpack(source, body.Encoding)
	if err != nil {
		return nil, err
	}
	defer closer()
	counted := &counted{r: unpacked, left: limits.Bytes, hash: sha256.New()}
	b := newBuilder(table, limits, budget)
	if err := errors.Join(readSafely(read, counted, b), b.failed); err != nil || len(b.issues) > 0 {
		b.rows.Release()
		switch {
		case source.err != nil:
			return nil, brokenOff(source.err)
		case counted.left < 0:
			err = tooLarge(limits)
		}
		// A client that is still sending sees its connection break rather than the answer. What
		// is as long as a body may be is awaited.
		_, _ = io.CopyN(io.Discard, source, limits.Bytes)
		return nil, b.refusal(err)
	}
	// What follows the rows belongs to the body too.
	if _, err := io.Copy(io.Discard, counted); err != nil {
		b.rows.Release()
		if source.err != nil {
			return nil, brokenOff(source.err)
		}
		return nil, b.refusal(err)
	}
	counted.hash.Sum(b.rows.Hash[:0])
	return b.rows, nil
}

func brokenOff(cause error) error {
	return &contracts.Error{Code: contracts.CodeCanceled, Detail: "The body broke off before its end; nothing was stored.", Cause: cause}
}

// readSafely turns a panic into an error: the libraries for Arrow and Parquet trust what
// a file says of itself, and fall over files that lie.
func readSafely(read reader, body io.Reader, b *builder) (err error) {
	defer func() {
		switch fault := recover().(type) {
		case nil:
		case error:
			err = fmt.Errorf("the body is damaged: %w", fault)
		default:
			err = fmt.Errorf("the body is damaged: %v", fault)
		}
	}()
	return read(body, b)
}

// source remembers that the client broke off, which is no fault of what it sent.
type source struct {
	r   io.Reader
	err error
}

func (s *source) Read(p []byte) (int, error) {
	n, err := s.r.Read(p)
	if err != nil && err != io.EOF {
		s.err = err
	}
	return n, err
}

// unpack undoes the Content-Encoding.
func unpack(body io.Reader, encoding string) (io.Reader, func(), error) {
	switch strings.ToLower(strings.TrimSpace(encoding)) {
	case "", "identity":
		return body, func() {}, nil
	case "gzip", "x-gzip":
		return packed{&lazyGzip{body: body}, "gzip"}, func() {}, nil
	case "zstd":
		d, err := zstd.NewReader(body, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(mostWindow), zstd.WithDecoderMaxWindow(mostWindow))
		if err != nil {
			return nil, nil, err
		}
		return packed{d, "zstd"}, d.Close, nil
	}
	return nil, nil, unsupported("header.Content-Encoding", encoding, "Send the body as it is, or with gzip or zstd.")
}

// packed says of a fault that it is one of the packing.
type packed struct {
	io.Reader
	how string
}

func (p packed) Read(b []byte) (int, error) {
	n, err := p.Reader.Read(b)
	if err == io.ErrUnexpectedEOF {
		err = errors.New("it ends too early")
	}
	if err != nil && err != io.EOF {
		err = fmt.Errorf("the body cannot be unpacked to its end as %s: %w", p.how, err)
	}
	return n, err
}

// mostWindow is as much as a zstd body may ask to be remembered while it is unpacked; the
// command zstd needs --ultra for more.
const mostWindow = 8 << 20

// lazyGzip reads the header with the first bytes, so that its fault is one of the body's.
type lazyGzip struct {
	body io.Reader
	gzip *gzip.Reader
}

func (l *lazyGzip) Read(p []byte) (n int, err error) {
	if l.gzip == nil {
		if l.gzip, err = gzip.NewReader(l.body); err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		if err != nil {
			return 0, err
		}
	}
	return l.gzip.Read(p)
}

// counted bounds and hashes what is read.
type counted struct {
	r    io.Reader
	left int64
	hash hash.Hash
}

var errTooLarge = errors.New("the body is too large")

func (c *counted) Read(p []byte) (int, error) {
	if c.left < 0 {
		return 0, errTooLarge
	}
	n, err := c.r.Read(p)
	c.hash.Write(p[:n])
	if c.left -= int64(n); c.left < 0 {
		return 0, errTooLarge
	}
	return n, err
}

func unsupported(location, value, hint string) error {
	message := fmt.Sprintf("%q is not understood.", value)
	if value == "" {
		message = "The header " + strings.TrimPrefix(location, "header.") + " is missing."
	}
	return &contracts.Error{
		Code: contracts.CodeUnsupportedMediaType, Detail: message,
		Issues: []contracts.Issue{{Location: location, Message: message, Value: value, Hint: hint}},
	}
}

func tooLarge(limits Limits) error {
	message := fmt.Sprintf("A body may have at most %d rows and %d MB, unpacked; nothing was stored.", limits.Rows, limits.Bytes>>20)
	return &contracts.Error{
		Code: contracts.CodeBodyTooLarge, Detail: message,
		Issues: []contracts.Issue{{Location: "body", Message: message, Hint: "Send the rows in parts, each with an Idempotency-Key of its own. Each part is stored whole or not at all."}},
	}
}

// isSpace is what JSON takes for white space.
func isSpace(c byte) bool { return c == ' ' || c == '\t' || c == '\n' || c == '\r' }

func trimSpace(b []byte) []byte {
	return bytes.TrimFunc(b, func(r rune) bool { return r < 128 && isSpace(byte(r)) })
}

// closedColumns are the columns of a table that a row may not give, with the reason.
func closedColumns(table *catalog.Table) map[string]string {
	closed := map[string]string{}
	for _, c := range table.Columns {
		if !slices.ContainsFunc(table.Write.Columns, func(w catalog.Writable) bool { return w.Name == c.Name }) {
			closed[c.Name] = "is computed by ClickHouse; leave it out"
		}
	}
	for _, f := range table.Write.Filled() {
		closed[f.Name] = "is filled by the server; leave it out"
	}
	return closed
}

package store

import (
	"encoding/binary"
	"fmt"
	"io"
	"sync"

	"github.com/apache/arrow/go/v17/arrow/ipc"
	"github.com/apache/arrow/go/v17/arrow/memory"
)

// messages reads the messages of an Arrow stream. Unlike the library's own reader it
// keeps one buffer for the bodies of all of them, because the reader of records copies
// what it needs before it asks for the next; and it tells the end that ClickHouse marked
// from any other. For the mark it answers io.EOF, and for bytes that end between two
// messages or inside one an error that the reader of records can't take for the mark.
type messages struct {
	from    io.Reader
	start   [8]byte
	body    *[]byte
	message *ipc.Message
}

var _ ipc.MessageReader = (*messages)(nil)

// bodies are the buffers of answers that have ended.
var bodies = sync.Pool{New: func() any { return new([]byte) }}

// mostKeptBody is how large a body may be whose buffer is kept: that of a small answer.
const mostKeptBody = 256 << 10

// continuation begins each message, and with no length after it the end.
const continuation = 0xffffffff

// mostMetadata bounds what a message may take to describe itself: columns by the
// thousand, and far less than a length that was misread.
const mostMetadata = 64 << 20

func newMessages(from io.Reader) *messages {
	return &messages{from: from, body: bodies.Get().(*[]byte)}
}

// Message implements ipc.MessageReader. What it returns is valid until the next call.
func (m *messages) Message() (*ipc.Message, error) {
	if err := m.fill(m.start[:]); err != nil {
		return nil, fmt.Errorf("start of an Arrow message: %w", err)
	}
	mark, size := binary.LittleEndian.Uint32(m.start[:]), binary.LittleEndian.Uint32(m.start[4:])
	if mark != continuation || size > mostMetadata {
		return nil, fmt.Errorf("%x is no start of an Arrow message", m.start)
	}
	if size == 0 {
		return nil, io.EOF
	}
	metadata := make([]byte, size)
	if err := m.fill(metadata); err != nil {
		return nil, fmt.Errorf("description of an Arrow message: %w", err)
	}
	body := memory.NewBufferBytes(nil)
	m.drop()
	m.message = ipc.NewMessage(memory.NewBufferBytes(metadata), body)
	length := int(m.message.BodyLen())
	if cap(*m.body) < length {
		*m.body = make([]byte, length)
	}
	body.Reset((*m.body)[:length])
	if err := m.fill(body.Bytes()); err != nil {
		return nil, fmt.Errorf("body of an Arrow message: %w", err)
	}
	return m.message, nil
}

// fill is io.ReadFull for bytes that must come.
func (m *messages) fill(p []byte) error {
	_, err := io.ReadFull(m.from, p)
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	return err
}

func (m *messages) drop() {
	if m.message != nil {
		m.message.Release()
		m.message = nil
	}
}

// Retain implements ipc.MessageReader. There is one owner, the reader of records.
func (m *messages) Retain() {}

// Release gives the buffer back.
func (m *messages) Release() {
	m.drop()
	if m.body == nil {
		return
	}
	if cap(*m.body) <= mostKeptBody {
		bodies.Put(m.body)
	}
	m.body = nil
}

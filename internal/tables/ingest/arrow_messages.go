package ingest

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// mostSchema is how long the schema of an Arrow stream may be, and mostFields how many
// fields it may have. No table has nearly as many; the frame in the metadata of a stream
// of ours is small.
const (
	mostSchema = 4 << 20
	mostFields = 10_000
)

// checkedMessages is an Arrow stream whose messages are looked at before the library sees
// them: it takes as much memory as they say that they have, or their schema has fields, and
// nothing bounds what they say.
type checkedMessages struct {
	stream io.Reader
	most   int64 // bytes of a body

	head  bytes.Buffer // of the current message, up to its body
	body  int64        // left of it
	begun bool         // the schema was seen
	ended bool         // the mark of the end was seen; the rest is somebody else's to refuse
}

func (m *checkedMessages) Read(p []byte) (int, error) {
	for {
		switch {
		case m.head.Len() > 0:
			return m.head.Read(p)
		case m.body > 0:
			n, err := m.stream.Read(p[:min(int64(len(p)), m.body)])
			m.body -= int64(n)
			return n, err
		case m.ended:
			return m.stream.Read(p)
		}
		if err := m.next(); err != nil {
			return 0, err
		}
	}
}

// next reads what a message says of itself.
func (m *checkedMessages) next() (err error) {
	word := func() uint32 {
		var b [4]byte
		if err == nil {
			_, err = io.ReadFull(io.TeeReader(m.stream, &m.head), b[:])
		}
		return binary.LittleEndian.Uint32(b[:])
	}
	length := word()
	if err == nil && length == 0xffffffff {
		length = word()
	}
	switch {
	case err != nil:
		return err
	case length == 0 && m.begun:
		m.ended = true
		return nil
	case length < 8 || length > mostSchema:
		return errors.New("a message has no length that it could have")
	}
	start := m.head.Len()
	if _, err := io.CopyN(&m.head, m.stream, int64(length)); err != nil {
		return fmt.Errorf("a message is cut: %w", err)
	}
	defer func() {
		if recover() != nil {
			err = errFlat
		}
	}()
	flat := flat{bytes: m.head.Bytes()[start:]}
	message := flat.at(0)
	if place := flat.field(message, 3); place > 0 {
		m.body = int64(flat.u32(place)) | int64(flat.u32(place+4))<<32
	}
	if m.body < 0 || m.body > m.most {
		return errTooLarge
	}
	if m.begun {
		return nil
	}
	m.begun = true
	if kind := flat.field(message, 1); kind == 0 || flat.bytes[kind] != 1 {
		return errors.New("it does not begin with a schema")
	}
	header := flat.at(flat.field(message, 2))
	flat.vector(header, 2)
	flat.children(header, 1, 0)
	return nil
}

// flat is a FlatBuffers message. It panics with errFlat where an offset leads out of it.
type flat struct {
	bytes  []byte
	fields int // seen so far
}

var errFlat = errors.New("a message is damaged")

func (f *flat) u32(at int) int {
	if at < 0 || at+4 > len(f.bytes) {
		panic(errFlat)
	}
	return int(binary.LittleEndian.Uint32(f.bytes[at:]))
}

// at follows the offset that stands at a place.
func (f *flat) at(place int) int { return place + f.u32(place) }

// field is the place of a member of a table, or 0 when it is left out.
func (f *flat) field(table, n int) int {
	members := table - int(int32(f.u32(table)))
	if members < 0 || members+4 > len(f.bytes) {
		panic(errFlat)
	}
	size := int(binary.LittleEndian.Uint16(f.bytes[members:]))
	slot := 4 + 2*n
	if slot+2 > size {
		return 0
	}
	if members+slot+2 > len(f.bytes) {
		panic(errFlat)
	}
	offset := int(binary.LittleEndian.Uint16(f.bytes[members+slot:]))
	if offset == 0 {
		return 0
	}
	if table+offset >= len(f.bytes) {
		panic(errFlat)
	}
	return table + offset
}

// vector is where the members of a vector of tables begin, and how many there are.
func (f *flat) vector(table, n int) (start, length int) {
	place := f.field(table, n)
	if place == 0 {
		return 0, 0
	}
	start = f.at(place)
	length = f.u32(start)
	if length > (len(f.bytes)-start-4)/4 {
		panic(errFlat)
	}
	return start + 4, length
}

// children looks at the fields of a schema, or of a field that has others inside.
func (f *flat) children(table, n, depth int) {
	start, length := f.vector(table, n)
	if f.fields += length; f.fields > mostFields || depth > deepest {
		panic(errFlat)
	}
	for i := range length {
		child := f.at(start + 4*i)
		f.vector(child, 6) // metadata
		f.children(child, 5, depth+1)
	}
}

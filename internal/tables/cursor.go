package tables

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"

	"framehouse/internal/store/sql"
)

// A cursor is a position on its way through a client, in base64url: a version, how many rows
// were alike, for each column of the order a kind and, of a value, its length and bytes, and
// a checksum over these and what the cursor is bound to.
//
// The checksum finds damage and cursors of other requests. It has no key, because there is
// nothing to defend: the request's own filter applies to the next page again, so that who
// makes a cursor up gets no row that a filter would not give.

const cursorVersion = 1

// checksumSize makes it unlikely beyond concern that a cursor fits another request.
const checksumSize = 16

// longestCursor leaves room for a filter beside it in the 64 kB that are read of a request's
// head, and in the 8 kB that many proxies allow.
const longestCursor = 4 << 10

// mostAlike bounds the rows that are read once more and left out where a table has rows that
// are the same in every column.
const mostAlike = 1_000_000

// binding is what a cursor belongs to. It is made of the statement that all pages have in
// common, so that the table and its filters, groups and aggregates are in it and the limit,
// the selected columns and the format, which may change from page to page, are not.
func binding(table string, all sql.Statement, order []string) []byte {
	h := sha256.New()
	write := func(text string) {
		var size [8]byte
		binary.BigEndian.PutUint64(size[:], uint64(len(text)))
		h.Write(size[:])
		h.Write([]byte(text))
	}
	write("framehouse cursor")
	write(table)
	write(all.Text)
	for _, p := range all.Params {
		write(p.Value)
	}
	for _, o := range order {
		write(o)
	}
	return h.Sum(nil)
}

// cursor is the position as text; ok is false when that would be too long.
func (p position) cursor(binding []byte) (text string, ok bool) {
	b := binary.AppendUvarint([]byte{cursorVersion}, uint64(p.alike))
	for _, m := range p.marks {
		b = append(b, byte(m.kind))
		if m.kind == isValue {
			b = binary.AppendUvarint(b, uint64(len(m.text)))
			b = append(b, m.text...)
		}
	}
	text = base64.RawURLEncoding.EncodeToString(append(b, checksum(binding, b)...))
	return text, len(text) <= longestCursor && p.alike <= mostAlike
}

// readCursor is the position that a cursor holds; ok is false if it is not one of this
// binding, with a mark for each of so many columns.
func readCursor(text string, binding []byte, columns int) (p position, ok bool) {
	if len(text) > longestCursor {
		return p, false
	}
	b, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil || len(b) < checksumSize+2 {
		return p, false
	}
	b, sum := b[:len(b)-checksumSize], b[len(b)-checksumSize:]
	if !bytes.Equal(sum, checksum(binding, b)) || b[0] != cursorVersion {
		return p, false
	}
	return readMarks(b[1:], columns)
}

func readMarks(b []byte, columns int) (p position, ok bool) {
	alike, size := binary.Uvarint(b)
	if size <= 0 || alike > mostAlike {
		return p, false
	}
	p.alike, b = int64(alike), b[size:]
	for range columns {
		if len(b) == 0 {
			return p, false
		}
		m := mark{kind: kind(b[0])}
		b = b[1:]
		switch m.kind {
		case isValue:
			length, size := binary.Uvarint(b)
			if size <= 0 || length > uint64(len(b)-size) {
				return p, false
			}
			m.text, b = string(b[size:size+int(length)]), b[size+int(length):]
		case isNull, isNaN:
		default:
			return p, false
		}
		p.marks = append(p.marks, m)
	}
	return p, len(b) == 0
}

func checksum(binding, content []byte) []byte {
	h := sha256.New()
	h.Write(binding)
	h.Write(content)
	return h.Sum(nil)[:checksumSize]
}

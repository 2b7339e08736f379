package timeseries

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"

	"framehouse/internal/catalog"
)

// A tail cursor is a mark on its way through a client, in base64url: a version, the mark as
// text, and a checksum over these and what the cursor is bound to. The checksum finds damage
// and cursors of other nodes. It has no key, because there is nothing to defend: who makes a
// cursor up asks for rows after a mark, which a filter asks for as well.

const tailVersion = 1

// checksumSize makes it unlikely beyond concern that a cursor fits another node.
const checksumSize = 12

// longestTail is more than the text of any time or whole number takes.
const longestTail = 200

// tailBinding is what a cursor belongs to.
func tailBinding(node *catalog.Node, column *catalog.Column) []byte {
	h := sha256.New()
	for _, part := range []string{"framehouse tail", node.Name, node.Source.Database, node.Source.Name, column.Name} {
		h.Write([]byte(part + "\x00"))
	}
	return h.Sum(nil)
}

func tailCursor(mark string, binding []byte) string {
	b := append([]byte{tailVersion}, mark...)
	return base64.RawURLEncoding.EncodeToString(append(b, tailSum(b, binding)...))
}

func readTail(text string, binding []byte) (mark string, ok bool) {
	if len(text) > longestTail {
		return "", false
	}
	b, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil || len(b) < checksumSize+1 {
		return "", false
	}
	b, sum := b[:len(b)-checksumSize], b[len(b)-checksumSize:]
	if b[0] != tailVersion || !bytes.Equal(sum, tailSum(b, binding)) {
		return "", false
	}
	return string(b[1:]), true
}

func tailSum(content, binding []byte) []byte {
	h := sha256.New()
	h.Write(binding)
	h.Write(content)
	return h.Sum(nil)[:checksumSize]
}

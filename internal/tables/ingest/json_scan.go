package ingest

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

func kindOf(first byte) kind {
	switch first {
	case 'n':
		return null
	case 't', 'f':
		return boolean
	case '{', '[':
		return structure
	}
	return number
}

func skipSpace(b []byte, i int) int {
	for i < len(b) && isSpace(b[i]) {
		i++
	}
	return i
}

var errText = errors.New("a text is not closed")

// scanString reads the JSON text at i, appends what it means to dst, and returns where it
// ends. Half a pair of surrogates means nothing, and is refused rather than replaced.
func scanString(dst, b []byte, i int) ([]byte, int, error) {
	i++
	start := i
	for i < len(b) {
		switch c := b[i]; {
		case c == '"':
			if !utf8.Valid(b[start:i]) {
				return dst, i, errors.New("a text is not UTF-8")
			}
			return append(dst, b[start:i]...), i + 1, nil
		case c < ' ':
			return dst, i, errors.New("a text has a control character that is not escaped")
		case c != '\\':
			i++
		default:
			if !utf8.Valid(b[start:i]) {
				return dst, i, errors.New("a text is not UTF-8")
			}
			dst = append(dst, b[start:i]...)
			var err error
			if dst, i, err = scanEscape(dst, b, i); err != nil {
				return dst, i, err
			}
			start = i
		}
	}
	return dst, i, errText
}

func scanEscape(dst, b []byte, i int) ([]byte, int, error) {
	if i+1 >= len(b) {
		return dst, i, errText
	}
	c := b[i+1]
	if n := strings.IndexByte(`"\/bfnrt`, c); n >= 0 {
		return append(dst, "\"\\/\b\f\n\r\t"[n]), i + 2, nil
	}
	r, ok := hex4(b, i)
	if !ok {
		return dst, i, errors.New("a text has an escape that JSON does not know")
	}
	i += 6
	if utf16.IsSurrogate(r) {
		low, ok := hex4(b, i)
		if r = utf16.DecodeRune(r, low); !ok || r == utf8.RuneError {
			return dst, i, errors.New("a text has half of a surrogate pair")
		}
		i += 6
	}
	return utf8.AppendRune(dst, r), i, nil
}

// hex4 reads \uXXXX.
func hex4(b []byte, i int) (r rune, ok bool) {
	if i+6 > len(b) || b[i] != '\\' || b[i+1] != 'u' {
		return 0, false
	}
	for _, c := range b[i+2 : i+6] {
		switch {
		case c >= '0' && c <= '9':
			c -= '0'
		case c|0x20 >= 'a' && c|0x20 <= 'f':
			c = c | 0x20 - 'a' + 10
		default:
			return 0, false
		}
		r = r<<4 | rune(c)
	}
	return r, true
}

// deepest is how deep arrays and objects of one cell may lie in each other. ClickHouse's
// own reader and ours go down a stack.
const deepest = 64

// scanValue finds the end of the JSON value at i, which must be sound to its last byte.
func scanValue(b []byte, i, depth int) (end int, err error) {
	if i >= len(b) {
		return i, errors.New("a value is missing")
	}
	switch c := b[i]; {
	case c == '"':
		_, end, err = scanString(nil, b, i)
		return end, err
	case c == '{' || c == '[':
		if depth == deepest {
			return i, fmt.Errorf("arrays and objects lie in each other more than %d deep", deepest)
		}
		return scanStructure(b, i, depth+1, func(_, value []byte) error { return nil })
	case c == '-' || c >= '0' && c <= '9':
		return scanNumber(b, i)
	}
	for _, word := range []string{"null", "true", "false"} {
		if strings.HasPrefix(string(b[i:min(len(b), i+len(word))]), word) {
			return i + len(word), nil
		}
	}
	return i, errors.New("a value is expected")
}

// scanStructure calls each with the parts of the array or object at i: values as they are
// written, with the names of an object unescaped. A name stands once in an object.
func scanStructure(b []byte, i, depth int, each func(name, value []byte) error) (end int, err error) {
	object := b[i] == '{'
	last := byte(']')
	var names map[string]bool
	if object {
		last, names = '}', map[string]bool{}
	}
	i = skipSpace(b, i+1)
	if i < len(b) && b[i] == last {
		return i + 1, nil
	}
	for i < len(b) {
		var name []byte
		if object {
			if b[i] != '"' {
				return i, errors.New("a name in quotes is expected")
			}
			if name, i, err = scanString(nil, b, i); err != nil {
				return i, err
			}
			if names[string(name)] {
				return i, fmt.Errorf("the name %q stands twice in an object", shown(string(name)))
			}
			names[string(name)] = true
			if i = skipSpace(b, i); i >= len(b) || b[i] != ':' {
				return i, errors.New("a colon is expected after a name")
			}
			i = skipSpace(b, i+1)
		}
		start := i
		if i, err = scanValue(b, i, depth); err != nil {
			return i, err
		}
		if err := each(name, b[start:i]); err != nil {
			return i, err
		}
		i = skipSpace(b, i)
		switch {
		case i < len(b) && b[i] == last:
			return i + 1, nil
		case i >= len(b) || b[i] != ',':
			return i, errors.New("a comma or an end is expected after a value")
		}
		i = skipSpace(b, i+1)
	}
	return i, errors.New("an array or object is not closed")
}

// scanNumber keeps to the grammar of JSON.
func scanNumber(b []byte, i int) (end int, err error) {
	digits := func() bool {
		start := i
		for i < len(b) && b[i] >= '0' && b[i] <= '9' {
			i++
		}
		return i > start
	}
	if b[i] == '-' {
		i++
	}
	first := i
	if !digits() || b[first] == '0' && i > first+1 {
		return i, errors.New("a number is not written as JSON writes it")
	}
	if i < len(b) && b[i] == '.' {
		i++
		if !digits() {
			return i, errors.New("a number is not written as JSON writes it")
		}
	}
	if i < len(b) && b[i]|0x20 == 'e' {
		if i++; i < len(b) && (b[i] == '+' || b[i] == '-') {
			i++
		}
		if !digits() {
			return i, errors.New("a number is not written as JSON writes it")
		}
	}
	return i, nil
}

package ingest

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// readNDJSON reads one object a line. Empty lines are nothing.
func readNDJSON(body io.Reader, b *builder) error {
	w := newWindow(body, b.rows.take)
	if err := w.bom(); err != nil {
		return err
	}
	for {
		line, ok, err := w.line(false)
		if err != nil || !ok {
			return errors.Join(err, b.done())
		}
		if line = trimSpace(line); len(line) == 0 {
			continue
		}
		if err := b.object(line); err != nil {
			return err
		}
	}
}

// frameMembers are what stands beside the rows of a frame.
var frameMembers = []string{"status", "columns", "fields", "meta", "source"}

// readJSON reads an array of objects, or an object with one under rows, such as a frame.
func readJSON(body io.Reader, b *builder) error {
	w := newWindow(body, b.rows.take)
	if err := w.bom(); err != nil {
		return err
	}
	first, err := w.space()
	switch {
	case err != nil:
		return err
	case first == '[':
		err = b.array(w)
	case first == '{':
		err = b.frame(w)
	default:
		err = errors.New("the body must be an array of objects, or an object with such an array under \"rows\"")
	}
	if err != nil {
		return err
	}
	if c, err := w.space(); err != nil || c != 0 || w.start < w.end {
		return errors.Join(errors.New("something follows the end of the JSON document"), err)
	}
	return b.done()
}

func (b *builder) array(w *window) error {
	w.start++
	for first := true; ; first = false {
		c, err := w.space()
		if err != nil {
			return err
		}
		switch {
		case c == ']' && first:
			w.start++
			return nil
		case c != '{' && c != 0:
			return fmt.Errorf("row %d is not an object", b.row+1)
		}
		object, err := w.value()
		if err != nil {
			return err
		}
		if err := b.object(object); err != nil {
			return err
		}
		switch c, err := w.space(); {
		case err != nil:
			return err
		case c == ']':
			w.start++
			return nil
		case c != ',':
			return fmt.Errorf("neither a comma nor the end of the array follows row %d", b.row)
		}
		w.start++
	}
}

func (b *builder) frame(w *window) error {
	w.start++
	rows := false
	for {
		if c, err := w.space(); err != nil {
			return err
		} else if c != '"' {
			return errors.New("the object must have an array of objects under \"rows\"")
		}
		token, err := w.value()
		if err != nil {
			return err
		}
		name, end, err := scanString(nil, token, 0)
		if err != nil || end != len(token) {
			return errors.Join(errors.New("a name is not closed"), err)
		}
		member := string(name)
		if c, err := w.space(); err != nil || c != ':' {
			return errors.Join(fmt.Errorf("no colon follows the name %q", shown(member)), err)
		}
		w.start++
		c, err := w.space()
		switch {
		case err != nil:
			return err
		case member == "rows" && !rows && c == '[':
			rows = true
			err = b.array(w)
		case slices.Contains(frameMembers, member):
			var other []byte
			if other, err = w.value(); err == nil {
				if end, scanErr := scanValue(other, 0, 0); scanErr != nil || end != len(other) {
					err = errors.Join(fmt.Errorf("the member %q is no JSON", member), scanErr)
				}
			}
		default:
			err = fmt.Errorf("the object has %q where an array under \"rows\" is expected, beside nothing but what a frame has: %s", shown(member), strings.Join(frameMembers, ", "))
		}
		if err != nil {
			return err
		}
		switch c, err := w.space(); {
		case err != nil:
			return err
		case c == ',':
			w.start++
		case c == '}' && rows:
			w.start++
			return nil
		default:
			return errors.New("the object must end after its members, with an array of objects under \"rows\" among them")
		}
	}
}

// object takes a row that is a JSON object.
func (b *builder) object(row []byte) error {
	if err := b.begin(); err != nil {
		return err
	}
	if len(row) == 0 || row[0] != '{' {
		return fmt.Errorf("row %d is not an object", b.row)
	}
	i, hint := skipSpace(row, 1), 0
	if i < len(row) && row[i] == '}' && i == len(row)-1 {
		return b.end()
	}
	var name, unquoted []byte
	for {
		if i >= len(row) || row[i] != '"' {
			return b.broken("a name in quotes is expected")
		}
		var err error
		if name, i, err = scanString(name[:0], row, i); err != nil {
			return b.broken(err.Error())
		}
		if i = skipSpace(row, i); i >= len(row) || row[i] != ':' {
			return b.broken("a colon is expected after a name")
		}
		i = skipSpace(row, i+1)
		start := i
		v := value{}
		if i < len(row) && row[i] == '"' {
			unquoted, i, err = scanString(unquoted[:0], row, i)
			v = value{kind: text, text: unquoted}
		} else if i, err = scanValue(row, i, 0); err == nil {
			v = value{kind: kindOf(row[start]), text: row[start:i]}
		}
		if err != nil {
			return b.broken(err.Error())
		}
		// Rows tend to have their members in the same order.
		column, known := hint, hint < len(b.columns) && b.columns[hint].name == string(name)
		if !known {
			column, known = b.find(name)
		}
		if known {
			b.set(column, v)
			hint = column + 1
		}
		i = skipSpace(row, i)
		if i < len(row) && row[i] == ',' {
			i = skipSpace(row, i+1)
			continue
		}
		if i == len(row)-1 && row[i] == '}' {
			return b.end()
		}
		return b.broken("a comma or the end of the object is expected after a value")
	}
}

// broken ends the reading at a row that is no JSON: where the next one begins is unknown.
func (b *builder) broken(message string) error {
	return fmt.Errorf("row %d is no JSON: %s", b.row, message)
}

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

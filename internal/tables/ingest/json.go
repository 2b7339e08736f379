package ingest

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
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

package ingest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
)

// readCSV reads RFC 4180 with a header line. As in a frame, an empty field is null and ""
// is an empty text.
func readCSV(body io.Reader, b *builder) error {
	w := newWindow(body, b.rows.take)
	if err := w.bom(); err != nil {
		return err
	}
	line, ok, err := w.line(true)
	if err != nil {
		return err
	}
	if !ok {
		return errors.New("the body is empty; its first line must name the columns")
	}
	header, err := splitCSV(nil, line)
	if err != nil {
		return fmt.Errorf("the header line %w", err)
	}
	columns, err := b.header(len(header), func(i int) string { return string(header[i].text) })
	if err != nil {
		return err
	}
	var fields []value
	for {
		line, ok, err := w.line(true)
		if err != nil || !ok {
			return errors.Join(err, b.done())
		}
		if len(line) == 0 && len(columns) > 1 {
			continue
		}
		if err := b.begin(); err != nil {
			return err
		}
		if fields, err = splitCSV(fields[:0], line); err != nil {
			return fmt.Errorf("row %d %w", b.row, err)
		}
		if len(fields) != len(columns) {
			b.fault("", "", "Quote a text that holds a comma, a quote or a line break.", "has %d fields where the header has %d", len(fields), len(columns))
		}
		for i, column := range columns[:min(len(columns), len(fields))] {
			b.set(column, fields[i])
		}
		if err := b.end(); err != nil {
			return err
		}
	}
}

// header finds the columns of a format that names them once.
func (b *builder) header(n int, name func(int) string) ([]int, error) {
	columns := make([]int, n)
	seen := map[string]bool{}
	for i := range columns {
		column, ok := b.byName[name(i)]
		if !ok {
			message, hint := b.unknown(name(i))
			return nil, b.headerFault(name(i), hint, message)
		}
		if seen[name(i)] {
			return nil, b.headerFault(name(i), "", "is there twice")
		}
		seen[name(i)], columns[i] = true, column
	}
	return columns, nil
}

// splitCSV takes a line apart.
func splitCSV(fields []value, line []byte) ([]value, error) {
	for {
		if len(line) == 0 || line[0] != '"' {
			field, rest, more := bytes.Cut(line, []byte{','})
			if bytes.IndexByte(field, '"') >= 0 {
				return nil, errors.New("has a quote inside a field that does not begin with one")
			}
			v := value{text, field}
			if len(field) == 0 {
				v.kind = null
			}
			fields = append(fields, v)
			if !more {
				return fields, nil
			}
			line = rest
			continue
		}
		var field []byte
		for line = line[1:]; ; line = line[1:] {
			i := bytes.IndexByte(line, '"')
			if i < 0 {
				return nil, errors.New("has a quote that is not closed")
			}
			field, line = append(field, line[:i]...), line[i+1:]
			if len(line) == 0 || line[0] != '"' {
				break
			}
			field = append(field, '"')
		}
		fields = append(fields, value{text, field})
		switch {
		case len(line) == 0:
			return fields, nil
		case line[0] != ',':
			return nil, errors.New("has something between the end of a quoted field and the next comma")
		}
		line = line[1:]
	}
}

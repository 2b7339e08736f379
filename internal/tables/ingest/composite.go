package ingest

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"framehouse/internal/store"
)

// encodeComposite takes a value of a composite type as JSON, or as text that holds JSON,
// as CSV and Arrow have it. What is inside is checked like a cell of its type: ClickHouse
// itself would take an integer that is too large for another one.
func encodeComposite(t store.Type) encoder {
	encode := elementOf(t)
	return func(dst []byte, v value) ([]byte, error) {
		if v.kind == text {
			raw := trimSpace(v.text)
			if end, err := scanValue(raw, 0, 0); err != nil || end != len(raw) {
				return dst, errors.Join(errors.New("must be JSON"), err)
			}
			v = value{kindOf(append(raw, 0)[0]), raw}
		}
		if v.kind != structure {
			return dst, fmt.Errorf("must be a JSON array or object, as %s is; this is %s", t, article(v.kind))
		}
		return encode(dst, v)
	}
}

// elementOf is the encoder of a value inside of a composite one.
func elementOf(t store.Type) encoder {
	if t.Name == "JSON" {
		return encodeDocument
	}
	elements, ok := t.Elements()
	if !ok {
		return encoderOf(t)
	}
	encoders := make([]encoder, len(elements))
	for i, e := range elements {
		encoders[i] = orNull(e.Type, elementOf(e.Type))
	}
	switch t.Name {
	case "Array":
		return items(encoders[0])
	case "Map":
		return mapping(encoders[0], encoders[1])
	case "Nested":
		return items(tuple(elements, encoders))
	}
	return tuple(elements, encoders)
}

func orNull(t store.Type, encode encoder) encoder {
	return func(dst []byte, v value) ([]byte, error) {
		switch {
		case v.kind != null:
			return encode(dst, v)
		case t.Nullable:
			return append(dst, "null"...), nil
		}
		return dst, errors.New("must not be null")
	}
}

// part is the value that raw writes, which was scanned before.
func part(raw []byte) value {
	if raw[0] != '"' {
		return value{kindOf(raw[0]), raw}
	}
	unquoted, _, _ := scanString(nil, raw, 0)
	return value{text, unquoted}
}

func items(item encoder) encoder {
	return func(dst []byte, v value) ([]byte, error) {
		if v.kind != structure || v.text[0] != '[' {
			return dst, errors.New("must be a JSON array")
		}
		dst = append(dst, '[')
		n := 0
		_, err := scanStructure(v.text, 0, 1, func(_, raw []byte) (err error) {
			if n++; n > 1 {
				dst = append(dst, ',')
			}
			if dst, err = item(dst, part(raw)); err != nil {
				return fmt.Errorf("item %d %w", n, err)
			}
			return nil
		})
		return append(dst, ']'), err
	}
}

func mapping(key, item encoder) encoder {
	return func(dst []byte, v value) ([]byte, error) {
		if v.kind != structure || v.text[0] != '{' {
			return dst, errors.New("must be a JSON object")
		}
		dst = append(dst, '{')
		n := 0
		_, err := scanStructure(v.text, 0, 1, func(name, raw []byte) (err error) {
			if n++; n > 1 {
				dst = append(dst, ',')
			}
			start := len(dst)
			if dst, err = key(dst, value{text, name}); err != nil {
				return fmt.Errorf("the key %q %w", shown(string(name)), err)
			}
			if dst[start] != '"' {
				dst = slices.Insert(append(dst, '"'), start, '"')
			}
			dst = append(dst, ':')
			if dst, err = item(dst, part(raw)); err != nil {
				return fmt.Errorf("the value of %q %w", shown(string(name)), err)
			}
			return nil
		})
		return append(dst, '}'), err
	}
}

// tuple takes an object where the elements have names, else an array; all of them are there.
func tuple(elements []store.Element, encoders []encoder) encoder {
	named := elements[0].Name != ""
	return func(dst []byte, v value) ([]byte, error) {
		if v.kind != structure || (v.text[0] == '{') != named {
			return dst, fmt.Errorf("must be a JSON %s", map[bool]string{true: "object", false: "array"}[named])
		}
		parts := make([][]byte, len(elements))
		n := 0
		_, err := scanStructure(v.text, 0, 1, func(name, raw []byte) error {
			i := n
			if named {
				i = slices.IndexFunc(elements, func(e store.Element) bool { return e.Name == string(name) })
			}
			if n++; i < 0 || i >= len(parts) {
				return fmt.Errorf("must have no more than its %d elements", len(elements))
			}
			parts[i] = raw
			return nil
		})
		if err == nil && n < len(elements) {
			err = fmt.Errorf("must have all of its %d elements", len(elements))
		}
		if err != nil {
			return dst, err
		}
		dst = append(dst, v.text[0])
		for i, raw := range parts {
			if i > 0 {
				dst = append(dst, ',')
			}
			if named {
				dst = append(appendText(dst, elements[i].Name), ':')
			}
			if dst, err = encoders[i](dst, part(raw)); err != nil {
				return dst, fmt.Errorf("element %d %w", i+1, err)
			}
		}
		return append(dst, v.text[0]+2), nil // { and }, [ and ], lie two apart
	}
}

// encodeDocument takes an object for a column of type JSON. Its numbers are Int64, UInt64
// or Float64 there, so that a whole number beyond these would lose digits.
func encodeDocument(dst []byte, v value) ([]byte, error) {
	if v.kind != structure || v.text[0] != '{' {
		return dst, errors.New("must be a JSON object")
	}
	if err := documentNumbers(v.text); err != nil {
		return dst, err
	}
	// On one line, which JSON texts always are.
	for _, c := range v.text {
		if c != '\n' && c != '\r' {
			dst = append(dst, c)
		}
	}
	return dst, nil
}

func documentNumbers(raw []byte) error {
	_, err := scanStructure(raw, 0, 1, func(_, value []byte) error {
		switch kindOf(value[0]) {
		case structure:
			return documentNumbers(value)
		case number:
			if s := string(value); value[0] != '"' && !strings.ContainsAny(s, ".eE") {
				_, signed := strconv.ParseInt(s, 10, 64)
				if _, unsigned := strconv.ParseUint(s, 10, 64); signed != nil && unsigned != nil {
					return fmt.Errorf("has the whole number %s, which has more than 64 bits; send it as text", shown(s))
				}
			}
		}
		return nil
	})
	return err
}

package ingest

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"framehouse/internal/store"
)

// value is a cell as a body has it.
type value struct {
	kind kind
	text []byte // a text without quotes and escapes; a number, true, false or JSON as it is written
}

type kind uint8

const (
	null kind = iota
	boolean
	number
	text
	instant   // or a date, from a format that has a type for it
	structure // a JSON array or object
)

func (v value) shown() []byte { return v.text }

// An encoder checks a value and appends it as ClickHouse reads it in JSON. Equal values
// of a key column are encoded alike.
type encoder func(dst []byte, v value) ([]byte, error)

func encoderOf(t store.Type) encoder {
	switch t.Name {
	case "String":
		return encodeText
	case "FixedString":
		return fixedString(t)
	case "Bool":
		return encodeBool
	case "Float32", "BFloat16":
		return encodeFloat(32)
	case "Float64":
		return encodeFloat(64)
	case "Date", "Date32":
		return encodeTime(t, time.DateOnly, "")
	case "DateTime", "DateTime64":
		layout := "2006-01-02T15:04:05"
		if t.Precision() > 0 {
			layout += ".000000000"[:t.Precision()+1]
		}
		return encodeTime(t, layout, "Z")
	case "Time", "Time64":
		return encodeClock(t)
	case "Enum8", "Enum16":
		return encodeEnum(t)
	case "UUID":
		return func(dst []byte, v value) ([]byte, error) {
			v.text = bytes.ToLower(v.text)
			return encodeLiteral(dst, t, v, text)
		}
	}
	switch {
	case strings.HasPrefix(t.Name, "Int"), strings.HasPrefix(t.Name, "UInt"):
		return encodeInteger(t)
	case strings.HasPrefix(t.Name, "Decimal"):
		return encodeDecimal(t)
	case t.Comparable():
		return func(dst []byte, v value) ([]byte, error) { return encodeLiteral(dst, t, v, text) }
	}
	return encodeComposite(t)
}

// encodeLiteral is the way of all values that are not frequent enough for one of their own.
func encodeLiteral(dst []byte, t store.Type, v value, kinds ...kind) ([]byte, error) {
	if !slices.Contains(kinds, v.kind) {
		return dst, fmt.Errorf("must be %s, as in \"…\"", article(kinds[0]))
	}
	literal, err := t.Literal(string(v.text))
	if err != nil {
		return dst, err
	}
	return appendText(dst, literal.Text), nil
}

func article(k kind) string {
	return map[kind]string{boolean: "true or false", number: "a number", text: "a text", instant: "a time", structure: "an array or object"}[k]
}

func encodeText(dst []byte, v value) ([]byte, error) {
	switch {
	case v.kind != text:
		return dst, fmt.Errorf("must be a text; this is %s", article(v.kind))
	case !utf8.Valid(v.text):
		return dst, errors.New("must be text in UTF-8")
	}
	return appendText(dst, v.text), nil
}

func fixedString(t store.Type) encoder {
	size := 0
	if len(t.Args) > 0 {
		size, _ = strconv.Atoi(t.Args[0])
	}
	return func(dst []byte, v value) ([]byte, error) {
		if len(v.text) > size {
			return dst, fmt.Errorf("must have at most %d bytes; it has %d", size, len(v.text))
		}
		// ClickHouse fills up with NULs.
		v.text = []byte(strings.TrimRight(string(v.text), "\x00"))
		return encodeText(dst, v)
	}
}

func encodeBool(dst []byte, v value) ([]byte, error) {
	if s := string(v.text); (v.kind == boolean || v.kind == text) && (s == "true" || s == "false") {
		return append(dst, s...), nil
	}
	return dst, errors.New("must be true or false")
}

func encodeFloat(bits int) encoder {
	return func(dst []byte, v value) ([]byte, error) {
		switch s := string(v.text); {
		case v.kind != number && v.kind != text:
		case s == "nan", s == "inf", s == "-inf":
			return append(append(append(dst, '"'), s...), '"'), nil
		case !strings.ContainsAny(s, "xXpP_iInN"):
			if f, err := strconv.ParseFloat(s, bits); err == nil && !math.IsInf(f, 0) {
				return strconv.AppendFloat(dst, f, 'g', -1, bits), nil
			}
		}
		return dst, fmt.Errorf("must be a number such as 12.5 or -3e8, within the %d bits of the column", bits)
	}
}

// encodeInteger writes the digits that it reads. A whole number that is written with a
// point or an exponent is not taken: where it came through a float, it has lost digits.
func encodeInteger(t store.Type) encoder {
	low, high := int64(math.MinInt64), int64(math.MaxInt64)
	bits, _ := strconv.Atoi(strings.TrimLeft(t.Name, "UInt"))
	unsigned := t.Name[0] == 'U'
	switch {
	case unsigned && bits < 64:
		low, high = 0, 1<<bits-1
	case unsigned:
		low = 0
	case bits < 64:
		low, high = -1<<(bits-1), 1<<(bits-1)-1
	}
	return func(dst []byte, v value) ([]byte, error) {
		if v.kind != number && v.kind != text {
			return dst, fmt.Errorf("must be a whole number; this is %s", article(v.kind))
		}
		if n, ok := shortInteger(v.text); ok && n >= low && n <= high {
			return append(dst, v.text...), nil
		}
		literal, err := t.Literal(string(v.text))
		if err != nil {
			return dst, err
		}
		if len(literal.Text) > 18 {
			return appendText(dst, literal.Text), nil
		}
		return append(dst, literal.Text...), nil
	}
}

// shortInteger reads an integer of at most 18 digits that is written as we would.
func shortInteger(text []byte) (n int64, ok bool) {
	digits := text
	if len(digits) > 0 && digits[0] == '-' {
		digits = digits[1:]
	}
	if len(digits) == 0 || len(digits) > 18 || digits[0] == '0' && len(text) > 1 {
		return 0, false
	}
	for _, c := range digits {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + int64(c-'0')
	}
	if len(digits) < len(text) {
		n = -n
	}
	return n, true
}

func encodeDecimal(t store.Type) encoder {
	return func(dst []byte, v value) ([]byte, error) {
		if v.kind != number && v.kind != text {
			return dst, fmt.Errorf("must be a decimal; this is %s", article(v.kind))
		}
		literal, err := t.Literal(string(v.text))
		if err != nil {
			return dst, err
		}
		s := literal.Text
		if strings.Trim(s, "-0.") == "" {
			s = "0"
		}
		return appendText(dst, s), nil
	}
}

// encodeTime writes an instant or a date in the one way that ClickHouse reads whatever the
// time zone of the column.
func encodeTime(t store.Type, layout, end string) encoder {
	date := end == ""
	return func(dst []byte, v value) ([]byte, error) {
		if v.kind != text && v.kind != instant {
			return dst, fmt.Errorf("must be a text such as \"2026-03-31\"; this is %s", article(v.kind))
		}
		s := string(v.text)
		// All types hold these years; Literal knows how far each reaches beyond. What is longer may
		// have digits that the standard library drops; a comma, or an hour of one digit, it takes
		// although no instant of ours has them.
		if len(s) >= len(time.DateOnly) && len(s) <= len("2026-03-31T09:30:00.123456789Z") && strings.IndexByte(s, ',') < 0 && (len(s) < 14 || s[13] == ':') && s >= "1971" && s < "2100" && (!date || len(s) == len(time.DateOnly)) {
			read := time.RFC3339Nano
			if len(s) == len(time.DateOnly) {
				read = time.DateOnly
			}
			at, err := time.Parse(read, s)
			if year := at.UTC().Year(); err == nil && at.Nanosecond()%precision(t) == 0 && year > 1970 && year < 2100 {
				dst = at.UTC().AppendFormat(append(dst, '"'), layout)
				return append(append(dst, end...), '"'), nil
			}
		}
		literal, err := t.Literal(s)
		if err != nil {
			return dst, err
		}
		return appendText(dst, strings.Replace(literal.Text, " ", "T", 1)+end), nil
	}
}

// precision is the nanoseconds of a tick, as far as they are less than a second.
func precision(t store.Type) int {
	ticks := int(time.Second)
	for range t.Precision() {
		ticks /= 10
	}
	return ticks
}

// encodeClock takes a time as a frame shows it: up to 999 hours, before or after zero.
func encodeClock(t store.Type) encoder {
	return func(dst []byte, v value) ([]byte, error) {
		s := strings.TrimPrefix(string(v.text), "-")
		hours, rest, _ := strings.Cut(s, ":")
		clock, fraction, _ := strings.Cut(rest, ".")
		digits := func(s string) bool { return strings.Trim(s, "0123456789") == "" }
		_, err := time.Parse("04:05", clock)
		if v.kind != text && v.kind != instant || len(hours) < 1 || len(hours) > 3 || !digits(hours) || len(clock) != 5 || err != nil ||
			len(fraction) > t.Precision() || !digits(fraction) || strings.HasSuffix(rest, ".") {
			return dst, fmt.Errorf("must be a text such as \"09:30:00\", with at most %d digits after the second", t.Precision())
		}
		if len(hours) == 1 {
			s = "0" + s
		}
		if v.text[0] == '-' {
			s = "-" + s
		}
		return appendText(dst, s), nil
	}
}

func encodeEnum(t store.Type) encoder {
	names := map[string][]byte{}
	for _, name := range t.EnumNames() {
		names[name] = appendText(nil, name)
	}
	return func(dst []byte, v value) ([]byte, error) {
		if known, ok := names[string(v.text)]; ok && v.kind == text {
			return append(dst, known...), nil
		}
		return encodeLiteral(dst, t, v, text)
	}
}

// appendText appends a JSON text. Equal texts are appended alike.
func appendText[T string | []byte](dst []byte, s T) []byte {
	const hex = "0123456789abcdef"
	dst = append(dst, '"')
	start := 0
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c >= ' ' && c != '"' && c != '\\' {
			continue
		}
		dst = append(dst, s[start:i]...)
		start = i + 1
		if c < ' ' {
			dst = append(dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		} else {
			dst = append(dst, '\\', c)
		}
	}
	return append(append(dst, s[start:]...), '"')
}

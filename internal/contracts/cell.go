package contracts

import (
	"encoding/json"
	"fmt"
	"strconv"
	"sync/atomic"
	"unicode/utf8"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
)

// cellWriter appends the cell of one column in a given row. It is chosen by type once
// a batch, so that the loop over rows takes no decision twice and allocates nothing.
type cellWriter func(dst []byte, row int) []byte

// cellStyle is how a format writes cells that are not plain numbers.
type cellStyle struct {
	null  string                                       // a null
	quote string                                       // around dates, and around integers that are text
	text  func(dst []byte, s string) []byte            // a text
	json  func(dst []byte, s string) []byte            // text that is JSON
	float func(dst []byte, v float64, bits int) []byte // a float, which may be no number

	// unsafe is set when an integer is met that is not as safe as its field says; nil
	// where readers have integers of 64 bits.
	unsafe *atomic.Bool
}

// newCellWriter returns the writer of a column. What a cell looks like follows from
// the column's Arrow type; the field's type decides only between two spellings of the
// same value: an integer declared as string is quoted, text declared as JSON is not.
func newCellWriter(field Field, column arrow.Array, style cellStyle) (cellWriter, error) {
	var write cellWriter
	switch c := column.(type) {
	case *array.Boolean:
		write = func(dst []byte, row int) []byte { return strconv.AppendBool(dst, c.Value(row)) }
	case *array.Int8:
		write = signed(field, c.Int8Values(), style)
	case *array.Int16:
		write = signed(field, c.Int16Values(), style)
	case *array.Int32:
		write = signed(field, c.Int32Values(), style)
	case *array.Int64:
		write = signed(field, c.Int64Values(), style)
	case *array.Uint8:
		write = unsigned(field, c.Uint8Values(), style)
	case *array.Uint16:
		write = unsigned(field, c.Uint16Values(), style)
	case *array.Uint32:
		write = unsigned(field, c.Uint32Values(), style)
	case *array.Uint64:
		write = unsigned(field, c.Uint64Values(), style)
	case *array.Float32:
		values := c.Float32Values()
		write = func(dst []byte, row int) []byte { return style.float(dst, float64(values[row]), 32) }
	case *array.Float64:
		values := c.Float64Values()
		write = func(dst []byte, row int) []byte { return style.float(dst, values[row], 64) }
	case *array.Decimal128:
		scale := int(c.DataType().(*arrow.Decimal128Type).Scale)
		values := c.Values()
		write = func(dst []byte, row int) []byte { return appendDecimal128(dst, values[row], scale) }
		if field.Type == TypeString {
			write = quoted(write, style.quote)
		}
	case *array.Decimal256:
		scale := int(c.DataType().(*arrow.Decimal256Type).Scale)
		write = func(dst []byte, row int) []byte { return appendDecimal256(dst, c.Value(row), scale) }
		if field.Type == TypeString {
			write = quoted(write, style.quote)
		}
	case *array.String:
		write = text(field, c.Value, style)
	case *array.Binary:
		write = text(field, c.ValueString, style)
	case *array.Dictionary:
		return dictionary(field, c, style)
	case *array.Date32:
		values := c.Date32Values()
		write = func(dst []byte, row int) []byte {
			return append(appendDay(append(dst, style.quote...), int64(values[row])), style.quote...)
		}
	case *array.Timestamp:
		write = timestamps(c, style.quote)
	default:
		return nil, fmt.Errorf("column %s: Arrow type %s has no JSON form", field.Key, column.DataType())
	}
	return nullOr(column, write, style.null), nil
}

func nullOr(column arrow.Array, write cellWriter, null string) cellWriter {
	if column.NullN() == 0 {
		return write
	}
	return func(dst []byte, row int) []byte {
		if column.IsNull(row) {
			return append(dst, null...)
		}
		return write(dst, row)
	}
}

func quoted(write cellWriter, quote string) cellWriter {
	return func(dst []byte, row int) []byte { return append(write(append(dst, quote...), row), quote...) }
}

// mostSafe is the largest integer up to which a double tells all integers apart.
const mostSafe = 1<<53 - 1

func signed[T ~int8 | ~int16 | ~int32 | ~int64](field Field, values []T, style cellStyle) cellWriter {
	write := func(dst []byte, row int) []byte { return appendInt(dst, int64(values[row])) }
	switch {
	case field.Type == TypeString && style.quote != "":
		return quoted(write, style.quote)
	case field.Safe && style.unsafe != nil:
		return func(dst []byte, row int) []byte {
			if v := int64(values[row]); v > mostSafe || v < -mostSafe {
				style.unsafe.Store(true)
			}
			return write(dst, row)
		}
	}
	return write
}

func unsigned[T ~uint8 | ~uint16 | ~uint32 | ~uint64](field Field, values []T, style cellStyle) cellWriter {
	write := func(dst []byte, row int) []byte { return appendUint(dst, uint64(values[row])) }
	switch {
	case field.Type == TypeString && style.quote != "":
		return quoted(write, style.quote)
	case field.Safe && style.unsafe != nil:
		return func(dst []byte, row int) []byte {
			if uint64(values[row]) > mostSafe {
				style.unsafe.Store(true)
			}
			return write(dst, row)
		}
	}
	return write
}

func text(field Field, value func(int) string, style cellStyle) cellWriter {
	write := style.text
	if field.Type == TypeJSON {
		write = style.json
	}
	return func(dst []byte, row int) []byte { return write(dst, value(row)) }
}

// dictionary writes each distinct value once a batch and copies it from then on.
func dictionary(field Field, column *array.Dictionary, style cellStyle) (cellWriter, error) {
	values := column.Dictionary()
	value, err := newCellWriter(field, values, style)
	if err != nil {
		return nil, err
	}
	// One buffer holds them all: a dictionary may have as many values as there are rows.
	var texts []byte
	ends := make([]int, values.Len()+1)
	for i := range values.Len() {
		texts = value(texts, i)
		ends[i+1] = len(texts)
	}
	texts = append(texts, make([]byte, blockSize)...) // for appendBlock to read from
	index := column.GetValueIndex
	if indices, ok := column.Indices().(*array.Int32); ok { // as ClickHouse sends them
		values := indices.Int32Values()
		index = func(row int) int { return int(values[row]) }
	}
	return nullOr(column, func(dst []byte, row int) []byte {
		i := index(row)
		return appendBlock(dst, texts[ends[i]:], ends[i+1]-ends[i])
	}, style.null), nil
}

// appendJSON appends text that ClickHouse wrote as JSON. Were it not JSON, it would
// break the document around it, so it is then sent as a string. A string inside it may
// hold bytes that are not UTF-8, which become U+FFFD as they do in appendString.
func appendJSON(dst []byte, s string) []byte {
	start := len(dst)
	dst = append(dst, s...)
	switch {
	case !json.Valid(dst[start:]):
		return appendString(dst[:start], s)
	case !utf8.ValidString(s):
		return append(dst[:start], string([]rune(s))...)
	}
	return dst
}

const hex = "0123456789abcdef"

// appendString appends a JSON string. JSON is Unicode: bytes that are not UTF-8
// become U+FFFD, the replacement character.
func appendString(dst []byte, s string) []byte {
	dst = append(dst, '"')
	start := 0
	for i := 0; i < len(s); {
		b := s[i]
		if b < utf8.RuneSelf {
			if b >= ' ' && b != '"' && b != '\\' {
				i++
				continue
			}
			dst = append(dst, s[start:i]...)
			switch b {
			case '"', '\\':
				dst = append(dst, '\\', b)
			case '\n':
				dst = append(dst, '\\', 'n')
			case '\r':
				dst = append(dst, '\\', 'r')
			case '\t':
				dst = append(dst, '\\', 't')
			default:
				dst = append(dst, '\\', 'u', '0', '0', hex[b>>4], hex[b&0xf])
			}
			i++
			start = i
			continue
		}
		r, size := utf8.DecodeRuneInString(s[i:])
		if r == utf8.RuneError && size == 1 {
			dst = append(append(dst, s[start:i]...), "\uFFFD"...)
			start = i + 1
		}
		i += size
	}
	return append(append(dst, s[start:]...), '"')
}

package contracts

import (
	"encoding/json"
	"fmt"
	"strconv"
	"unicode/utf8"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
)

// cellWriter appends the cell of one column in a given row. It is chosen by type once
// a batch, so that the loop over rows takes no decision twice and allocates nothing.
type cellWriter func(dst []byte, row int) []byte

// newCellWriter returns the writer of a column. What a cell looks like follows from
// the column's Arrow type; the field's type decides only between two spellings of the
// same value: an integer declared as string is quoted, text declared as JSON is not.
func newCellWriter(field Field, column arrow.Array) (cellWriter, error) {
	var write cellWriter
	switch c := column.(type) {
	case *array.Boolean:
		write = func(dst []byte, row int) []byte { return strconv.AppendBool(dst, c.Value(row)) }
	case *array.Int8:
		write = signed(field, c.Int8Values())
	case *array.Int16:
		write = signed(field, c.Int16Values())
	case *array.Int32:
		write = signed(field, c.Int32Values())
	case *array.Int64:
		write = signed(field, c.Int64Values())
	case *array.Uint8:
		write = unsigned(field, c.Uint8Values())
	case *array.Uint16:
		write = unsigned(field, c.Uint16Values())
	case *array.Uint32:
		write = unsigned(field, c.Uint32Values())
	case *array.Uint64:
		write = unsigned(field, c.Uint64Values())
	case *array.Float32:
		values := c.Float32Values()
		write = func(dst []byte, row int) []byte { return appendFloat(dst, float64(values[row]), 32) }
	case *array.Float64:
		values := c.Float64Values()
		write = func(dst []byte, row int) []byte { return appendFloat(dst, values[row], 64) }
	case *array.Decimal128:
		scale := int(c.DataType().(*arrow.Decimal128Type).Scale)
		values := c.Values()
		write = func(dst []byte, row int) []byte { return appendDecimal128(dst, values[row], scale) }
	case *array.String:
		write = text(field, c.Value)
	case *array.Binary:
		write = text(field, c.ValueString)
	case *array.Dictionary:
		return dictionary(field, c)
	case *array.Date32:
		values := c.Date32Values()
		write = func(dst []byte, row int) []byte {
			return append(appendDay(append(dst, '"'), int64(values[row])), '"')
		}
	case *array.Timestamp:
		write = timestamps(c)
	case *array.Time32:
		if unit := c.DataType().(*arrow.Time32Type).Unit; unit != arrow.Second {
			return nil, fmt.Errorf("column %s: a time of day in %s has no JSON form", field.Key, unit)
		}
		values := c.Time32Values()
		write = func(dst []byte, row int) []byte {
			return append(appendClock(append(dst, '"'), int64(values[row])), '"')
		}
	default:
		return nil, fmt.Errorf("column %s: Arrow type %s has no JSON form", field.Key, column.DataType())
	}
	return nullOr(column, write), nil
}

func nullOr(column arrow.Array, write cellWriter) cellWriter {
	if column.NullN() == 0 {
		return write
	}
	return func(dst []byte, row int) []byte {
		if column.IsNull(row) {
			return append(dst, "null"...)
		}
		return write(dst, row)
	}
}

func signed[T ~int8 | ~int16 | ~int32 | ~int64](field Field, values []T) cellWriter {
	if field.Type == TypeString {
		return func(dst []byte, row int) []byte {
			return append(strconv.AppendInt(append(dst, '"'), int64(values[row]), 10), '"')
		}
	}
	return func(dst []byte, row int) []byte { return strconv.AppendInt(dst, int64(values[row]), 10) }
}

func unsigned[T ~uint8 | ~uint16 | ~uint32 | ~uint64](field Field, values []T) cellWriter {
	if field.Type == TypeString {
		return func(dst []byte, row int) []byte {
			return append(strconv.AppendUint(append(dst, '"'), uint64(values[row]), 10), '"')
		}
	}
	return func(dst []byte, row int) []byte { return strconv.AppendUint(dst, uint64(values[row]), 10) }
}

func text(field Field, value func(int) string) cellWriter {
	if field.Type == TypeJSON {
		return func(dst []byte, row int) []byte { return appendJSON(dst, value(row)) }
	}
	return func(dst []byte, row int) []byte { return appendString(dst, value(row)) }
}

// dictionary writes each distinct value once a batch and copies it from then on.
func dictionary(field Field, column *array.Dictionary) (cellWriter, error) {
	values := column.Dictionary()
	value, err := newCellWriter(field, values)
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
	return nullOr(column, func(dst []byte, row int) []byte {
		i := column.GetValueIndex(row)
		return append(dst, texts[ends[i]:ends[i+1]]...)
	}), nil
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

package contracts

import (
	"encoding/json"
	"fmt"
	"strconv"
	"time"
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
		scale := c.DataType().(*arrow.Decimal128Type).Scale
		write = func(dst []byte, row int) []byte { return append(dst, c.Value(row).ToString(scale)...) }
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
	texts := make([][]byte, values.Len())
	for i := range texts {
		texts[i] = value(nil, i)
	}
	return nullOr(column, func(dst []byte, row int) []byte {
		return append(dst, texts[column.GetValueIndex(row)]...)
	}), nil
}

// appendJSON appends text that ClickHouse wrote as JSON. Were it not JSON, it would
// break the document around it, so it is then sent as a string.
func appendJSON(dst []byte, s string) []byte {
	if !json.Valid([]byte(s)) {
		return appendString(dst, s)
	}
	return append(dst, s...)
}

const secondsPerDay = 24 * 60 * 60

// timestamps writes instants as ISO 8601 in UTC with as many digits as the column's
// unit has, so that cells of one column are all of one length and sort as text.
func timestamps(column *array.Timestamp) cellWriter {
	values := column.TimestampValues()
	unit := column.DataType().(*arrow.TimestampType).Unit
	digits := map[arrow.TimeUnit]int{arrow.Second: 0, arrow.Millisecond: 3, arrow.Microsecond: 6, arrow.Nanosecond: 9}[unit]
	perSecond := int64(time.Second / unit.Multiplier())
	return func(dst []byte, row int) []byte {
		second, fraction := floorDiv(int64(values[row]), perSecond)
		day, ofDay := floorDiv(second, secondsPerDay)
		dst = append(appendDay(append(dst, '"'), day), 'T')
		dst = appendClock(dst, ofDay)
		if digits > 0 {
			dst = appendPadded(append(dst, '.'), fraction, digits)
		}
		return append(dst, 'Z', '"')
	}
}

// floorDiv divides rounding down, so that an instant before 1970 falls into its own day.
func floorDiv(a, b int64) (quotient, remainder int64) {
	quotient, remainder = a/b, a%b
	if remainder < 0 {
		return quotient - 1, remainder + b
	}
	return quotient, remainder
}

// appendDay appends a day counted from 1970-01-01 as YYYY-MM-DD, for the years 0 to
// 9999 that the proleptic Gregorian calendar and ClickHouse share.
// The algorithm counts days in eras of 400 years that begin in March, so that the
// leap day is the last of its year (Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms").
func appendDay(dst []byte, day int64) []byte {
	era, ofEra := floorDiv(day+719468, 146097)
	yearOfEra := (ofEra - ofEra/1460 + ofEra/36524 - ofEra/146096) / 365
	ofYear := ofEra - (365*yearOfEra + yearOfEra/4 - yearOfEra/100)
	shifted := (5*ofYear + 2) / 153
	dayOfMonth := ofYear - (153*shifted+2)/5 + 1
	year, month := yearOfEra+era*400, shifted+3
	if month > 12 {
		year, month = year+1, month-12
	}
	dst = append(appendPadded(dst, year, 4), '-')
	dst = append(appendPadded(dst, month, 2), '-')
	return appendPadded(dst, dayOfMonth, 2)
}

// appendClock appends seconds as hh:mm:ss. ClickHouse's Time reaches beyond a day and
// below zero, so hours may have three digits and a sign.
func appendClock(dst []byte, seconds int64) []byte {
	if seconds < 0 {
		dst, seconds = append(dst, '-'), -seconds
	}
	width := 2
	if seconds >= 100*3600 {
		width = 3
	}
	dst = append(appendPadded(dst, seconds/3600, width), ':')
	dst = append(appendPadded(dst, seconds/60%60, 2), ':')
	return appendPadded(dst, seconds%60, 2)
}

func appendPadded(dst []byte, value int64, width int) []byte {
	start := len(dst)
	dst = append(dst, "000000000"[:width]...)
	for i := start + width - 1; i >= start; i-- {
		dst[i] = byte('0' + value%10)
		value /= 10
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

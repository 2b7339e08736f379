package contracts

import (
	"strconv"
	"time"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
)

const secondsPerDay = 24 * 60 * 60

// timestamps writes instants as ISO 8601 in UTC with as many digits as the column's
// unit has, so that cells of one column are all of one length and sort as text.
func timestamps(column *array.Timestamp, quote string) cellWriter {
	values := column.TimestampValues()
	unit := column.DataType().(*arrow.TimestampType).Unit
	digits := map[arrow.TimeUnit]int{arrow.Second: 0, arrow.Millisecond: 3, arrow.Microsecond: 6, arrow.Nanosecond: 9}[unit]
	perSecond := int64(time.Second / unit.Multiplier())
	return func(dst []byte, row int) []byte {
		second, fraction := floorDiv(int64(values[row]), perSecond)
		day, ofDay := floorDiv(second, secondsPerDay)
		dst = append(appendDay(append(dst, quote...), day), 'T')
		dst = appendClock(dst, ofDay)
		if digits > 0 {
			dst = appendPadded(append(dst, '.'), fraction, digits)
		}
		return append(append(dst, 'Z'), quote...)
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

// appendDay appends a day counted from 1970-01-01 as YYYY-MM-DD in the proleptic
// Gregorian calendar. A year that has no four digits gets a sign and six at least, the
// expanded form of ISO 8601: a DateTime64 can be computed into such years, and another
// year's digits would be a lie.
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
	dst = append(appendYear(dst, year), '-')
	dst = append(appendPadded(dst, month, 2), '-')
	return appendPadded(dst, dayOfMonth, 2)
}

func appendYear(dst []byte, year int64) []byte {
	if year >= 0 && year <= 9999 {
		return appendPadded(dst, year, 4)
	}
	sign := byte('+')
	if year < 0 {
		sign, year = '-', -year
	}
	dst = append(dst, sign)
	for least := int64(100_000); year < least; least /= 10 {
		dst = append(dst, '0')
	}
	return strconv.AppendInt(dst, year, 10)
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

package contracts

import (
	"slices"
	"strconv"
	"sync/atomic"
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
	plain := newInstants(digits, quote)
	return func(dst []byte, row int) []byte {
		var second, fraction int64
		if unit == arrow.Millisecond {
			second, fraction = floorDiv(int64(values[row]), 1000) // by a constant: no division
		} else {
			second, fraction = floorDiv(int64(values[row]), perSecond)
		}
		if second >= firstPlain && second < endPlain {
			return plain.append(dst, uint64(second-firstPlain), uint64(fraction))
		}
		day, ofDay := floorDiv(second, secondsPerDay)
		dst = append(appendDay(append(dst, quote...), day), 'T')
		dst = appendClock(dst, ofDay)
		if digits > 0 {
			dst = appendPadded(append(dst, '.'), fraction, digits)
		}
		return append(append(dst, 'Z'), quote...)
	}
}

// Seconds since 1970 of the years from 0000 to 9999, which have four digits.
const (
	firstPlain = -62167219200
	endPlain   = 253402300800
)

// instants writes instants of years with four digits.
type instants struct {
	template [blockSize]byte // what an instant looks like, with zeros; it fits up to nanoseconds
	quote    int             // length of the quote
	digits   int             // after the second
	size     int
	// day is the last day that was written, in the form of calendarDay: times of one
	// column lie close together. Chunks of a batch are written side by side, hence atomic.
	day atomic.Uint64
}

func newInstants(digits int, quote string) *instants {
	text := quote + "0000-00-00T00:00:00"
	if digits > 0 {
		text += ".000000000"[:1+digits]
	}
	text += "Z" + quote
	w := &instants{quote: len(quote), digits: digits, size: len(text)}
	copy(w.template[:], text)
	w.day.Store(calendarDay(0))
	return w
}

// append appends an instant given in seconds since the year 0000 and a fraction.
func (w *instants) append(dst []byte, second, fraction uint64) []byte {
	day := second / secondsPerDay
	ofDay := uint32(second - day*secondsPerDay)
	date := w.day.Load()
	if date>>32 != day {
		date = calendarDay(uint32(day))
		w.day.Store(date)
	}
	if cap(dst)-len(dst) < blockSize+1 {
		dst = slices.Grow(dst, blockSize+1)
	}
	start := len(dst)
	*(*[blockSize]byte)(dst[start : start+blockSize]) = w.template
	text := (*[blockSize - 1]byte)(dst[start+w.quote : start+w.quote+blockSize-1])
	putPair(text[0:2], uint32(date>>23&0x1ff))
	putPair(text[2:4], uint32(date>>16&0x7f))
	putPair(text[5:7], uint32(date>>8&0xff))
	putPair(text[8:10], uint32(date&0xff))
	minute := ofDay / 60
	putPair(text[11:13], minute/60)
	putPair(text[14:16], minute%60)
	putPair(text[17:19], ofDay-minute*60)
	if w.digits > 0 {
		putDigits(text[20:20+w.digits], fraction)
	}
	return dst[:start+w.size]
}

func putPair(dst []byte, value uint32) { *(*[2]byte)(dst) = pairs[value] }

// calendarDay is the date of a day counted from 0000-01-01, as the day itself in the
// upper half, and below it century, year of the century, month and day of the month.
// See appendDay for the algorithm; March 1st of the year 0 is day 60.
func calendarDay(day uint32) uint64 {
	shifted := day + 146097 - 60
	era := shifted / 146097
	ofEra := shifted - era*146097
	yearOfEra := (ofEra - ofEra/1460 + ofEra/36524 - ofEra/146096) / 365
	ofYear := ofEra - (365*yearOfEra + yearOfEra/4 - yearOfEra/100)
	month := (5*ofYear + 2) / 153
	dayOfMonth := ofYear - (153*month+2)/5 + 1
	year := yearOfEra + era*400
	if month += 3; month > 12 {
		year, month = year+1, month-12
	}
	year -= 400 // of the era that was put before the year 0
	return uint64(day)<<32 | uint64(year/100)<<23 | uint64(year%100)<<16 | uint64(month)<<8 | uint64(dayOfMonth)
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

// appendClock appends the seconds of a day as hh:mm:ss.
func appendClock(dst []byte, seconds int64) []byte {
	dst = append(appendPadded(dst, seconds/3600, 2), ':')
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

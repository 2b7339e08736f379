package contracts

import (
	"encoding/binary"
	"math"
	"math/bits"
	"slices"
	"strconv"
)

// exactCents bounds the numbers of which a hundred times is a whole number below 1e15,
// where a product and a quotient by a hundred are exact enough to be checked by dividing
// back.
const exactCents = 1e13

// Within these bounds a float is written without an exponent, and the powers of ten that
// its shortest decimal needs are exact in 128 bits.
const (
	leastPlain = 1e-6
	mostPlain  = 1e15
)

// appendFloat appends the shortest decimal that reads back as the same number.
// NaN and the infinities do not exist in JSON and become null.
//
// Measured data mostly has two decimals or fewer, for which multiplying, rounding and
// checking is several times faster than any general routine. It is safe: the candidate
// has at most 15 significant digits, and no two such decimals are the same float64, so a
// candidate that divides back to v is the shortest once its trailing zeros are gone.
func appendFloat(dst []byte, v float64, size int) []byte {
	abs := math.Abs(v)
	if v == 0 && math.Signbit(v) {
		return append(dst, "-0.0"...) // -0 is an integer to some readers, which have no such
	}
	if size == 64 && abs < mostPlain {
		if abs < exactCents {
			// Signed, for which the processor has one instruction.
			if n := int64(abs*100 + 0.5); float64(n)/100 == abs {
				if math.Signbit(v) {
					dst = append(dst, '-')
				}
				return appendCents(dst, uint64(n))
			}
		}
		if abs >= leastPlain {
			if v < 0 {
				dst = append(dst, '-')
			}
			digits, scale := shortest(abs)
			return appendDecimal(dst, digits, scale)
		}
	}
	switch {
	case math.IsNaN(v) || math.IsInf(v, 0):
		return append(dst, "null"...)
	case abs != 0 && (abs < leastPlain || abs >= 1e21):
		return strconv.AppendFloat(dst, v, 'e', -1, size)
	}
	return strconv.AppendFloat(dst, v, 'f', -1, size)
}

// appendCents appends n hundredths without trailing zeros after the point.
func appendCents(dst []byte, n uint64) []byte {
	whole := n / 100
	cents := n - whole*100
	dst = appendUint(dst, whole)
	if cents == 0 {
		return dst
	}
	pair := pairs[cents]
	if pair[1] == '0' {
		return append(dst, '.', pair[0])
	}
	return append(dst, '.', pair[0], pair[1])
}

// appendDecimal appends digits with a point before the last scale of them, without
// trailing zeros after it.
func appendDecimal(dst []byte, digits uint64, scale int) []byte {
	high := digits / 1e8
	low := digits - high*1e8
	count := 16
	if high >= 1e8 {
		count++
	}
	if zeros := scale - count; zeros >= 0 && high >= 1e7 && high < 1e9 && low != 0 {
		return appendFraction(dst, high, low, zeros, count)
	}
	for scale > 0 {
		rest := digits / 10
		if rest*10 != digits {
			break
		}
		digits, scale = rest, scale-1
	}
	if scale == 0 {
		return appendUint(dst, digits)
	}
	count = countDigits(digits)
	if zeros := scale - count; zeros >= 0 {
		dst = append(dst, "0.000000"[:2+zeros]...) // from leastPlain on there are no more
		return appendDigits(dst, digits, count)
	}
	whole := digits / powersOfTen[scale]
	dst = append(appendUint(dst, whole), '.')
	return appendDigits(dst, digits-whole*powersOfTen[scale], scale)
}

// appendFraction appends a number below one, of count digits that are 16 or 17, after so
// many zeros, as numbers have that were not rounded. The last eight digits are low, which
// is not zero.
func appendFraction(dst []byte, high, low uint64, zeros, count int) []byte {
	const most = 32
	if cap(dst)-len(dst) < most {
		dst = slices.Grow(dst, most)
	}
	first := high / 1e8
	middle, last := eightDigits(high-first*1e8), eightDigits(low)
	to := (*[most]byte)(dst[len(dst) : len(dst)+most])
	binary.LittleEndian.PutUint64(to[:], asciiZeros^('0'^'.')<<8)
	at := 2 + zeros&7 // from leastPlain on there are no more
	to[at] = '0' + byte(first)
	at += count - 16 // where there is no first digit, the next overwrites its zero
	binary.LittleEndian.PutUint64(to[at&15:], middle|asciiZeros)
	binary.LittleEndian.PutUint64(to[at&15+8:], last|asciiZeros)
	return dst[:len(dst)+at+16-bits.LeadingZeros64(last)/8]
}

// tenth are the powers of ten from 1, as 128 bits of which the first is set. Up to 10^55
// that is exact.
var tenth = func() (powers [26][2]uint64) {
	high, low := uint64(0), uint64(1)
	for i := range powers {
		zeros := bits.LeadingZeros64(high)
		if high == 0 {
			zeros = 64 + bits.LeadingZeros64(low)
		}
		if zeros >= 64 {
			powers[i] = [2]uint64{low << (zeros - 64), 0}
		} else {
			powers[i] = [2]uint64{high<<zeros | low>>(64-zeros), low << zeros}
		}
		carry, lowTen := bits.Mul64(low, 10)
		high, low = high*10+carry, lowTen
	}
	return powers
}()

// shortest returns the shortest decimal that reads back as v, nearest to v among those,
// as digits / 10^scale. It is Schubfach (Raffaello Giulietti, "The Schubfach way to
// render doubles", 2020) for numbers from leastPlain to mostPlain, which have a scale of
// zero or more.
func shortest(v float64) (digits uint64, scale int) {
	encoded := math.Float64bits(v)
	fraction := encoded & (1<<52 - 1)
	exponent := int(encoded>>52) - 1075
	c := fraction | 1<<52
	// The interval of numbers that are read as v, in quarters of its last bit. Below a
	// power of two floats lie twice as close.
	lower, upper, closer := 4*c-2, 4*c+2, 0
	if fraction == 0 {
		lower, closer = 4*c-1, 524031
	}
	k := (exponent*1262611 - closer) >> 22
	power := &tenth[-k]
	h := uint(exponent+(-k*1741647)>>19+1) & 63 // from 1 to 4
	below := roundToOdd(power, lower<<h)
	value := roundToOdd(power, 4*c<<h)
	above := roundToOdd(power, upper<<h)
	// The ends of the interval are read as v when its last bit is even.
	odd := c & 1
	below, above = below+odd, above-odd

	// With a digit less, if exactly one of the two neighbours is in the interval. Which
	// it is, and whether, is as good as random: it is computed and not branched on.
	s := value / 4
	tens := s / 10
	tensIn, nextIn := below <= 40*tens, 40*tens+40 <= above
	if nextIn {
		tens++
	}
	// To the nearest, and to even in the middle between two.
	nearest := s + (value&3+s&1+1)>>2
	digits, scale = nearest, -k
	fewer := tensIn != nextIn
	if fewer {
		digits = tens
	}
	if fewer {
		scale--
	}
	if below <= 4*nearest && 4*nearest <= above || fewer {
		return digits, scale
	}
	// Hardly ever is the nearest not in the interval, and then the other one is.
	if nearest == s {
		return s + 1, scale
	}
	return s, scale
}

// roundToOdd is the upper part of a product of 192 bits; its last bit tells whether
// anything was cut off.
func roundToOdd(power *[2]uint64, n uint64) uint64 {
	carry, _ := bits.Mul64(power[1], n)
	high, low := bits.Mul64(power[0], n)
	low, over := bits.Add64(low, carry, 0)
	high += over
	if low > 1 {
		high |= 1
	}
	return high
}

package contracts

import (
	"math/bits"

	"github.com/apache/arrow/go/v17/arrow/decimal128"
	"github.com/apache/arrow/go/v17/arrow/decimal256"
)

const (
	wordDigits = 19 // decimal digits that always fit into 64 bits
	wordPower  = 10_000_000_000_000_000_000
)

// appendDecimal128 appends all digits of a decimal, with as many after the point as its
// scale says. The Arrow library's own way goes through arbitrary precision, with some ten
// allocations a cell.
func appendDecimal128(dst []byte, n decimal128.Num, scale int) []byte {
	high, low := uint64(n.HighBits()), n.LowBits()
	if n.Sign() < 0 {
		dst = append(dst, '-')
		var borrow uint64
		low, borrow = bits.Sub64(0, low, 0)
		high, _ = bits.Sub64(0, high, borrow)
	}
	// 39 digits are the most that 128 bits can make; those before the first are zeros.
	var digits [wordDigits*2 + 1]byte
	for end := len(digits); end > 0; end -= wordDigits {
		var word uint64
		word, high, low = nextWord(high, low)
		for i := end - 1; i >= max(0, end-wordDigits); i-- {
			digits[i] = byte('0' + word%10)
			word /= 10
		}
	}
	first := 0
	for first < len(digits)-scale-1 && digits[first] == '0' {
		first++
	}
	point := len(digits) - scale
	dst = append(dst, digits[first:point]...)
	if scale > 0 {
		dst = append(append(dst, '.'), digits[point:]...)
	}
	return dst
}

// appendDecimal256 is appendDecimal128 for up to 76 digits. Such columns are rare, so
// this one goes through arbitrary precision; the Arrow library's own text of them was
// seen to be wrong.
func appendDecimal256(dst []byte, n decimal256.Num, scale int) []byte {
	digits := n.BigInt().Append(nil, 10)
	if digits[0] == '-' {
		dst, digits = append(dst, '-'), digits[1:]
	}
	for len(digits) <= scale {
		digits = append([]byte{'0'}, digits...)
	}
	dst = append(dst, digits[:len(digits)-scale]...)
	if scale > 0 {
		dst = append(append(dst, '.'), digits[len(digits)-scale:]...)
	}
	return dst
}

// nextWord takes the last 19 decimal digits off a number of 128 bits.
func nextWord(high, low uint64) (word, restHigh, restLow uint64) {
	restHigh = high / wordPower
	restLow, word = bits.Div64(high%wordPower, low, wordPower)
	return word, restHigh, restLow
}

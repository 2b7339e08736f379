package contracts

import (
	"math"
	"strconv"
)

// exactInteger bounds the integers that float64 tells apart: below it a product and
// a quotient by a power of ten are exact enough to be checked by multiplying back.
const exactInteger = 1e15

// decimalScales are the short decimals tried before the general routine: whole
// numbers, cents, and the six digits that many files carry.
var decimalScales = [...]struct {
	factor float64
	digits int
}{{1, 0}, {1e2, 2}, {1e6, 6}}

// appendFloat appends the shortest decimal that reads back as the same number.
// NaN and the infinities do not exist in JSON and become null.
//
// Measured data mostly has few decimals, for which multiplying, rounding and
// checking is several times faster than the general routine. It is safe: the
// candidate has at most 15 significant digits, and no two such decimals are the
// same float64, so a candidate that divides back to v is the shortest once its
// trailing zeros are gone.
func appendFloat(dst []byte, v float64, bits int) []byte {
	abs := math.Abs(v)
	if v == 0 && math.Signbit(v) {
		return append(dst, "-0.0"...) // -0 is an integer to some readers, which have no such
	}
	if bits == 64 && abs < exactInteger {
		for _, scale := range decimalScales {
			scaled := abs * scale.factor
			if scaled >= exactInteger {
				break
			}
			if n := math.Round(scaled); n/scale.factor == abs {
				if v < 0 {
					dst = append(dst, '-')
				}
				return appendDecimal(dst, uint64(n), scale.digits)
			}
		}
	}
	switch {
	case math.IsNaN(v) || math.IsInf(v, 0):
		return append(dst, "null"...)
	case abs != 0 && (abs < 1e-6 || abs >= 1e21):
		return strconv.AppendFloat(dst, v, 'e', -1, bits)
	}
	return strconv.AppendFloat(dst, v, 'f', -1, bits)
}

// appendDecimal appends n with a decimal point before its last digits, without
// trailing zeros after the point.
func appendDecimal(dst []byte, n uint64, digits int) []byte {
	for digits > 0 && n%10 == 0 {
		n, digits = n/10, digits-1
	}
	if digits == 0 {
		return strconv.AppendUint(dst, n, 10)
	}
	power := uint64(1)
	for range digits {
		power *= 10
	}
	dst = append(strconv.AppendUint(dst, n/power, 10), '.')
	return appendPadded(dst, int64(n%power), digits)
}

package store

import (
	"strconv"
	"strings"
)

// Numeric tells whether one can reckon with values of the type.
func (t Type) Numeric() bool { return t.Float() || t.Decimal() || t.Bits() > 0 }

// Float tells whether the type is a floating number, which may be NaN.
func (t Type) Float() bool { return strings.Contains(t.Name, "Float") }

// Decimal tells whether the type is a decimal number.
func (t Type) Decimal() bool { return t.decimal() }

// Digits are how many digits a Decimal has, and how many of them after the point.
func (t Type) Digits() (precision, scale int) { return t.digits() }

// Bits is how many bits a whole number has, and zero for every other type.
func (t Type) Bits() int {
	bits, found := strings.CutPrefix(strings.TrimPrefix(t.Name, "U"), "Int")
	if !found {
		return 0
	}
	n, _ := strconv.Atoi(bits)
	return n
}

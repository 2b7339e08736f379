package store

import (
	"math/big"
	"net/netip"
	"slices"
	"strings"

	"framehouse/internal/store/sql"
)

// longestList is how many bytes of values one parameter holds. In the URL each may become
// six, of which ClickHouse reads longestValue for a parameter.
const longestList = longestValue / 6

// Lists are the values, which Literal has read, as arrays, so that any number of them takes
// few parameters. A long list is several arrays.
func (t Type) Lists(values []sql.Value) []sql.Array {
	var lists []sql.Array
	length := 0
	for i, v := range values {
		length += len(v.Text) + len("'',")
		if i == 0 || length > longestList {
			lists, length = append(lists, sql.Array{Type: v.Type, Quoted: t.quoted()}), len(v.Text)
		}
		last := &lists[len(lists)-1]
		last.Items = append(last.Items, v.Text)
	}
	return lists
}

// quoted tells whether ClickHouse writes a value of the type in quotes inside of an array.
func (t Type) quoted() bool { return t.Name != "Bool" && !t.Numeric() }

// Compare orders two values that Literal has read, as ClickHouse orders columns of the type.
func (t Type) Compare(a, b sql.Value) int {
	switch {
	case t.Numeric():
		x, _ := new(big.Rat).SetString(a.Text)
		y, _ := new(big.Rat).SetString(b.Text)
		return x.Cmp(y)
	case slices.Contains([]string{"IPv4", "IPv6"}, t.Name):
		x, _ := netip.ParseAddr(a.Text)
		y, _ := netip.ParseAddr(b.Text)
		x16, y16 := x.As16(), y.As16()
		return slices.Compare(x16[:], y16[:])
	}
	// Instants have one layout a type, whose digits stand in the order of their weight.
	return strings.Compare(a.Text, b.Text)
}

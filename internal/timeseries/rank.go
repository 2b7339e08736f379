package timeseries

import (
	"fmt"

	"framehouse/internal/store"
	"framehouse/internal/store/sql"
)

// A rank stands for a number in comparisons with others of its type, and tells the number
// again. With a time it makes a pair, of which ClickHouse finds the least or greatest: one
// whole number of 128 bits where both fit in, which costs it a fifth of comparing tuples.
type rank struct{ store.Type }

func newRank(t store.Type) rank { return rank{t} }

// packed tells whether the rank is an Int64.
func (r rank) packed() bool {
	digits, _ := r.Digits()
	return r.Float() || r.Bits() > 0 && r.Bits() <= 64 || r.Decimal() && digits <= 18
}

// scaled is the type of a decimal of 64 bits.
func (r rank) scaled() sql.Expr {
	_, scale := r.Digits()
	return sql.Text(fmt.Sprintf("'Decimal64(%d)'", scale))
}

// highest is the sign bit of 64.
const highest = sql.Text("toUInt64(9223372036854775808)")

// flipped orders the bits of floats like whole numbers; done twice it undoes itself.
func flipped(bits sql.Expr) sql.Expr {
	return sql.Call("bitXor", bits, sql.Call("bitAnd", sql.Call("bitShiftRight", bits, sql.Text("63")), maxInt64))
}

// of is the rank of a number that is not null.
func (r rank) of(value sql.Expr) sql.Expr {
	switch {
	case !r.packed():
		return value
	case r.Float():
		return flipped(sql.Call("reinterpretAsInt64", sql.Call("toFloat64", value)))
	case r.Name == "UInt64":
		return sql.Call("reinterpretAsInt64", sql.Call("bitXor", value, highest))
	case r.Decimal():
		_, scale := r.Digits()
		return sql.Call("reinterpret", sql.Call("toDecimal64", value, sql.Text(fmt.Sprint(scale))), sql.Text("'Int64'"))
	}
	return sql.Call("toInt64", value)
}

// value is the number of a rank.
func (r rank) value(of sql.Expr) sql.Expr {
	switch {
	case !r.packed():
		return of
	case r.Float():
		double := sql.Call("reinterpretAsFloat64", flipped(of))
		if r.Name == "Float64" {
			return double
		}
		return sql.Call("to"+r.Name, double)
	case r.Name == "UInt64":
		return sql.Call("bitXor", sql.Call("reinterpretAsUInt64", of), highest)
	case r.Decimal():
		return sql.Call("reinterpret", of, r.scaled())
	}
	return sql.Call("to"+r.Name, of)
}

// pair is a time and a rank as one key, of which the least or the greatest is wanted, and
// how to take both from it again.
type pair struct {
	most        string // min or max
	key         sql.Expr
	since, rank func(key sql.Expr) sql.Expr
}

// extremes are the rows that M4 keeps: the first and the last, and those with the least and
// the greatest rank, of which the earliest. They are all told by time and rank.
func (r rank) extremes(since, rank sql.Expr) []pair {
	if !r.packed() {
		negated := func(key sql.Expr) sql.Expr { return sql.Call("negate", second(key)) }
		return []pair{
			{"min", sql.Call("tuple", since, rank), first, second},
			{"max", sql.Call("tuple", since, rank), first, second},
			{"min", sql.Call("tuple", rank, since), second, first},
			{"max", sql.Call("tuple", rank, sql.Call("negate", since)), negated, first},
		}
	}
	// The greatest rank is the least once its bits are turned round. A difference with the
	// time would leave the 128 bits where the rank is the least there is.
	turned := func(key sql.Expr) sql.Expr { return sql.Call("bitNot", above(key)) }
	return []pair{
		{"min", plus(upper(since), rank), above, lower},
		{"max", plus(upper(since), rank), above, lower},
		{"min", plus(upper(rank), since), lower, above},
		{"min", plus(upper(sql.Call("bitNot", rank)), since), lower, turned},
	}
}

func first(key sql.Expr) sql.Expr  { return element(key, 1) }
func second(key sql.Expr) sql.Expr { return element(key, 2) }

// A key of 128 bits is its upper half times 2^64 plus its lower, each with a sign.
func upper(half sql.Expr) sql.Expr {
	return sql.Call("bitShiftLeft", sql.Call("toInt128", half), sql.Text("64"))
}
func lower(key sql.Expr) sql.Expr { return sql.Call("toInt64", key) } // which drops the rest
func above(key sql.Expr) sql.Expr {
	return sql.Call("toInt64", sql.Call("bitShiftRight", minus(key, lower(key)), sql.Text("64")))
}

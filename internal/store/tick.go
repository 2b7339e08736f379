package store

import (
	"fmt"
	"strings"
	"time"

	"framehouse/internal/store/sql"
)

// A tick is the least that a temporal type can tell apart: a day, a second, or a part of
// one. Times are reckoned with as whole numbers of ticks since 1970, which no calendar of
// ClickHouse's has a part in.

// Reach is the tick of a temporal type, and the first and last time that it holds.
func (t Type) Reach() (tick time.Duration, first, last time.Time) {
	c := t.clock()
	return c.unit, c.first, c.last
}

// Ticks is a column of the type in ticks since 1970, an Int64. A column that is of another
// temporal type by now has the ticks of this one; one that is of this type is left as it is,
// also beyond what the type is said to hold, which takes no time.
func (t Type) Ticks(column sql.Expr) sql.Expr {
	typ := strings.ReplaceAll(t.Bare(), "'", `\'`)
	if t.Nullable {
		typ = "Nullable(" + typ + ")"
	}
	column = sql.Call("CAST", column, sql.Text("'"+typ+"'"))
	if t.Name == "DateTime64" {
		return sql.Call("reinterpretAsInt64", column)
	}
	return sql.Call("toInt64", column)
}

// FromTicks is the time of a number of ticks, as a column of type Widened.
func (t Type) FromTicks(ticks sql.Expr) sql.Expr {
	if t.date() {
		return sql.Call("addDays", sql.Text("toDate32('1970-01-01')"), ticks)
	}
	return sql.Call("reinterpret", ticks, sql.Text(fmt.Sprintf(`'DateTime64(%d, \'UTC\')'`, t.Precision())))
}

// Widened is the type with the same tick that reaches back to 1900: the start of a week
// or a year may lie before the first time that the type itself holds.
func (t Type) Widened() Type {
	w := Type{Name: "Date32", text: "Date32"}
	if !t.date() {
		w = Type{Name: "DateTime64", Args: []string{fmt.Sprint(t.Precision()), "'UTC'"}}
		w.text = w.Bare()
	}
	return w
}

func (t Type) date() bool { return t.Name == "Date" || t.Name == "Date32" }

package store

import (
	"fmt"
	"math"
	"time"

	"framehouse/internal/store/sql"
)

// clock is what a temporal type can tell apart, and how far it reaches.
type clock struct {
	unit        time.Duration
	unitName    string
	first, last time.Time
	layout      string // as ClickHouse reads it
	typ         string // of a parameter
}

func (t Type) clock() clock {
	day := func(y int, m time.Month, d int) time.Time { return time.Date(y, m, d, 0, 0, 0, 0, time.UTC) }
	switch t.Name {
	case "Date":
		return clock{24 * time.Hour, "days", day(1970, 1, 1), day(2149, 6, 6), time.DateOnly, "Date"}
	case "Date32":
		return clock{24 * time.Hour, "days", day(1900, 1, 1), day(2299, 12, 31), time.DateOnly, "Date32"}
	case "DateTime":
		return clock{time.Second, "seconds", day(1970, 1, 1), time.Unix(math.MaxUint32, 0).UTC(), time.DateTime, "DateTime('UTC')"}
	}
	p := t.Precision()
	c := clock{
		unit:     time.Second,
		unitName: fmt.Sprintf("%d digits after the second", p),
		first:    day(1900, 1, 1),
		last:     day(2300, 1, 1),
		layout:   time.DateTime,
		typ:      fmt.Sprintf("DateTime64(%d, 'UTC')", p),
	}
	for range p {
		c.unit /= 10
	}
	if p > 0 {
		c.layout += "." + "000000000"[:p]
	}
	if p == 9 {
		// Nanoseconds since 1970 in 64 bits end here.
		c.last = time.Unix(0, math.MaxInt64).UTC()
	}
	c.last = c.floor(c.last.Add(-1))
	return c
}

// floor rounds down to what the clock can tell apart. Truncate counts from the year 1,
// with which whole days, seconds and their decimal parts are aligned.
func (c clock) floor(instant time.Time) time.Time { return instant.UTC().Truncate(c.unit) }

// Bound compares a temporal column with an instant that may be finer than the column
// or beyond its reach. The instant is rounded so that the comparison means the same;
// never the column, which would keep ClickHouse from using its primary key. A nil
// result means that every row satisfies the comparison; the operator is one of >, >=,
// <, <=.
func (t Type) Bound(column sql.Expr, operator string, instant time.Time) sql.Expr {
	c := t.clock()
	value := c.floor(instant)
	// Between two ticks: what lies after the instant begins at the next tick, what lies
	// before it ends with this one.
	if !value.Equal(instant) {
		operator = map[string]string{">": ">", ">=": ">", "<": "<=", "<=": "<="}[operator]
	}
	lower := operator[0] == '>'
	switch {
	case value.Before(c.first) && lower, value.After(c.last) && !lower:
		return nil
	case value.Before(c.first) || value.After(c.last):
		return sql.Text("0")
	}
	return sql.Compare{Left: column, Operator: operator, Right: sql.Value{Type: c.typ, Text: value.Format(c.layout)}}
}

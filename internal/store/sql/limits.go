package sql

import (
	"cmp"
	"time"
)

// Limits bound what ClickHouse may spend on a statement. A zero leaves a limit to whoever runs
// the statement, and Unlimited says that there is none.
type Limits struct {
	Time   time.Duration
	Memory int64 // bytes
	Rows   int64 // that are read
	Bytes  int64 // that are read, uncompressed
}

// Unlimited is a limit that is none. There is always one of time, without which nobody could
// tell a ClickHouse that works from one that is away.
const Unlimited = -1

// Or are the limits, with those of others where there is no word on one.
func (l Limits) Or(others Limits) Limits {
	return Limits{
		Time: cmp.Or(l.Time, others.Time), Memory: cmp.Or(l.Memory, others.Memory),
		Rows: cmp.Or(l.Rows, others.Rows), Bytes: cmp.Or(l.Bytes, others.Bytes),
	}
}

// limits are those of the table that the statement is about: the one that it reads from,
// however deep inside. What it looks up elsewhere, in joins and conditions, goes by them too.
func (s Select) limits() Limits {
	if inner, ok := s.From.(Select); ok {
		return s.Limits.Or(inner.limits())
	}
	return s.Limits
}

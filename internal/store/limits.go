package store

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/ClickHouse/clickhouse-go/v2"

	"framehouse/internal/contracts"
	"framehouse/internal/store/sql"
)

// The settings that are limits of a query. What happens at one is pinned: an error.
const (
	maxExecutionTime = "max_execution_time"
	maxMemoryUsage   = "max_memory_usage"
	maxRowsToRead    = "max_rows_to_read"
	maxBytesToRead   = "max_bytes_to_read"
)

var limitSettings = []string{maxExecutionTime, maxMemoryUsage, maxRowsToRead, maxBytesToRead}

// Limits are those that a query of the statement has: its own, and else the Store's.
func (s *Store) Limits(statement sql.Statement) sql.Limits {
	return statement.Limits.Or(s.cfg.Limits)
}

// limits are those of a statement that is asked for in a format. Of our own small questions
// only time is bounded: what they read is not the clients' to narrow.
func (s *Store) limits(format string, statement sql.Statement) sql.Limits {
	if format == smallFormat {
		return sql.Limits{Time: s.cfg.QueryTimeout}
	}
	return s.Limits(statement)
}

// limit writes limits for a URL. Where there is none of ours, that of the user's profile
// holds, and where the user may not go as high, the highest that it may.
func (s *readSettings) limit(b *strings.Builder, limits sql.Limits) {
	for i, value := range [...]float64{limits.Time.Seconds(), float64(limits.Memory), float64(limits.Rows), float64(limits.Bytes)} {
		name := limitSettings[i]
		if value <= 0 || s.values[name] == nil {
			continue
		}
		if most, ok := s.most[name]; ok {
			value = min(value, most)
		}
		b.WriteString("&" + name + "=" + strconv.FormatFloat(value, 'f', -1, 64))
	}
}

// tooExpensive is a query that ClickHouse stopped at a limit.
func tooExpensive(exception *clickhouse.Exception, limits sql.Limits) error {
	// The limit is named by its value, unless it is one of the user's profile.
	allowed := func(limit int64, shown fmt.Stringer) string {
		if limit <= 0 {
			return "is allowed"
		}
		return "the " + shown.String() + " that are allowed"
	}
	var what, hint string
	switch exception.Code {
	case timeoutExceeded, tooSlow:
		what = "take longer than " + allowed(int64(limits.Time), limits.Time)
		hint = "Narrow the range, add a filter, or ask for larger groups or buckets."
	case memoryLimitExceeded:
		what = "need more memory than " + allowed(limits.Memory, sql.Size(limits.Memory))
		hint = "Narrow the range, select fewer columns, or ask for fewer groups or another order."
	case tooManyBytes:
		what = "read more data than " + allowed(limits.Bytes, sql.Size(limits.Bytes))
		hint = "Narrow the range, add a filter on a column of the key, or select fewer columns."
	case tooManyRows:
		if strings.Contains(exception.Message, "GROUP BY") {
			what = "make more groups than are allowed"
			hint = "Narrow the range, add a filter, or group by fewer columns."
			break
		}
		what = "read more rows than " + allowed(limits.Rows, grouped(limits.Rows))
		hint = "Narrow the range, or add a filter on a column of the key."
	default:
		what = "cost more time or memory than is allowed"
		hint = "Narrow the range, add a filter, or select fewer columns."
	}
	return &contracts.Error{
		Code:   contracts.CodeQueryTooExpensive,
		Detail: "The query would " + what + ".",
		Issues: []contracts.Issue{{Message: "the query was stopped at a limit: it would " + what, Hint: hint}},
		Cause:  brief(exception),
	}
}

// grouped is a number that people read.
type grouped int64

func (g grouped) String() string {
	text := strconv.FormatInt(int64(g), 10)
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}

package main

import (
	"cmp"
	"errors"
	"fmt"
	"runtime"
	"time"

	"framehouse/internal/fair"
	"framehouse/internal/store"
	"framehouse/internal/store/sql"
)

// limitFlags protect a ClickHouse, and its users from each other.
type limitFlags struct {
	QueryTimeout   time.Duration `default:"30s" help:"How long ClickHouse may work on one query (${default}). This and the next three hold unless limits of a table in the catalog say otherwise."`
	MaxQueryMemory sql.Size      `placeholder:"SIZE" help:"Memory that ClickHouse may take for one query, such as 2GB (no limit)."`
	MaxQueryRows   int64         `placeholder:"ROWS" help:"Rows that ClickHouse may read for one query (no limit)."`
	MaxQueryBytes  sql.Size      `placeholder:"SIZE" help:"Uncompressed data that ClickHouse may read for one query, such as 10GB (no limit)."`
	MaxQueries     int           `placeholder:"N" help:"Queries that ClickHouse works on at once: others wait, and callers take turns (32 with --clickhouse; else 8, or twice the cores of this machine if that is more)."`
	QueueTimeout   time.Duration `default:"5s" help:"How long a query may wait for its turn before it is refused with 429 (${default})."`
}

// mostQueries is more than a ClickHouse works on at once to any good; by itself it refuses
// more than 100 of a user, or 1,000.
const mostQueries = 1000

func (f *limitFlags) check() error {
	switch {
	case f.QueryTimeout <= 0:
		return usageError{errors.New("--query-timeout must be longer than nothing, such as 30s")}
	case f.QueueTimeout <= 0:
		return usageError{errors.New("--queue-timeout must be longer than nothing, such as 5s")}
	case f.MaxQueries < 0 || f.MaxQueries > mostQueries:
		return usageError{fmt.Errorf("--max-queries is %d; it must lie between 1 and %d", f.MaxQueries, mostQueries)}
	case f.MaxQueryRows < 0:
		return usageError{fmt.Errorf("--max-query-rows is %d; write a number above zero, or leave it out for no limit", f.MaxQueryRows)}
	}
	return nil
}

func (f *limitFlags) queryLimits() sql.Limits {
	return sql.Limits{Memory: int64(f.MaxQueryMemory), Rows: f.MaxQueryRows, Bytes: int64(f.MaxQueryBytes)}
}

// What the queue has room for. In five seconds a ClickHouse of two cores answers some 2,000
// small queries, so that a thousand who wait may all have their turn in time; each costs a
// connection and some 30 KB. No caller has more than half of it.
const (
	mostWaiting         = 1000
	mostWaitingOfOne    = mostWaiting / 2
	defaultQueueTimeout = 5 * time.Second
)

// How many queries go on at once, unless it is said. On two cores, 2, 4, 8, 16 and 32 of them
// answered as many small requests (docs/performance.md), while each takes memory; eight leave
// room beside those that wait for a slow client. Of a ClickHouse elsewhere the cores are not
// known, and part of the time goes into the way there.
const (
	fewestQueries    = 8
	queriesElsewhere = 32
)

func (c Config) maxQueries(server store.Server) int {
	switch {
	case c.MaxQueries > 0:
		return c.MaxQueries
	case server.Local:
		return max(fewestQueries, 2*runtime.GOMAXPROCS(0))
	}
	return queriesElsewhere
}

// store configures a Store for a server.
func (c Config) store(server store.Server) store.Config {
	return store.Config{
		Server: server, QueryTimeout: c.QueryTimeout, Limits: c.QueryLimits, Logger: c.Logger,
		Queries: fair.New(fair.Config{
			Slots:        c.maxQueries(server),
			Waiting:      mostWaiting,
			WaitingOfOne: mostWaitingOfOne,
			Timeout:      cmp.Or(c.QueueTimeout, defaultQueueTimeout),
		}),
	}
}

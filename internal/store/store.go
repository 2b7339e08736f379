// Package store is the only package that knows ClickHouse. It opens a connection to
// one, whether a child process of ours or a server elsewhere, runs statements there,
// and says in our own words what went wrong.
//
// Answers come as Arrow record batches, while ClickHouse still produces them: memory
// does not grow with an answer. An answer that ends is complete; every other way for
// it to stop is an error.
package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"framehouse/internal/fair"
	"framehouse/internal/store/sql"
)

// Config says how a Store reads.
type Config struct {
	// Server is where ClickHouse is.
	Server Server
	// QueryTimeout bounds the time that ClickHouse works on one query; zero means
	// DefaultQueryTimeout.
	QueryTimeout time.Duration
	// Limits bound what ClickHouse spends on a query that says nothing of its own; those that
	// are zero, and Limits.Time, which is QueryTimeout, are none.
	Limits sql.Limits
	// Queries bounds the queries under way, and says whose turn it is; nil lets all through.
	// Our own small questions, such as for a version or a size, never wait.
	Queries *fair.Queue
	// Logger receives what an operator should know; nil discards it.
	Logger *slog.Logger
}

// DefaultQueryTimeout is what dashboards wait for at most: Command Center gives up a
// request after 30 seconds.
const DefaultQueryTimeout = 30 * time.Second

// maxConnections bounds the statements under way at once. A connection costs next to
// nothing while idle; ClickHouse itself refuses more than 100 by default.
const maxConnections = 96

const smallConnections = 4

// Store reads from and writes to one ClickHouse.
type Store struct {
	cfg  Config
	conn driver.Conn
	// small is for questions of our own with small answers. Requests that hold all other
	// connections must not make ClickHouse look as if it were away.
	small driver.Conn

	// settings are what reads are sent with; nil until the server was asked what it knows
	// and allows, which the holder of contact does.
	settings atomic.Pointer[readSettings]
	contact  chan struct{}
}

// Open returns a Store for the server of cfg. It does not wait for the server: one that
// cannot be reached is an error of each query, for as long as it lasts.
func Open(cfg Config) (*Store, error) {
	if cfg.QueryTimeout == 0 {
		cfg.QueryTimeout = DefaultQueryTimeout
	}
	cfg.Limits.Time = cfg.QueryTimeout
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	options := cfg.Server.options()
	if cfg.Queries != nil {
		// A request with a place may do a second query at the same time.
		options.MaxOpenConns = max(maxConnections, 2*cfg.Queries.Slots())
		options.MaxIdleConns = options.MaxOpenConns
	}
	conn, err := clickhouse.Open(options)
	if err != nil {
		return nil, err
	}
	options = cfg.Server.options()
	options.MaxOpenConns, options.MaxIdleConns = smallConnections, smallConnections
	small, err := clickhouse.Open(options)
	if err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return &Store{cfg: cfg, conn: conn, small: small, contact: make(chan struct{}, 1)}, nil
}

// Close ends the connections. Queries under way fail.
func (s *Store) Close() error { return errors.Join(s.conn.Close(), s.small.Close()) }

// Database is the database that unqualified names belong to.
func (s *Store) Database() string { return s.cfg.Server.Database }

// Ping tells whether ClickHouse answers, and its version.
func (s *Store) Ping(ctx context.Context) (version string, err error) {
	rows, err := selectRows[struct {
		Version string `json:"version"`
	}](ctx, s, "SELECT version() AS version")
	if err != nil {
		return "", err
	}
	if len(rows) != 1 {
		return "", fmt.Errorf("version of ClickHouse: %d rows", len(rows))
	}
	return rows[0].Version, nil
}

// Exec runs a statement that answers nothing, such as DDL.
func (s *Store) Exec(ctx context.Context, text string) error {
	if err := s.conn.Exec(ctx, text); err != nil {
		return explain(err)
	}
	return nil
}

// Insert runs an INSERT statement with data that is already in a format of ClickHouse's,
// and returns when all of it is stored.
func (s *Store) Insert(ctx context.Context, text, format string, data io.Reader) error {
	if err := s.conn.InsertFormat(ctx, format, text, data); err != nil {
		return explain(err)
	}
	return nil
}

package catalog

import (
	"context"
	"log/slog"
	"slices"
	"sync/atomic"
	"time"

	"framehouse/internal/contracts"
)

// Live is the catalog that is served now. ClickHouse may be away when the server starts,
// and its tables may change at any time, so the catalog is held against it again and again.
type Live struct {
	name    string
	content []byte
	db      Database
	logger  *slog.Logger
	current atomic.Pointer[Catalog]

	// The pauses between loads: while there is no catalog at all, and afterwards.
	retryUnloaded, reload time.Duration
}

// reloadPause is how long a change of a table in ClickHouse may go unseen; asking costs
// ClickHouse two small questions.
const reloadPause = 5 * time.Second

// NewLive returns the catalog in content, not yet loaded. name is what faults call it.
func NewLive(name string, content []byte, db Database, logger *slog.Logger) *Live {
	return &Live{
		name: name, content: content, db: db, logger: logger,
		retryUnloaded: time.Second, reload: reloadPause,
	}
}

// Current is the catalog as it was last loaded; before that it is unavailable.
func (l *Live) Current() (*Catalog, error) {
	if c := l.current.Load(); c != nil {
		return c, nil
	}
	return nil, &contracts.Error{
		Code:       contracts.CodeUnavailable,
		Detail:     "The catalog is not loaded yet, since ClickHouse cannot be reached.",
		RetryAfter: l.retryUnloaded,
	}
}

// Load loads the catalog now. When it can't be, the one before stays.
func (l *Live) Load(ctx context.Context) error {
	c, err := Load(ctx, l.name, l.content, l.db)
	if err != nil {
		return err
	}
	before := l.current.Swap(c)
	if before == nil || !slices.Equal(before.Faults, c.Faults) {
		for _, f := range c.Faults {
			l.logger.Warn("catalog entry is not served", "fault", f.String())
		}
		l.logger.Info("catalog loaded", "tables", len(c.Tables), "nodes", len(c.Nodes), "faults", len(c.Faults))
	}
	return nil
}

// Run loads the catalog again and again until ctx ends.
func (l *Live) Run(ctx context.Context) {
	for {
		pause := l.reload
		if l.current.Load() == nil {
			pause = l.retryUnloaded
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause):
		}
		// What is away is said by /ready and by each request; only its beginning is news.
		if err := l.Load(ctx); err != nil && ctx.Err() == nil {
			l.logger.Debug("catalog cannot be loaded; trying again", "error", err)
		}
	}
}

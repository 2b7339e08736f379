package catalog

import (
	"context"
	"log/slog"
	"slices"
	"sync/atomic"
	"time"

	"framehouse/internal/contracts"
)

// Live is the catalog that is served now. ClickHouse may be away when the server
// starts, and a table that an entry needs may be made later, so the catalog is loaded
// again until nothing is wrong with it.
type Live struct {
	name    string
	content []byte
	db      Database
	logger  *slog.Logger
	current atomic.Pointer[Catalog]

	// The pauses between loads: short while there is no catalog at all, longer while some
	// entry of it is faulty.
	retryUnloaded, retryFaulty time.Duration
}

// NewLive returns the catalog in content, not yet loaded. name is what faults call it.
func NewLive(name string, content []byte, db Database, logger *slog.Logger) *Live {
	return &Live{
		name: name, content: content, db: db, logger: logger,
		retryUnloaded: time.Second, retryFaulty: 15 * time.Second,
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

// Run loads the catalog again until it is there and without faults, or ctx ends.
func (l *Live) Run(ctx context.Context) {
	for {
		pause := l.retryUnloaded
		if c := l.current.Load(); c != nil {
			if len(c.Faults) == 0 {
				return
			}
			pause = l.retryFaulty
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause):
		}
		if err := l.Load(ctx); err != nil && ctx.Err() == nil {
			l.logger.Warn("catalog cannot be loaded; trying again", "error", err)
		}
	}
}

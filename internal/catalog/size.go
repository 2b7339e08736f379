package catalog

import (
	"context"
	"time"

	"framehouse/internal/contracts"
	"framehouse/internal/store"
	"framehouse/internal/store/sql"
)

// sizeAge is how old a size may be that is given out. Sizes accompany frames, and a
// dashboard fetches many frames at one moment; one question serves them all.
const sizeAge = 2 * time.Second

const sizeTimeout = 5 * time.Second

// Sizes remembers the sizes of the published tables for a moment.
type Sizes struct {
	live *Live
	db   interface {
		Sizes(context.Context, []sql.Table) (map[sql.Table]store.Size, error)
	}

	asking chan struct{} // held by whoever asks; guards what follows
	asked  time.Time
	sizes  map[sql.Table]store.Size
}

// NewSizes returns the sizes of what live publishes.
func NewSizes(live *Live, db *store.Store) *Sizes {
	return &Sizes{live: live, db: db, asking: make(chan struct{}, 1)}
}

// Of returns the size of a table; ok is false when ClickHouse does not know it.
func (s *Sizes) Of(ctx context.Context, table *Table) (size store.Size, ok bool, err error) {
	// Others wait for the answer, so neither it nor the waiting may take long.
	limited, cancel := context.WithTimeout(ctx, sizeTimeout)
	defer cancel()
	select {
	case s.asking <- struct{}{}:
		defer func() { <-s.asking }()
	case <-limited.Done():
		return store.Size{}, false, waited(ctx)
	}
	if time.Since(s.asked) > sizeAge {
		c, err := s.live.Current()
		if err != nil {
			return store.Size{}, false, err
		}
		sizes, err := s.db.Sizes(limited, c.sources())
		// A user who may not read system.parts learns no sizes, which are an extra.
		if e := contracts.AsError(err); err != nil && e.Code != contracts.CodeInternal {
			return store.Size{}, false, err
		}
		s.sizes, s.asked = sizes, time.Now()
	}
	size, ok = s.sizes[table.Source]
	return size, ok, nil
}

// waited is why a wait ended without an answer: the client left, or ClickHouse is silent.
func waited(client context.Context) error {
	if err := client.Err(); err == context.Canceled {
		return &contracts.Error{Code: contracts.CodeCanceled, Detail: "The client closed the request.", Cause: err}
	}
	return &contracts.Error{Code: contracts.CodeUnavailable, Detail: "ClickHouse did not answer in time.", RetryAfter: sizeTimeout}
}

func (c *Catalog) sources() []sql.Table {
	var sources []sql.Table
	for _, t := range c.Tables {
		sources = append(sources, t.Source)
	}
	for _, n := range c.Nodes {
		sources = append(sources, n.Source)
	}
	return sources
}

// FrameSource describes the table as the source of a frame.
func (s *Sizes) FrameSource(ctx context.Context, table *Table) (contracts.Source, error) {
	source := contracts.Source{Kind: "clickhouse", ID: table.Name, Label: table.Label}
	size, ok, err := s.Of(ctx, table)
	if err != nil {
		return source, err
	}
	if ok {
		source.UpdatedAtMs = size.UpdatedAt.UnixMilli()
	}
	return source, nil
}

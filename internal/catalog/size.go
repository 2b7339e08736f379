package catalog

import (
	"context"
	"crypto/rand"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"framehouse/internal/contracts"
	"framehouse/internal/store"
	"framehouse/internal/store/sql"
)

// sizeAge is how old a size, or a version, may be that is given out. Sizes accompany frames,
// and a dashboard fetches many frames at one moment; one question serves them all. What is
// written through us is seen at once all the same: see Changed.
const sizeAge = time.Second

const sizeTimeout = 5 * time.Second

// Sizes remembers the sizes and versions of the published tables for a moment.
type Sizes struct {
	live *Live
	db   interface {
		Sizes(context.Context, []sql.Table) (map[sql.Table]store.Size, error)
		Mark(context.Context, sql.Table, []string) (string, error)
	}
	timed interface {
		Parts(context.Context, sql.Table) (store.Parts, error)
		Reaches(ctx context.Context, table sql.Table, column sql.Ref, typ store.Type, names []string) (reaches map[string]store.Reach, of string, err error)
	}
	// writes counts the writes through us. What was asked before one is not given out after it.
	writes atomic.Int64
	sizes  *remembered[map[sql.Table]store.Size]
	pasts  map[sql.Table]*past // of the versions in sizes; of whoever asks for these

	mu    sync.Mutex
	marks map[sql.Table]*remembered[string] // of the tables whose catalog entries name a version
	read  map[sql.Table]time.Time           // when tables were read; see Follow
	parts map[dividedKey]*divided

	looking atomic.Bool // whether times of many rows are being looked up
}

// NewSizes returns the sizes of what live publishes.
func NewSizes(live *Live, db *store.Store) *Sizes {
	return &Sizes{
		live: live, db: db, timed: db, sizes: newRemembered[map[sql.Table]store.Size](), pasts: map[sql.Table]*past{},
		marks: map[sql.Table]*remembered[string]{}, read: map[sql.Table]time.Time{}, parts: map[dividedKey]*divided{},
	}
}

// Changed says that a table was written, so that nothing older is given out.
func (s *Sizes) Changed() { s.writes.Add(1) }

// Of returns the size of a table; ok is false when ClickHouse does not know it.
func (s *Sizes) Of(ctx context.Context, table *Table) (size store.Size, ok bool, err error) {
	sizes, err := s.all(ctx)
	size = sizes[table.Source]
	return size, size.Known, err
}

// all are the sizes that are given out now.
func (s *Sizes) all(ctx context.Context) (map[sql.Table]store.Size, error) {
	return s.sizes.get(ctx, time.Time{}, s.writes.Load, func(ctx context.Context) (map[sql.Table]store.Size, error) {
		c, err := s.live.Current()
		if err != nil {
			return nil, err
		}
		sizes, err := s.db.Sizes(ctx, c.sources())
		for table, past := range s.pasts {
			if err == nil && sizes[table].Version == "" {
				past.last = "" // what was, comes back as another
			}
		}
		for table, size := range sizes {
			if size.Version != "" {
				size.Version = s.past(table).tell(size.Version)
				sizes[table] = size
			}
		}
		return sizes, extra(err)
	})
}

// Version is one text for all of the tables: another one when what is read of any of them
// may have changed. It is not known when that of one of them is not. With a period, of its
// node's table nothing else is read.
func (s *Sizes) Version(ctx context.Context, tables []sql.Table, period *Period) (version string, known bool, err error) {
	c, err := s.live.Current()
	if err != nil || len(tables) == 0 {
		return "", false, err
	}
	within, table, err := s.within(ctx, period)
	if err != nil {
		return "", false, err
	}
	sizes, err := s.all(ctx)
	if err != nil {
		return "", false, err
	}
	var b strings.Builder
	for _, t := range tables {
		of, marks := sizes[t].Version, c.marks[t]
		switch {
		case slices.Contains(c.uncached, t):
			of = ""
		case t == table && within.Version != "":
			of = within.Version
		case len(marks) > 0:
			m := s.mark(t, marks)
			if of, err = m.get(ctx, time.Time{}, s.writes.Load, func(ctx context.Context) (string, error) {
				mark, err := s.db.Mark(ctx, t, marks)
				if mark != "" {
					mark = m.past.tell(mark)
				}
				return mark, extra(err)
			}); err != nil {
				return "", false, err
			}
			if of != "" {
				of += "\x00" + sizes[t].Definition // another view of the same rows
			}
		case slices.Contains(c.computed, t):
			of = ""
		}
		if of == "" {
			return "", false, nil
		}
		b.WriteString(t.Database + "\x00" + t.Name + "\x00" + of + "\x00")
	}
	return b.String(), true, nil
}

// mark is what is remembered of the columns that tell when a table changes.
func (s *Sizes) mark(t sql.Table, columns []string) *remembered[string] {
	s.mu.Lock()
	defer s.mu.Unlock()
	m := s.marks[t]
	if m == nil || !slices.Equal(m.of, columns) {
		m = newRemembered[string]()
		m.of = columns
		s.marks[t] = m
	}
	return m
}

func (s *Sizes) past(t sql.Table) *past {
	if s.pasts[t] == nil {
		s.pasts[t] = &past{}
	}
	return s.pasts[t]
}

// past is which versions a table has had. An answer that is read while a table changes may
// be newer than the version that it goes by. That does no harm as long as this version does
// not come back; when it does, it is given out as another. What comes and goes between two
// questions is not seen: rows that are inserted into a partition, read, and dropped with it
// within a second may be given out again.
type past struct {
	last, told string
	seen       map[string]bool
	forgot     bool // there were too many to remember
}

// mostSeen bounds what is remembered of a table to some 300 KB.
const mostSeen = 4096

// tell is what is given out for a version that was just asked for.
func (p *past) tell(version string) string {
	if version == p.last {
		return p.told
	}
	p.last, p.told = version, version
	if p.forgot || p.seen[version] {
		p.told += rand.Text()
	}
	if len(p.seen) == mostSeen {
		p.seen, p.forgot = nil, true
	}
	if p.seen == nil {
		p.seen = map[string]bool{}
	}
	if !p.forgot {
		p.seen[version] = true
	}
	return p.told
}

// extra lets what is a mere extra be missing: to a user who may not read system.parts, or where
// ClickHouse stops the question at a limit, there are neither sizes nor versions. That ClickHouse
// is away is no such thing.
func extra(err error) error {
	if err == nil {
		return nil
	}
	switch contracts.AsError(err).Code {
	case contracts.CodeInternal, contracts.CodeQueryTooExpensive:
		return nil
	}
	return err
}

// remembered is an answer of ClickHouse that is given out for sizeAge.
type remembered[A any] struct {
	of     []string
	past   past // of what is a version
	answer atomic.Pointer[answered[A]]
	asking chan struct{} // held by whoever asks
}

type answered[A any] struct {
	answer A
	asked  time.Time // since when it is known to have been true
	came   time.Time // what is asked from then on is at least as new
	writes int64     // before it was asked for
}

func newRemembered[A any]() *remembered[A] { return &remembered[A]{asking: make(chan struct{}, 1)} }

// fresh is the answer if no write came after it and it is not too old, or was asked for since
// the caller came: what ClickHouse takes to answer makes it older for those who come meanwhile.
func (r *remembered[A]) fresh(writes int64, came time.Time) *answered[A] {
	if a := r.answer.Load(); a != nil && a.writes == writes && (time.Since(a.asked) < sizeAge || !a.asked.Before(came)) {
		return a
	}
	return nil
}

// get is the answer, one that was asked for since then.
func (r *remembered[A]) get(ctx context.Context, since time.Time, writes func() int64, ask func(context.Context) (A, error)) (A, error) {
	var none A
	came := time.Now()
	if a := r.fresh(writes(), came); a != nil && !a.asked.Before(since) {
		if came.Sub(a.asked) > askAgain {
			r.ahead(ctx, writes, ask)
		}
		return a.answer, nil
	}
	// Others wait for the answer, so neither it nor the waiting may take long.
	limited, cancel := context.WithTimeout(ctx, sizeTimeout)
	defer cancel()
	select {
	case r.asking <- struct{}{}:
		defer func() { <-r.asking }()
	case <-limited.Done():
		return none, waited(ctx)
	}
	before, asked := writes(), time.Now()
	if a := r.fresh(before, came); a != nil && !a.asked.Before(since) {
		return a.answer, nil
	}
	answer, err := ask(limited)
	if err != nil {
		return none, err
	}
	// A write that ended meanwhile has another number, so that this is not given out after it.
	r.answer.Store(&answered[A]{answer, asked, time.Now(), before})
	return answer, nil
}

// askAgain is the age from which an answer is asked for again before it is too old, so that
// nobody waits for the next as long as somebody asks all the time.
const askAgain = sizeAge * 3 / 4

// ahead asks for the next answer, unless somebody does. What goes wrong is told to who asks
// when this one is too old.
func (r *remembered[A]) ahead(ctx context.Context, writes func() int64, ask func(context.Context) (A, error)) {
	select {
	case r.asking <- struct{}{}:
	default:
		return
	}
	detached, cancel := context.WithTimeout(context.WithoutCancel(ctx), sizeTimeout)
	go func() {
		defer func() { cancel(); <-r.asking }()
		before, asked := writes(), time.Now()
		if answer, err := ask(detached); err == nil {
			r.answer.Store(&answered[A]{answer, asked, time.Now(), before})
		}
	}()
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
	for _, t := range c.every() {
		sources = append(sources, t.Source)
	}
	return sources
}

// every are the tables, and those of the nodes.
func (c *Catalog) every() []*Table {
	tables := slices.Clone(c.Tables)
	for _, n := range c.Nodes {
		tables = append(tables, &n.Table)
	}
	return tables
}

// FrameSource describes the table as the source of a frame. With a period, of a node, it is
// about the rows of that.
func (s *Sizes) FrameSource(ctx context.Context, table *Table, period *Period) (contracts.Source, error) {
	source := contracts.Source{Kind: "clickhouse", ID: table.Name, Label: table.Label}
	size, ok, err := s.Of(ctx, table)
	if err != nil {
		return source, err
	}
	if ok {
		source.UpdatedAtMs = size.UpdatedAt.UnixMilli()
	}
	within, _, err := s.within(ctx, period)
	if !within.UpdatedAt.IsZero() {
		source.UpdatedAtMs = within.UpdatedAt.UnixMilli()
	}
	return source, err
}

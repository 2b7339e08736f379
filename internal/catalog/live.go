package catalog

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"framehouse/internal/contracts"
)

// Live is the catalog that is served now. ClickHouse may be away when the server starts,
// its tables may change at any time, and so may the catalog file: both are read again and
// again. A request keeps the catalog that it began with.
//
// An edit is never worse than the one before it: a faulty entry is served in its version
// before the edit, and a file that is no YAML leaves the whole catalog as it was.
type Live struct {
	name    string
	db      Database
	logger  *slog.Logger
	current atomic.Pointer[Catalog]
	again   chan struct{} // asks Run to read everything now

	path  string                                    // of the file to follow; empty when there is none
	draft func(ctx context.Context) ([]byte, error) // writes the catalog anew for each load, if not nil

	loading sync.Mutex // guards what follows
	content []byte     // that was last YAML
	refused *Fault     // why what the file holds now is not in content
	taken   sighting   // of the file, when it was last taken
	seen    sighting   // of the file, when it was last looked at
	served  versions

	// The pauses between loads: while there is no catalog at all, and afterwards; and the one
	// between looks at the file.
	retryUnloaded, reload, look time.Duration
}

// reloadPause is how long a change of a table in ClickHouse may go unseen; asking costs
// ClickHouse two small questions.
const reloadPause = 5 * time.Second

// lookPause is half of how long an edit waits: an edited file is taken when two looks in a
// row see the same, so that one that is half written is not.
const lookPause = 500 * time.Millisecond

// NewLive returns the catalog in content, not yet loaded. name is what faults call it.
func NewLive(name string, content []byte, db Database, logger *slog.Logger) *Live {
	return &Live{
		name: name, content: content, db: db, logger: logger, again: make(chan struct{}, 1),
		retryUnloaded: time.Second, reload: reloadPause, look: lookPause,
	}
}

// NewLiveFile returns the catalog in the file at path, which held content when it was read
// first. Run follows its edits.
func NewLiveFile(path string, content []byte, db Database, logger *slog.Logger) *Live {
	l := NewLive(path, content, db, logger)
	l.path, l.taken = path, sighting{content: content}
	l.seen = l.taken
	return l
}

// NewLiveDatabase returns a catalog of all tables and views of a database, as Init would
// write it. It follows the database.
func NewLiveDatabase(database string, db Explorable, logger *slog.Logger) *Live {
	l := NewLive("database "+database, nil, db, logger)
	l.draft = func(ctx context.Context) ([]byte, error) {
		d, err := Init(ctx, db, database)
		if err != nil {
			return nil, err
		}
		return d.Text, nil
	}
	return l
}

// Current is the catalog as it was last loaded; before that it is unavailable. The same
// pointer is the same catalog, and another one differs.
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
	l.loading.Lock()
	defer l.loading.Unlock()
	return l.load(ctx)
}

func (l *Live) load(ctx context.Context) error {
	if l.draft != nil {
		content, err := l.draft(ctx)
		if err != nil {
			return err
		}
		l.content = content
	}
	f, err := parse(l.name, l.content)
	if err != nil {
		return err
	}
	if l.draft != nil && len(f.tables) == 0 {
		f.faults = []Fault{{File: l.name, Line: 1, Message: "there is no table or view to publish; one that is made is published within seconds"}}
		l.served = nil // it is not the file that hides them
	}
	entries := slices.Concat(f.tables, f.nodes)
	for _, e := range l.served {
		entries = append(entries, e)
	}
	k, err := describe(ctx, l.db, entries)
	if err != nil {
		return err
	}
	var c *Catalog
	c, l.served = k.settle(f, l.served)
	if l.refused != nil {
		c.Faults = append(c.Faults, *l.refused)
	}
	before := l.current.Load()
	if before != nil && reflect.DeepEqual(before, c) {
		return nil
	}
	l.current.Store(c)
	l.tell(before, c)
	return nil
}

// tell writes what is new into the log. What ClickHouse changes about columns is no news.
func (l *Live) tell(before, c *Catalog) {
	var known Catalog
	if before != nil {
		known = *before
	}
	for _, f := range c.Faults {
		if !slices.Contains(known.Faults, f) {
			l.logger.Warn("fault in the catalog", "fault", f.String())
		}
	}
	if before == nil || !slices.Equal(known.Faults, c.Faults) ||
		!slices.Equal(known.TableNames(), c.TableNames()) || !slices.Equal(known.NodeNames(), c.NodeNames()) {
		l.logger.Info("catalog loaded", "tables", len(c.Tables), "nodes", len(c.Nodes), "faults", len(c.Faults))
	}
}

// Reload asks Run to read the file and ClickHouse now, and does not wait for it.
func (l *Live) Reload() {
	select {
	case l.again <- struct{}{}:
	default: // it is about to
	}
}

// Run loads the catalog again and again until ctx ends.
func (l *Live) Run(ctx context.Context) {
	for l.wait(ctx) {
		// What is away is said by /ready and by each request; only its beginning is news.
		if err := l.Load(ctx); err != nil && ctx.Err() == nil {
			l.logger.Debug("catalog cannot be loaded; trying again", "error", err)
		}
	}
}

// wait returns when the catalog is to be loaded again, and tells whether it ever is.
func (l *Live) wait(ctx context.Context) bool {
	pause := l.reload
	if l.current.Load() == nil {
		pause = l.retryUnloaded
	}
	due := time.After(pause)
	look := time.NewTicker(l.look)
	defer look.Stop()
	for {
		select {
		case <-ctx.Done():
			return false
		case <-l.again:
			l.logger.Info("catalog is read again, as asked")
			l.follow(true)
			return true
		case <-due:
			return true
		case <-look.C:
			if l.follow(false) {
				return true
			}
		}
	}
}

// sighting is what a file held, or why it could not be read.
type sighting struct {
	content []byte
	fault   string
}

func (s sighting) equal(other sighting) bool {
	return s.fault == other.fault && bytes.Equal(s.content, other.content)
}

// follow looks at the file, and takes what it holds when that is new and here to stay, or
// at once. It tells whether it did.
func (l *Live) follow(atOnce bool) bool {
	if l.path == "" {
		return false
	}
	l.loading.Lock()
	defer l.loading.Unlock()
	var now sighting
	content, err := os.ReadFile(l.path)
	if err != nil {
		var reason *fs.PathError
		if errors.As(err, &reason) {
			err = reason.Err
		}
		now.fault = "the file cannot be read: " + err.Error()
	} else {
		now.content = content
	}
	settled := atOnce || now.equal(l.seen)
	l.seen = now
	if !settled || now.equal(l.taken) {
		return false
	}
	l.taken = now
	l.refused = nil
	line := 1
	if now.fault == "" {
		if _, err = parse(l.name, now.content); err == nil {
			l.content = now.content
			return true
		}
		now.fault = "this is no YAML: " + strings.TrimPrefix(err.Error(), "catalog "+l.name+": ")
		if m := lineInError.FindStringSubmatch(now.fault); m != nil {
			line, _ = strconv.Atoi(m[1]) // digits
		}
	}
	l.refused = &Fault{File: l.name, Line: line, Message: now.fault + " (until it is mended, everything is served as it was before)"}
	return true
}

var lineInError = regexp.MustCompile(`line (\d+)`)

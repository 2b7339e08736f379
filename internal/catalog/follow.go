package catalog

import (
	"context"
	"time"

	"framehouse/internal/store/sql"
)

// Follow has the versions of tables that were just read asked for once more, though nobody may
// ask again. What was read may be newer than the version that it goes by, and that version may
// come back: when two tables were exchanged and are exchanged again, or the newest row goes.
// It is another one then only if the one in between was seen; see past.
func (s *Sizes) Follow(tables []sql.Table) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.read) == 0 {
		time.AfterFunc(sizeAge, s.follow)
	}
	for _, t := range tables {
		s.read[t] = time.Now()
	}
}

// follow asks for the versions of the tables of which what is known may be from before they
// were read.
func (s *Sizes) follow() {
	for _, t := range s.unseen() {
		// What goes wrong is told to who asks the next time. No table takes the time of another.
		ctx, cancel := context.WithTimeout(context.Background(), sizeTimeout)
		_, _, _ = s.Version(ctx, []sql.Table{t}, nil)
		s.followParts(ctx, t)
		cancel()
	}
}

// followParts does so for the parts of a table, if anybody has asked for them.
func (s *Sizes) followParts(ctx context.Context, t sql.Table) {
	c, err := s.live.Current()
	if err != nil {
		return
	}
	for _, n := range c.Nodes {
		s.mu.Lock()
		d := s.parts[n.divides()]
		s.mu.Unlock()
		if n.Source != t || d == nil {
			continue
		}
		if parts, err := s.Parts(ctx, n, time.Time{}); err != nil || parts == nil {
			d.lost.Store(true)
		}
	}
}

// unseen are the tables that nobody has read for as long as a version is given out. The others
// are left for the next time.
func (s *Sizes) unseen() []sql.Table {
	s.mu.Lock()
	defer s.mu.Unlock()
	var tables []sql.Table
	for t, at := range s.read {
		if time.Since(at) >= sizeAge {
			tables = append(tables, t)
			delete(s.read, t)
		}
	}
	if len(s.read) > 0 {
		time.AfterFunc(sizeAge, s.follow)
	}
	return tables
}

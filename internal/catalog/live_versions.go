package catalog

import (
	"maps"
	"slices"
)

// versions are entries as they were when they were last served, by path. An edit that makes
// one faulty leaves it served in that version.
type versions map[string]*entry

// settle makes the catalog of a file, in which each faulty entry keeps the version before,
// where there is one that is still without fault. What is faulty with the file itself may
// hide entries, so that then none is taken away.
func (k *knowledge) settle(f *file, before versions) (*Catalog, versions) {
	s := settlement{knowledge: k, file: f, before: before, old: map[string][]Fault{}}
	s.whole = !f.stopped && !slices.ContainsFunc(f.faults, func(fault Fault) bool { return fault.Entry == "" })
	for {
		c, trial, settled := s.try()
		if settled {
			return s.finish(c, trial)
		}
	}
}

type settlement struct {
	*knowledge
	file   *file
	before versions
	whole  bool
	old    map[string][]Fault // entries that keep the version before, and why
}

// try makes the catalog with the versions that are chosen so far. It is settled unless an
// entry then turned out to need the version before.
func (s *settlement) try() (*Catalog, *file, bool) {
	trial := &file{name: s.file.name, tables: s.chosen(s.file.tables, "tables"), nodes: s.chosen(s.file.nodes, "nodes")}
	c := s.each(trial)
	for _, e := range slices.Concat(trial.tables, trial.nodes) {
		if e.faulty {
			s.fallBack(e.path(), trial)
		}
	}
	if s.grown(trial) {
		return nil, nil, false
	}
	own := len(trial.faults)
	c.link(trial)
	// A reference that leads nowhere takes others with it, so only the first is at fault.
	for _, fault := range trial.faults[own:] {
		if s.fallBack(fault.Entry, trial) {
			return nil, nil, false
		}
	}
	return c, trial, true
}

// grown tells whether an entry keeps the version before that was tried in its new one.
func (s *settlement) grown(trial *file) bool {
	return slices.ContainsFunc(slices.Concat(trial.tables, trial.nodes), func(e *entry) bool {
		_, old := s.old[e.path()]
		return old && !e.before
	})
}

// fallBack chooses the version before of an entry, if there is one that was not tried.
func (s *settlement) fallBack(path string, trial *file) bool {
	if _, tried := s.old[path]; tried || s.before[path] == nil {
		return false
	}
	of := func(f Fault) bool { return f.Entry != path }
	s.old[path] = slices.DeleteFunc(slices.Concat(s.file.faults, trial.faults), of)
	return true
}

// chosen are the entries of a section in the versions to try. They are copies, since what is
// found wrong with one is noted in it.
func (s *settlement) chosen(entries []*entry, section string) []*entry {
	var chosen []*entry
	named := map[string]bool{}
	add := func(e *entry, before bool) {
		e = new(*e)
		e.before = before
		chosen = append(chosen, e)
	}
	for _, e := range entries {
		named[e.path()] = true
		if _, old := s.old[e.path()]; old {
			add(s.before[e.path()], true)
		} else {
			add(e, false)
		}
	}
	if !s.whole {
		for _, path := range slices.Sorted(maps.Keys(s.before)) {
			if e := s.before[path]; e.section == section && !named[path] {
				add(e, true)
			}
		}
	}
	return chosen
}

// finish says what is faulty, and what is served instead.
func (s *settlement) finish(c *Catalog, trial *file) (*Catalog, versions) {
	served, faults := versions{}, []Fault{}
	for _, e := range slices.Concat(trial.tables, trial.nodes) {
		path := e.path()
		switch {
		case !e.faulty:
			served[path] = new(*e)
			served[path].before = false
		case s.before[path] != nil:
			served[path] = s.before[path] // for when its table is back
		}
		if reasons, old := s.old[path]; old {
			for _, fault := range reasons {
				if !e.faulty {
					fault.Message += " (until it is mended, the entry is served as it was before)"
				}
				faults = append(faults, fault)
			}
		}
	}
	for _, fault := range slices.Concat(s.file.faults, trial.faults) {
		if _, old := s.old[fault.Entry]; old {
			continue
		}
		if fault.Entry == "" && len(s.before) > 0 {
			fault.Message += " (until it is mended, entries that are missing are served as they were before)"
		}
		faults = append(faults, fault)
	}
	slices.SortStableFunc(faults, func(a, b Fault) int { return a.Line - b.Line })
	c.Faults = faults
	c.identify()
	c.weigh()
	return c, served
}

package catalog

import (
	"regexp"
	"slices"
	"strconv"
	"time"

	"go.yaml.in/yaml/v3"

	"framehouse/internal/store"
	"framehouse/internal/store/sql"
)

// Caching says how long others may keep answers about a table without asking again.
type Caching struct {
	// Off keeps nothing, here or elsewhere.
	Off bool
	// MaxAge is how long an answer counts as fresh, and Stale how long after that it may still
	// be shown while a new one is fetched.
	MaxAge, Stale time.Duration
	// PastMaxAge takes the place of MaxAge for ranges of time that have ended more than a day ago.
	PastMaxAge time.Duration
}

// Unless the catalog says otherwise an answer is fresh for as long as we take a version for
// that of now, and a bit longer for what shows something old sooner than nothing. Of a range
// that ended more than a day ago we expect an hour of no late rows.
var usualCaching = Caching{MaxAge: sizeAge, Stale: 5 * time.Second, PastMaxAge: time.Hour}

// cacheEntry is what an entry says of caching.
type cacheEntry struct {
	Caching
	version   text
	tolerance time.Duration
}

func (c *cacheEntry) keys(d *decoder, known keys) {
	c.Caching = usualCaching
	known["version"] = d.text(&c.version)
	known["cache"] = func(n *yaml.Node) {
		n = resolved(n)
		if n.Kind == yaml.ScalarNode {
			// YAML 1.1 takes off for false.
			if n.Value != "off" && n.Value != "false" {
				d.fault(n.Line, "cache is %s; write off, or keys such as {max_age: 30s, past_max_age: 1d, stale: 30s}", shown(n))
			}
			c.Off = true
			return
		}
		d.mapping(n, keys{"max_age": d.age(&c.MaxAge), "past_max_age": d.age(&c.PastMaxAge), "stale": d.age(&c.Stale)})
	}
	if d.entry.section == "nodes" {
		known["range_tolerance"] = d.age(&c.tolerance)
	}
}

var ageText = regexp.MustCompile(`^([0-9]{1,5})(s|m|h|d)$`)

// age reads a span of time such as 30s.
func (d *decoder) age(target *time.Duration) func(*yaml.Node) {
	return func(n *yaml.Node) {
		n = resolved(n)
		m := ageText.FindStringSubmatch(n.Value)
		if m == nil {
			d.fault(n.Line, "%s stands where a span of time such as 30s, 5m, 1h or 1d is expected", shown(n))
			return
		}
		count, _ := strconv.Atoi(m[1]) // digits
		*target = time.Duration(count) * map[string]time.Duration{"s": time.Second, "m": time.Minute, "h": time.Hour, "d": 24 * time.Hour}[m[2]]
	}
}

// caching gives the table what its entry says.
func (v *verifier) caching(t *Table, info store.TableInfo) {
	e := v.entry
	t.Caching = e.cache.Caching
	if name := e.cache.version; name.value != "" {
		if !slices.Contains(infoNames(info), name.value) {
			v.noColumn(name.line, "version", name.value, infoNames(info))
		}
		t.Version = name.value
	}
	t.computed = slices.ContainsFunc(info.Columns, func(c store.ColumnInfo) bool { return c.Default == "ALIAS" })
}

// weigh notes which tables change in which ways.
func (c *Catalog) weigh() {
	c.marks = map[sql.Table][]string{}
	all := c.every()
	for _, t := range all {
		// Entries of one table may name a column each: any of them tells of a change.
		if t.Version != "" && !slices.Contains(c.marks[t.Source], t.Version) {
			c.marks[t.Source] = append(c.marks[t.Source], t.Version)
		}
		if t.computed {
			c.computed = append(c.computed, t.Source)
		}
		// What is read through others is not kept either, unless an entry of its own allows it.
		of := func(other *Table) bool { return other.Source == t.Source && !other.Caching.Off }
		if t.Caching.Off && !slices.ContainsFunc(all, of) {
			c.uncached = append(c.uncached, t.Source)
		}
	}
}

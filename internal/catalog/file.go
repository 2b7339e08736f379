package catalog

import (
	"bytes"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"framehouse/internal/store/sql"
)

// file is a catalog as it is written. Lines are kept, since what is wrong with an entry
// may show only when it is compared with ClickHouse.
type file struct {
	name   string
	tables []*entry
	nodes  []*entry
	faults []Fault

	read    int  // keys and items so far
	stopped bool // since there are too many
}

// entry is one table or node. A faulty one is known but not served.
type entry struct {
	section     string // tables or nodes
	name        string
	line        int
	table       text
	label       text
	description text
	key         []text
	order       []text
	maxRows     int64
	export      bool
	limits      sql.Limits
	final       *bool // nil leaves it to the engine
	references  []reference
	write       writeEntry
	cache       cacheEntry
	columns     []columnEntry
	time        text
	dimensions  []text
	value       text
	frequency   text
	changed     text
	faulty      bool
	before      bool // not as the file has it now, but as it was served before
}

func (e *entry) path() string { return e.section + "." + e.name }

type columnEntry struct {
	name        string
	line        int
	label       string
	description string
	unit        string
	hidden      bool
	safeInteger bool
	agg         text // of nodes
	values      []text
	example     text
}

// text is a scalar and where it stands.
type text struct {
	value string
	line  int
}

// publishedName is what may stand in a path without being escaped.
var publishedName = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.-]*$`)

var frequencyText = regexp.MustCompile(`^[1-9][0-9]*(ms|s|m|h|d|w|mo|q|y)$`)

// parse reads a catalog file and finds everything that is wrong with it in itself. An
// error means that nothing can be read of it.
func parse(name string, content []byte) (*file, error) {
	f := &file{name: name}
	d := decoder{file: f}
	var document, more yaml.Node
	documents := yaml.NewDecoder(bytes.NewReader(content))
	err := documents.Decode(&document)
	if err == nil {
		if err = documents.Decode(&more); err == nil {
			d.fault(more.Line, "a second YAML document begins here; a catalog is one")
		}
	}
	if err != nil && err != io.EOF {
		return nil, fmt.Errorf("catalog %s: %s", name, strings.TrimPrefix(err.Error(), "yaml: "))
	}
	if len(document.Content) == 0 {
		d.fault(1, "the catalog is empty; it needs tables or nodes")
		return f, nil
	}
	d.mapping(document.Content[0], keys{
		"tables": func(n *yaml.Node) { f.tables = d.entries("tables", n) },
		"nodes":  func(n *yaml.Node) { f.nodes = d.entries("nodes", n) },
	})
	if len(f.tables)+len(f.nodes)+len(f.faults) == 0 {
		d.fault(document.Content[0].Line, "the catalog is empty; it needs tables or nodes")
	}
	return f, nil
}

func (d *decoder) entries(section string, n *yaml.Node) []*entry {
	var entries []*entry
	d.each(n, func(name, value *yaml.Node) {
		e := &entry{section: section, name: name.Value, line: name.Line, maxRows: DefaultMaxRows}
		inner := decoder{file: d.file, entry: e}
		if !publishedName.MatchString(e.name) {
			inner.fault(name.Line, "the name %q cannot stand in a path; use letters, digits, '_', '-' and '.'", e.name)
		}
		inner.decodeEntry(value)
		entries = append(entries, e)
	})
	return entries
}

func (d *decoder) decodeEntry(n *yaml.Node) {
	e := d.entry
	known := keys{
		"table":       d.text(&e.table),
		"label":       d.text(&e.label),
		"description": d.text(&e.description),
		"max_rows":    d.rows(&e.maxRows),
		"export":      d.bool(&e.export),
		"limits":      d.limits(&e.limits),
		"final": func(n *yaml.Node) {
			e.final = new(bool)
			d.bool(e.final)(n)
		},
		"columns": func(n *yaml.Node) {
			d.each(n, func(name, value *yaml.Node) {
				c := columnEntry{name: name.Value, line: name.Line}
				known := keys{
					"label":        d.string(&c.label),
					"description":  d.string(&c.description),
					"unit":         d.string(&c.unit),
					"hidden":       d.bool(&c.hidden),
					"safe_integer": d.bool(&c.safeInteger),
					"values":       d.texts(&c.values),
					"example":      d.text(&c.example),
				}
				if e.section == "nodes" {
					known["agg"] = d.text(&c.agg)
				}
				d.mapping(value, known)
				e.columns = append(e.columns, c)
			})
		},
	}
	if e.section == "tables" {
		known["key"] = d.texts(&e.key)
		known["order"] = d.texts(&e.order)
		known["references"] = d.references
		e.write.keys(d, known)
	} else {
		known["time"] = d.text(&e.time)
		known["dimensions"] = d.texts(&e.dimensions)
		known["value"] = d.text(&e.value)
		known["frequency"] = d.text(&e.frequency)
		known["changed"] = d.text(&e.changed)
	}
	e.cache.keys(d, known)
	d.mapping(n, known)
	d.once("key", e.key)
	d.once("order", e.order)
	e.write.check(d)
	if e.section == "nodes" {
		if e.time.value == "" {
			d.fault(e.line, "a node needs time: the column that holds the time of an observation")
		}
		if e.frequency.value != "" && !frequencyText.MatchString(e.frequency.value) {
			d.fault(e.frequency.line, "frequency %q is not one such as 1m, 5m, 1h, 1d, 1w, 1mo, 1q or 1y; leave it out when observations are irregular", e.frequency.value)
		}
		for i, dimension := range e.dimensions {
			if dimension.value == e.time.value || slices.ContainsFunc(e.dimensions[:i], func(t text) bool { return t.value == dimension.value }) {
				d.fault(dimension.line, "dimension %q is given twice", dimension.value)
			}
		}
	}
}

// relationName is what can stand before the dot of a column in a filter, and be told from
// the words of the filter language.
var relationName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

var reservedRelations = []string{"and", "or", "not", "where", "having"}

func (d *decoder) references(n *yaml.Node) {
	d.each(n, func(name, value *yaml.Node) {
		r := reference{name: name.Value, line: name.Line}
		d.mapping(value, keys{
			"columns": d.texts(&r.columns),
			"table":   d.text(&r.table),
			"inverse": d.text(&r.inverse),
		})
		for _, relation := range []text{{r.name, r.line}, r.inverse} {
			if relation.value != "" && (!relationName.MatchString(relation.value) || slices.Contains(reservedRelations, relation.value)) {
				d.fault(relation.line, "%q cannot name a relation; use letters, digits and '_', and none of %s", relation.value, strings.Join(reservedRelations, ", "))
			}
		}
		if len(r.columns) == 0 {
			d.fault(r.line, "the reference %q needs columns: those of this table that match the other's key", r.name)
		}
		if r.table.value == "" {
			d.fault(r.line, "the reference %q needs table: the published table that it leads to", r.name)
		}
		d.entry.references = append(d.entry.references, r)
	})
}

// once makes sure that a list names each column once.
func (d *decoder) once(part string, names []text) {
	seen := map[string]bool{}
	for _, name := range names {
		column := strings.TrimPrefix(name.value, "-")
		if seen[column] {
			d.fault(name.line, "%s names the column %q twice", part, column)
		}
		seen[column] = true
	}
}

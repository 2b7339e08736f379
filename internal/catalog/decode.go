package catalog

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"framehouse/internal/contracts"
)

// decoder reads a YAML tree and goes on after a fault, so that an operator sees all of
// them at once. The library's own strict decoding stops at the first kind of error and
// speaks of Go types.
type decoder struct {
	file  *file
	entry *entry // that the faults belong to; nil at the top
}

// keys says what may stand in a mapping, and what to do with each value.
type keys map[string]func(*yaml.Node)

func (d *decoder) fault(line int, format string, args ...any) {
	f := Fault{File: d.file.name, Line: line, Message: fmt.Sprintf(format, args...)}
	if d.entry != nil {
		f.Entry = d.entry.path()
		d.entry.faulty = true
	}
	d.file.faults = append(d.file.faults, f)
}

// mapping reads a mapping with known keys; an unknown one is a fault.
func (d *decoder) mapping(n *yaml.Node, known keys) {
	d.each(n, func(key, value *yaml.Node) {
		read, ok := known[key.Value]
		if ok {
			read(value)
			return
		}
		names := slices.Sorted(maps.Keys(known))
		if near := contracts.Nearest(key.Value, names); near != "" {
			d.fault(key.Line, "unknown key %q; did you mean %q?", key.Value, near)
		} else {
			d.fault(key.Line, "unknown key %q; known are %s", key.Value, strings.Join(names, ", "))
		}
	})
}

// mostRead bounds how many keys and items are read of a file, and mostFaults how much may
// be wrong with it. Aliases let a short file stand for any number of either; no catalog
// has nearly as many, and nobody reads so many faults.
const (
	mostRead   = 200_000
	mostFaults = 1000
)

// goOn counts what is read, and says so once when it is too much.
func (d *decoder) goOn(n *yaml.Node) bool {
	f := d.file
	f.read++
	switch {
	case f.stopped:
	case f.read > mostRead:
		f.stopped = true
		d.fault(n.Line, "the catalog is too large, with more than %d keys and items; the rest is not read", mostRead)
	case len(f.faults) > mostFaults:
		f.stopped = true
		d.fault(n.Line, "too much is wrong with the catalog; the rest is not read")
	}
	return !f.stopped
}

// each reads a mapping with free keys, each of which may stand once. An empty value is
// an empty mapping: "airports:" alone publishes a table as it is.
func (d *decoder) each(n *yaml.Node, read func(key, value *yaml.Node)) {
	n = resolved(n)
	if n.Tag == "!!null" {
		return
	}
	if n.Kind != yaml.MappingNode {
		d.fault(n.Line, "%s stands where keys with values are expected", shown(n))
		return
	}
	lines := map[string]int{}
	for i := 0; i < len(n.Content) && d.goOn(n); i += 2 {
		key := n.Content[i]
		if name := resolved(key); name.Kind == yaml.ScalarNode && name.Value != "" {
			key = &yaml.Node{Value: name.Value, Line: key.Line}
		} else {
			d.fault(key.Line, "%s stands where a name is expected", shown(name))
			continue
		}
		if line, ok := lines[key.Value]; ok {
			d.fault(key.Line, "%q is here twice, first in line %d", key.Value, line)
			continue
		}
		lines[key.Value] = key.Line
		read(key, n.Content[i+1])
	}
}

func (d *decoder) text(target *text) func(*yaml.Node) {
	return func(n *yaml.Node) {
		if value, ok := d.scalar(n); ok {
			*target = text{value, n.Line}
		}
	}
}

func (d *decoder) string(target *string) func(*yaml.Node) {
	return func(n *yaml.Node) { *target, _ = d.scalar(n) }
}

func (d *decoder) scalar(n *yaml.Node) (string, bool) {
	n = resolved(n)
	if n.Kind != yaml.ScalarNode || n.Tag == "!!null" || strings.TrimSpace(n.Value) == "" {
		d.fault(n.Line, "%s stands where a text is expected", shown(n))
		return "", false
	}
	return strings.TrimSpace(n.Value), true
}

// texts reads a list, or a single text for a list of one.
func (d *decoder) texts(target *[]text) func(*yaml.Node) {
	return func(n *yaml.Node) {
		n = resolved(n)
		items := []*yaml.Node{n}
		if n.Kind == yaml.SequenceNode {
			items = n.Content
		}
		for _, item := range items {
			if !d.goOn(item) {
				return
			}
			if value, ok := d.scalar(item); ok {
				*target = append(*target, text{value, item.Line})
			}
		}
	}
}

func (d *decoder) bool(target *bool) func(*yaml.Node) {
	return func(n *yaml.Node) {
		n = resolved(n)
		if n.Tag != "!!bool" || n.Decode(target) != nil {
			d.fault(n.Line, "%s stands where true or false is expected", shown(n))
		}
	}
}

// mostRows is the largest max_rows: more rows than a client can want in one answer, and
// far from where a limit and one more row are no number any longer.
const mostRows = 1_000_000_000

func (d *decoder) rows(target *int64) func(*yaml.Node) {
	return func(n *yaml.Node) {
		n = resolved(n)
		value, err := strconv.ParseInt(strings.ReplaceAll(n.Value, "_", ""), 10, 64)
		if n.Kind != yaml.ScalarNode || err != nil || value < 1 || value > mostRows {
			d.fault(n.Line, "%s stands where a whole number from 1 to %d is expected", shown(n), mostRows)
			return
		}
		*target = value
	}
}

// resolved follows an alias to what it stands for.
func resolved(n *yaml.Node) *yaml.Node {
	for n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	return n
}

func shown(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "a mapping"
	case yaml.SequenceNode:
		return "a list"
	}
	if n.Value == "" {
		return "nothing"
	}
	return strconv.Quote(n.Value)
}

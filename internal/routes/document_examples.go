package routes

import (
	"fmt"
	"net/http"
	"slices"

	"github.com/danielgtaylor/huma/v2"

	"framehouse/internal/catalog"
)

// examples are a table and a node out of the catalog, by which the operations for any of them
// are shown. Without a catalog, examples are those of the demo.
type examples struct {
	table *catalog.Table
	node  *catalog.Node // one with several series, if there is one
	// written is one that can be written and deleted from, or at least written.
	written *catalog.Table
}

func examplesOf(c *catalog.Catalog) *examples {
	if c == nil {
		return nil
	}
	var e examples
	first := func(c *catalog.Column) bool { return c.Example != "" }
	if len(c.Tables) > 0 {
		e.table = c.Tables[max(0, slices.IndexFunc(c.Tables, func(t *catalog.Table) bool { return slices.ContainsFunc(t.Columns, first) }))]
	}
	if len(c.Nodes) > 0 {
		e.node = c.Nodes[max(0, slices.IndexFunc(c.Nodes, func(n *catalog.Node) bool { return len(n.Dimensions) > 0 && n.Value != nil }))]
	}
	writable := func(upsert bool) func(*catalog.Table) bool {
		return func(t *catalog.Table) bool { return t.Write != nil && (!upsert || t.Write.Mode == catalog.Upsert) }
	}
	for _, wanted := range []func(*catalog.Table) bool{writable(true), writable(false)} {
		if i := slices.IndexFunc(c.Tables, wanted); i >= 0 && e.written == nil {
			e.written = c.Tables[i]
		}
	}
	return &e
}

// of is a parameter of an operation for any table or node, with an example that works.
func (e *examples) of(op *huma.Operation, p *huma.Param) *huma.Param {
	if e == nil {
		return p
	}
	example, concerned := e.value(op, p.Name)
	if !concerned {
		return p
	}
	own := *p
	schema := *p.Schema
	schema.Examples = nil
	own.Schema, own.Example = &schema, example
	return &own
}

// value is the example of a parameter; concerned is false when it has nothing to do with what
// is published.
func (e *examples) value(op *huma.Operation, name string) (example any, concerned bool) {
	table := e.table
	onNode := slices.ContainsFunc(op.Parameters, func(p *huma.Param) bool { return p.Name == "node" && p.In == "path" })
	if onNode {
		if table = nil; e.node != nil {
			table = &e.node.Table
		}
	} else if op.Method != http.MethodGet && op.OperationID != "queryTable" {
		table = e.written
	} else if !slices.ContainsFunc(op.Parameters, func(p *huma.Param) bool { return p.Name == "table" && p.In == "path" }) {
		return nil, false
	}
	if !slices.Contains([]string{"table", "node", "column", "dimension", "select", "order", "group", "agg", "having", "where", "identifiers", "with", "search", "interval"}, name) ||
		onNode && name == "order" {
		return nil, false
	}
	if table == nil {
		return nil, true
	}
	s := dataset{table: table, node: nil}
	if onNode {
		s.node = e.node
	}
	plain := slices.DeleteFunc(slices.Clone(table.Columns), func(c *catalog.Column) bool { return !c.Type.Comparable() })
	switch name {
	case "table", "node":
		return table.Name, true
	case "column":
		if c := s.exemplary(); c != nil {
			return c.Name, true
		}
		if len(plain) > 0 {
			return plain[0].Name, true
		}
	case "dimension":
		if len(e.node.Dimensions) > 0 {
			return e.node.Dimensions[0].Name, true
		}
	case "select":
		if names := s.selectable(); len(names) > 0 {
			return names[:min(2, len(names))], true
		}
	case "order", "group":
		if len(plain) > 0 {
			return []string{plain[0].Name}, true
		}
	case "having":
		return havingExample, true
	case "search":
		c := s.exemplary()
		if onNode && len(e.node.Dimensions) > 0 {
			c = e.node.Dimensions[0]
		}
		if c != nil {
			if example := exampleOf(c); example != nil {
				return fmt.Sprint(example), true
			}
		}
	case "agg":
		if onNode {
			return []string{"last"}, true
		}
		return []string{"count"}, true
	case "where":
		if c := s.exemplary(); c != nil {
			return fmt.Sprintf("%s=%v", c.Name, exampleOf(c)), true
		}
	case "identifiers":
		if onNode && len(e.node.Dimensions) > 0 {
			if value := exampleOf(e.node.Dimensions[0]); value != nil {
				return []any{value}, true
			}
		}
	case "interval":
		return exampleInterval(e.node), true
	case "with":
		if e.node.Value != nil {
			return []string{e.node.Name + ":" + e.node.Value.Name}, true
		}
	}
	return nil, true
}

// havingExample goes with agg=count, which is the example of agg.
const havingExample = "count.gte=1"

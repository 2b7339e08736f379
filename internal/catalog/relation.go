package catalog

import (
	"slices"
	"strings"

	"framehouse/internal/contracts"
)

// Relation leads from the rows of one table to rows of another, by a foreign key that the
// catalog declares on either side.
type Relation struct {
	Name  string
	Table *Table // that it leads to
	// From and To are columns of this table and of the other that match, pair by pair.
	From, To []*Column
	// Many means that the foreign key is the other table's, so that a row here may have
	// any number of rows there. Otherwise there is one or none.
	Many bool
}

// Relation returns the relation of a name, or nil.
func (t *Table) Relation(name string) *Relation {
	i := slices.IndexFunc(t.Relations, func(r *Relation) bool { return r.Name == name })
	if i < 0 {
		return nil
	}
	return t.Relations[i]
}

// reference is a foreign key as it is written.
type reference struct {
	name    string
	line    int
	columns []text
	table   text
	inverse text
}

// link gives the tables their relations. A table whose reference leads nowhere is left
// out, and with it those that refer to it.
func (c *Catalog) link(f *file) {
	for {
		faults := len(f.faults)
		for _, e := range f.tables {
			if !e.faulty {
				v := verifier{decoder: decoder{file: f, entry: e}}
				for _, r := range e.references {
					v.reference(c, r)
				}
			}
		}
		c.Tables = slices.DeleteFunc(c.Tables, func(t *Table) bool {
			return slices.ContainsFunc(f.tables, func(e *entry) bool { return e.name == t.Name && e.faulty })
		})
		if len(f.faults) == faults {
			return
		}
		// What was linked may lead to a table that has just gone.
		for _, t := range c.Tables {
			t.Relations = nil
		}
	}
}

func (v *verifier) reference(c *Catalog, r reference) {
	child := c.table(v.entry.name)
	parent := c.table(r.table.value)
	if parent == nil {
		if slices.ContainsFunc(v.file.tables, func(e *entry) bool { return e.name == r.table.value }) {
			v.fault(r.table.line, "reference %q leads to the table %q, which is left out because of a fault", r.name, r.table.value)
		} else if near := contracts.Nearest(r.table.value, c.TableNames()); near != "" {
			v.fault(r.table.line, "reference %q leads to the table %q, which is not published; did you mean %q?", r.name, r.table.value, near)
		} else {
			v.fault(r.table.line, "reference %q leads to the table %q, which is not published", r.name, r.table.value)
		}
		return
	}
	if len(parent.Key) == 0 || len(parent.Key) != len(r.columns) {
		v.fault(r.line, "reference %q needs the columns that match the key of %s, which is (%s)", r.name, parent.Name, strings.Join(parent.Key, ", "))
		return
	}
	up := &Relation{Name: r.name, Table: parent}
	down := &Relation{Name: r.inverse.value, Table: child, Many: true}
	for i, name := range r.columns {
		from, to := v.column(child, "reference "+r.name, name), parent.Column(parent.Key[i])
		if from == nil {
			return
		}
		if !from.Type.Matches(to.Type) {
			v.fault(name.line, "the column %q is a %s, and %s.%s, which it refers to, a %s", from.Name, from.Type, parent.Name, to.Name, to.Type)
			return
		}
		up.From, up.To = append(up.From, from), append(up.To, to)
	}
	down.From, down.To = up.To, up.From
	v.relate(child, up, r.line)
	if down.Name != "" {
		v.relate(parent, down, r.inverse.line)
	}
}

// relate gives a table a relation, whose name must mean nothing else there.
func (v *verifier) relate(t *Table, r *Relation, line int) {
	switch {
	case t.Column(r.Name) != nil:
		v.fault(line, "the relation %q of %s has the name of a column; give it another", r.Name, t.Name)
	case t.Relation(r.Name) != nil:
		v.fault(line, "%s has two relations %q", t.Name, r.Name)
	default:
		t.Relations = append(t.Relations, r)
	}
}

func (c *Catalog) table(name string) *Table {
	i := slices.IndexFunc(c.Tables, func(t *Table) bool { return t.Name == name })
	if i < 0 {
		return nil
	}
	return c.Tables[i]
}

package catalog

import (
	"crypto/sha256"
	"fmt"
	"io"
	"slices"
)

// identity is a digest of all that is published of a table. Answers that rest on different
// entries differ in it, also those of two processes.
type identity [sha256.Size]byte

// identify gives each table and node its identity.
func (c *Catalog) identify() {
	for _, t := range c.Tables {
		h := sha256.New()
		t.writeTo(h)
		h.Sum(t.identity[:0])
	}
	for _, n := range c.Nodes {
		h := sha256.New()
		n.Table.writeTo(h)
		fmt.Fprintf(h, "%q %q %q %q %q", names(n.Time), names(n.Dimensions...), names(n.Value), n.Frequency, names(n.Changed))
		fmt.Fprintf(h, "%d", n.Tolerance)
		h.Sum(n.identity[:0])
	}
}

// writeTo writes the table in a form of which no two are the same.
func (t *Table) writeTo(w io.Writer) {
	fmt.Fprintf(w, "%q ", []string{t.Name, t.Label, t.Description, t.Source.Database, t.Source.Name})
	fmt.Fprintf(w, "%q %#v %d %t %t %t %q\n", t.Key, t.Order, t.MaxRows, t.Export, t.Unique, t.Final, t.sorting)
	for _, c := range t.Columns {
		fmt.Fprintf(w, "%q %t\n", []string{c.Name, c.Label, c.Description, c.Unit, c.Type.String(), c.Agg}, c.SafeInteger)
	}
	for _, r := range t.Relations {
		fmt.Fprintf(w, "%q %q %q %q %t\n", r.Name, r.Table.Name, names(r.From...), names(r.To...), r.Many)
	}
}

// names are those of columns that are there.
func names(columns ...*Column) []string {
	var all []string
	for _, c := range slices.DeleteFunc(slices.Clone(columns), func(c *Column) bool { return c == nil }) {
		all = append(all, c.Name)
	}
	return all
}

package catalog

import (
	"crypto/sha256"
	"reflect"
	"slices"
	"testing"

	"framehouse/internal/store"
	"framehouse/internal/store/sql"
)

// Each part of an entry is part of its identity, those that are still to come as well.
func TestIdentity(t *testing.T) {
	t.Parallel()
	typ, err := store.ParseType("UInt8")
	if err != nil {
		t.Fatal(err)
	}
	fresh := func() *Node {
		c := &Column{Name: "a", Type: typ}
		return &Node{Table: Table{
			Name: "n", Columns: []*Column{c, {Name: "b", Type: typ}}, Key: []string{"a"}, Order: []Order{{Column: "a"}}, sorting: []string{"a"},
			Relations: []*Relation{{Name: "r", Table: &Table{}, From: []*Column{c}, To: []*Column{c}}},
		}, Time: c}
	}
	of := func(n *Node) identity {
		c := Catalog{Nodes: []*Node{n}}
		c.identify()
		return n.identity
	}
	seen := map[identity]string{of(fresh()): "an entry as it is"}
	other := &Column{Name: "b", Type: typ}
	changes := map[string]func(*Node){
		"Table.Name":                func(n *Node) { n.Name = "m" },
		"Table.Label":               func(n *Node) { n.Label = "x" },
		"Table.Description":         func(n *Node) { n.Description = "x" },
		"Table.Source":              func(n *Node) { n.Source = sql.Table{Name: "x"} },
		"Table.Columns":             func(n *Node) { n.Columns = n.Columns[:1] },
		"Table.Key":                 func(n *Node) { n.Key = nil },
		"Table.Order":               func(n *Node) { n.Order[0] = Order{"a", true} },
		"an order by -a":            func(n *Node) { n.Order[0] = Order{"-a", false} },
		"Table.MaxRows":             func(n *Node) { n.MaxRows = 1 },
		"Table.Export":              func(n *Node) { n.Export = true },
		"Table.Unique":              func(n *Node) { n.Unique = true },
		"Table.Final":               func(n *Node) { n.Final = true },
		"Table.Relations":           func(n *Node) { n.Relations = nil },
		"Table.sorting":             func(n *Node) { n.sorting = nil },
		"Node.Time":                 func(n *Node) { n.Time = other },
		"Node.Dimensions":           func(n *Node) { n.Dimensions = []*Column{other} },
		"Node.Value":                func(n *Node) { n.Value = other },
		"Node.Frequency":            func(n *Node) { n.Frequency = "1d" },
		"Node.Tolerance":            func(n *Node) { n.Tolerance = 1 },
		"Node.Changed":              func(n *Node) { n.Changed = other },
		"Column.Name":               func(n *Node) { n.Columns[1].Name = "c" },
		"Column.Label":              func(n *Node) { n.Columns[1].Label = "x" },
		"Column.Description":        func(n *Node) { n.Columns[1].Description = "x" },
		"Column.Unit":               func(n *Node) { n.Columns[1].Unit = "x" },
		"Column.Type":               func(n *Node) { n.Columns[1].Type, err = store.ParseType("UInt16") },
		"Column.SafeInteger":        func(n *Node) { n.Columns[1].SafeInteger = true },
		"Column.Agg":                func(n *Node) { n.Columns[1].Agg = "sum" },
		"Relation.Name":             func(n *Node) { n.Relations[0].Name = "s" },
		"Relation.Table":            func(n *Node) { n.Relations[0].Table.Name = "s" },
		"Relation.From":             func(n *Node) { n.Relations[0].From = nil },
		"Relation.To":               func(n *Node) { n.Relations[0].To = nil },
		"Relation.Many":             func(n *Node) { n.Relations[0].Many = true },
		"an invalid byte in a unit": func(n *Node) { n.Columns[1].Unit = "\xff" },
		"another invalid byte":      func(n *Node) { n.Columns[1].Unit = "\xfe" },
	}
	for name, change := range changes {
		n := fresh()
		change(n)
		id := of(n)
		if before, twice := seen[id]; twice {
			t.Errorf("%s has the identity of %s", name, before)
		}
		seen[id] = name
	}
	// What is no part of an answer.
	others := []string{"Table.Write", "Table.identity", "Node.Table", "Node.timeInKey", "Table.Caching", "Table.Version", "Table.computed", "Table.Limits", "Column.Values", "Column.Example"}
	for _, of := range []any{Table{}, Node{}, Column{}, Relation{}} {
		typ := reflect.TypeOf(of)
		for i := range typ.NumField() {
			name := typ.Name() + "." + typ.Field(i).Name
			if _, ok := changes[name]; !ok && !slices.Contains(others, name) {
				t.Errorf("%s may be no part of the identity", name)
			}
		}
	}
}

// Parts do not run into each other.
func TestKey(t *testing.T) {
	t.Parallel()
	keys := map[Key]bool{{}: true, sha256.Sum256(nil): true}
	all := []Key{
		Key{}.With(), Key{}.With("a"), Key{}.With("a", "b"), Key{}.With("ab"), Key{}.With("a").With("b"), Key{}.With("", "ab"), Key{}.With("ab", ""), Key{}.With("a\x01b"),
	}
	for _, k := range all {
		if keys[k] {
			t.Errorf("%x is there twice", k)
		}
		keys[k] = true
	}
	if (Key{}.With("a", "b")) != all[2] {
		t.Error("a key depends on more than its parts")
	}
}

package demo_test

import (
	"strings"
	"testing"

	"framehouse/internal/catalog"
	"framehouse/internal/demo"
)

func TestCatalog(t *testing.T) {
	dir, db := data(t), open(t)
	if err := demo.Load(t.Context(), db, dir, nil); err != nil {
		t.Fatal(err)
	}
	c, err := catalog.Load(t.Context(), "catalog.yaml", demo.Catalog(), db.Store)
	if err != nil {
		t.Fatal(err)
	}
	for _, fault := range c.Faults {
		t.Error(fault)
	}
	published := map[string]*catalog.Table{}
	for _, table := range c.Tables {
		published[table.Name] = table
	}
	for _, node := range c.Nodes {
		published[node.Name] = &node.Table
		if node.Value == nil {
			t.Errorf("node %s has no main value", node.Name)
		}
	}
	if len(published) != len(rows) {
		t.Errorf("%d tables and nodes are published, want %d", len(published), len(rows))
	}
	for name, table := range published {
		if table.Label == "" || table.Description == "" {
			t.Errorf("%s lacks a label or a description", name)
		}
		for _, column := range table.Columns {
			if column.Label == "" || column.Description == "" {
				t.Errorf("column %s of %s lacks a label or a description", column.Name, name)
			}
		}
		// Pages and the latest value are well-defined only when the key identifies a row.
		key := strings.Join(table.Key, ", ")
		if got := db.query("SELECT uniqExact(tuple(" + key + ")) = count() FROM " + table.Source.Name); got != "1" {
			t.Errorf("%s: the key %v does not identify a row", name, table.Key)
		}
	}
}

package catalog_test

import (
	"testing"

	"framehouse/internal/catalog/catalogtest"
	"framehouse/internal/store/storetest"
)

// A sorting key identifies rows only where the engine replaces rows by it, and as a whole.
func TestUnique(t *testing.T) {
	t.Parallel()
	database := storetest.Database(t)
	storetest.Exec(t, database, `
		CREATE TABLE replaced (id UInt8, x String) ENGINE = ReplacingMergeTree ORDER BY (id, x);
		CREATE TABLE expression (id UInt8, x String) ENGINE = ReplacingMergeTree ORDER BY (id, lower(x));
		CREATE TABLE plain (id UInt8, x String) ENGINE = MergeTree ORDER BY id`)
	_, live := catalogtest.Load(t, database, "tables: {replaced: {}, expression: {}, plain: {}, declared: {table: plain, key: id}, unmerged: {table: replaced, final: false}}")
	c, err := live.Current()
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]bool{"replaced": true, "expression": false, "plain": false, "declared": true, "unmerged": false}
	for _, table := range c.Tables {
		if table.Unique != want[table.Name] {
			t.Errorf("%s: unique is %t", table.Name, table.Unique)
		}
	}
}

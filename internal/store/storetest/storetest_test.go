package storetest_test

import (
	"testing"

	"framehouse/internal/store/storetest"
)

func TestMain(m *testing.M) { storetest.Main(m) }

func TestDatabase(t *testing.T) {
	var name string
	t.Run("is empty and takes a script", func(t *testing.T) {
		name = storetest.Database(t)
		storetest.Exec(t, name, `
			CREATE TABLE t (a Int64, s String) ENGINE = MergeTree ORDER BY a;
			INSERT INTO t VALUES (1, 'a;b'), (2, 'c');
		`)
		if got, want := storetest.Query(t, name, "SELECT * FROM t ORDER BY a"), "1\ta;b\n2\tc"; got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	})
	if got := storetest.Query(t, "", "SELECT count() FROM system.databases WHERE name = '"+name+"'"); got != "0" {
		t.Errorf("database %s outlived its test", name)
	}
}

func TestDatabasesAreSeparate(t *testing.T) {
	a, b := storetest.Database(t), storetest.Database(t)
	storetest.Exec(t, a, "CREATE TABLE t (x Int8) ENGINE = MergeTree ORDER BY x")
	if got := storetest.Query(t, b, "EXISTS TABLE t"); got != "0" {
		t.Errorf("a table of %s is seen in %s", a, b)
	}
}

package store

import (
	"slices"
	"strings"
	"testing"
	"time"

	"framehouse/internal/store/sql"
	"framehouse/internal/store/storetest"
)

func TestKeyColumns(t *testing.T) {
	t.Parallel()
	for key, want := range map[string][]string{
		"":                          nil,
		"id":                        {"id"},
		"id, time":                  {"id", "time"},
		"`my-id`, time":             {"my-id", "time"},
		"toDate(time), id":          nil,
		"id, toDate(time), v":       {"id"},
		"intHash32(a, b), c":        nil,
		"a, cityHash64(b, c), d, e": {"a"},
		"a, b + 1":                  {"a"},
	} {
		if got := keyColumns(key); !slices.Equal(got, want) {
			t.Errorf("%q: got %q, want %q", key, got, want)
		}
	}
}

func TestDescribe(t *testing.T) {
	t.Parallel()
	database := storetest.Database(t)
	s := open(t, Config{Server: server(t, database)})
	storetest.Exec(t, database, `
		CREATE TABLE t (b Int8 COMMENT 'it''s "b"', a Nullable(String), e String EPHEMERAL, c Int8 ALIAS b) ENGINE = MergeTree PARTITION BY b % 7 ORDER BY b COMMENT 'héllo';
		CREATE TABLE `+"`we``ird\\\\ name'\"`"+` (x Int8) ENGINE = MergeTree ORDER BY x;
	`)
	table, weird, gone := sql.Table{Database: database, Name: "t"}, sql.Table{Database: database, Name: "we`ird\\ name'\""}, sql.Table{Database: database, Name: "gone"}
	infos, err := s.Describe(t.Context(), []sql.Table{table, weird, gone, table})
	if err != nil || len(infos) != 2 {
		t.Fatalf("got %+v, %v", infos, err)
	}
	info := infos[table]
	want := []ColumnInfo{
		{Name: "b", Type: "Int8", Comment: `it's "b"`, InPartition: 1}, {Name: "a", Type: "Nullable(String)"}, {Name: "c", Type: "Int8", Default: "ALIAS"},
	}
	if !slices.Equal(info.Columns, want) || info.Comment != "héllo" || info.Engine != "MergeTree" || !slices.Equal(info.SortingKey, []string{"b"}) || info.SortedBy != "b" || info.Partition != "b % 7" || !strings.HasPrefix(info.EngineFull, "MergeTree PARTITION BY") {
		t.Errorf("got %+v", info)
	}
	if len(infos[weird].Columns) != 1 {
		t.Errorf("got %+v", infos[weird])
	}
	names, err := s.Tables(t.Context())
	if err != nil || !slices.Equal(names, []string{"t", weird.Name}) {
		t.Errorf("got %q, %v", names, err)
	}
	for _, ask := range []func() (int, error){
		func() (int, error) { infos, err := s.Describe(t.Context(), nil); return len(infos), err },
		func() (int, error) { sizes, err := s.Sizes(t.Context(), nil); return len(sizes), err },
	} {
		if n, err := ask(); n != 0 || err != nil {
			t.Errorf("of no tables: %d, %v", n, err)
		}
	}
}

func TestSizes(t *testing.T) {
	t.Parallel()
	database := storetest.Database(t)
	s := open(t, Config{Server: server(t, database)})
	storetest.Exec(t, database, "CREATE TABLE t (a Int8) ENGINE = MergeTree ORDER BY a")
	table := sql.Table{Database: database, Name: "t"}
	for range 3 {
		storetest.Exec(t, database, "INSERT INTO t VALUES (1), (2)")
	}
	storetest.Exec(t, database, "OPTIMIZE TABLE t FINAL") // the parts before it are no longer active
	sizes, err := s.Sizes(t.Context(), []sql.Table{table, {Database: database, Name: "gone"}})
	if err != nil || len(sizes) != 1 || sizes[table].Rows != 6 || time.Since(sizes[table].UpdatedAt) > time.Minute {
		t.Errorf("got %+v, %v", sizes, err)
	}
}

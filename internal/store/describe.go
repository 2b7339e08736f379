package store

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"framehouse/internal/store/sql"
)

// TableInfo is what ClickHouse knows of a table or view.
type TableInfo struct {
	Engine     string
	EngineFull string // with arguments, keys and settings
	Comment    string
	SortingKey []string // the columns that rows are sorted by, up to the first expression
	SortedBy   string   // the same as ClickHouse writes it, expressions included
	Partition  string   // the partition key as ClickHouse writes it; empty when there is none
	Columns    []ColumnInfo
}

// Merges tells whether the engine lets a later row stand for earlier ones with the same
// sorting key, and keeps them all until it merges them.
func (t TableInfo) Merges() bool {
	for _, kind := range []string{"Replacing", "Collapsing", "Summing", "Aggregating", "Coalescing"} {
		if strings.Contains(t.Engine, kind) && strings.HasSuffix(t.Engine, "MergeTree") {
			return true
		}
	}
	return false
}

// ColumnInfo is what ClickHouse knows of a column.
type ColumnInfo struct {
	Name    string `json:"name"`
	Type    string `json:"type"`
	Comment string `json:"comment"`
	// Default says how a value comes about that an INSERT leaves out: empty, DEFAULT,
	// MATERIALIZED or ALIAS. The last two cannot be inserted.
	Default string `json:"default_kind"`
	// InPartition tells that the partition key is made of the column, among others.
	InPartition uint8 `json:"is_in_partition_key"`
}

// Describe returns what ClickHouse knows of the tables; one that does not exist is
// absent from the answer. A column that is there for inserts alone (EPHEMERAL) cannot be
// read, and is left out.
func (s *Store) Describe(ctx context.Context, tables []sql.Table) (map[sql.Table]TableInfo, error) {
	infos := make(map[sql.Table]TableInfo, len(tables))
	for some := range slices.Chunk(tables, tablesAtOnce) {
		if err := s.describe(ctx, some, infos); err != nil {
			return nil, err
		}
	}
	return infos, nil
}

// tablesAtOnce keeps the parameters of a statement below mostValues.
const tablesAtOnce = 200

func (s *Store) describe(ctx context.Context, tables []sql.Table, infos map[sql.Table]TableInfo) error {
	where, params := amongTables("name", tables)
	found, err := selectRows[struct {
		Database   string `json:"database"`
		Name       string `json:"name"`
		Engine     string `json:"engine"`
		EngineFull string `json:"engine_full"`
		Comment    string `json:"comment"`
		SortingKey string `json:"sorting_key"`
		Partition  string `json:"partition_key"`
	}](ctx, s, "SELECT database, name, engine, engine_full, comment, sorting_key, partition_key FROM system.tables WHERE "+where, params...)
	if err != nil {
		return err
	}
	// After the tables: a table that is made in between is then unknown, not without columns.
	where, params = amongTables("table", tables)
	columns, err := selectRows[struct {
		Database string `json:"database"`
		Table    string `json:"table"`
		ColumnInfo
	}](ctx, s, "SELECT database, table, name, type, comment, default_kind, is_in_partition_key FROM system.columns WHERE default_kind != 'EPHEMERAL' AND "+where+" ORDER BY database, table, position", params...)
	if err != nil {
		return err
	}
	for _, t := range found {
		infos[sql.Table{Database: t.Database, Name: t.Name}] = TableInfo{
			Engine: t.Engine, EngineFull: t.EngineFull, Comment: t.Comment,
			SortingKey: keyColumns(t.SortingKey), SortedBy: t.SortingKey, Partition: t.Partition,
		}
	}
	for _, c := range columns {
		table := sql.Table{Database: c.Database, Name: c.Table}
		if info, ok := infos[table]; ok {
			info.Columns = append(info.Columns, c.ColumnInfo)
			infos[table] = info
		}
	}
	return nil
}

// keyColumns takes a key apart, as system.tables prints it, and stops at the first part
// that is not a plain column.
func keyColumns(key string) []string {
	var columns []string
	for _, part := range strings.Split(key, ",") {
		part = strings.Trim(strings.TrimSpace(part), "`")
		if part == "" || strings.ContainsAny(part, "() ") {
			break
		}
		columns = append(columns, part)
	}
	return columns
}

// amongTables is a condition on database and the column that holds the table's name.
func amongTables(column string, tables []sql.Table) (where string, params []sql.Param) {
	// ClickHouse looks only at the databases and tables that are named, if they are named apart:
	// a list of pairs took it half as long again.
	databases := map[string]int{}
	var names [][]string
	for i, t := range tables {
		of, ok := databases[t.Database]
		if !ok {
			of = len(names)
			databases[t.Database], names = of, append(names, nil)
			params = append(params, sql.Value{Type: "String", Text: t.Database}.Param(fmt.Sprintf("d%d", of)))
		}
		names[of] = append(names[of], fmt.Sprintf("{t%d:String}", i))
		params = append(params, sql.Value{Type: "String", Text: t.Name}.Param(fmt.Sprintf("t%d", i)))
	}
	var any []string
	for i, of := range names {
		any = append(any, fmt.Sprintf("database = {d%d:String} AND %s IN (%s)", i, column, strings.Join(of, ", ")))
	}
	return "(" + strings.Join(any, " OR ") + ")", params
}

// Tables returns the names of the tables and views of the Store's database.
func (s *Store) Tables(ctx context.Context) ([]string, error) {
	rows, err := selectRows[struct {
		Name string `json:"name"`
	}](ctx, s, "SELECT name FROM system.tables WHERE database = {d:String} ORDER BY name",
		sql.Value{Type: "String", Text: s.Database()}.Param("d"))
	if err != nil {
		return nil, err
	}
	names := make([]string, len(rows))
	for i, r := range rows {
		names[i] = r.Name
	}
	return names, nil
}

// Listed is a table or view of a database, before anything more is known of it.
type Listed struct {
	Name   string `json:"name"`
	Engine string `json:"engine"`
	UUID   string `json:"uuid"` // zeroes where the database gives none
}

// List returns the tables and views of any database that the user may see, by name.
func (s *Store) List(ctx context.Context, database string) ([]Listed, error) {
	return selectRows[Listed](ctx, s, "SELECT name, engine, toString(uuid) AS uuid FROM system.tables WHERE database = {d:String} AND NOT is_temporary ORDER BY name",
		sql.Value{Type: "String", Text: database}.Param("d"))
}

// Databases returns the names of the databases that the user may see.
func (s *Store) Databases(ctx context.Context) ([]string, error) {
	rows, err := selectRows[struct {
		Name string `json:"name"`
	}](ctx, s, "SELECT name FROM system.databases ORDER BY name")
	if err != nil {
		return nil, err
	}
	names := make([]string, len(rows))
	for i, r := range rows {
		names[i] = r.Name
	}
	return names, nil
}

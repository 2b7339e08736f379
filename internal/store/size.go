package store

import (
	"context"
	"fmt"
	"slices"
	"time"

	"framehouse/internal/store/sql"
)

// Size is how much a table holds, and since when it is as it is.
type Size struct {
	Known     bool // whether the table keeps count of its rows; the next three are zero if not
	Rows      int64
	UpdatedAt time.Time
	Parts     uint64 // of which it consists
	// Version is another one after anything that changes what is read of the table; empty where
	// ClickHouse does not tell. It is what it was only when all of the table is, as when rows are
	// inserted into a partition that is dropped again, or two tables exchanged and exchanged
	// back.
	//
	// A table of the MergeTree family is its definition and its active parts. A part never
	// changes: an insert makes one, a mutation, a lightweight deletion or update makes others in
	// place of some or beside them, to drop, detach, attach or replace a partition takes some
	// away or adds some, and a merge, which may leave out rows that others replace, makes one
	// of several. Numbers of parts grow, but begin anew for a table that is made again, which
	// has another UUID, and for one that was emptied before a restart, whose parts then have
	// other contents: their checksums are looked at too.
	//
	// That holds where one server has the whole table. A replica may lag behind the one that
	// was asked, so Replicated and Shared engines have no version, nor has anything when
	// several hosts may answer. Views, dictionaries, tables of other servers and those whose
	// engine keeps no parts tell nothing of what they hold, and a table without any part is the
	// same each time that it comes to be empty. A mutation that reads apply before
	// it is done, where the user's profile has them do so, shows in no part.
	Version string
	// Definition is another one after each change of what a table or view is, whatever it
	// holds, and the same on all servers that have it.
	Definition string
}

// sized is what ClickHouse says of a table: its definition, or its parts.
type sized struct {
	Database  string `json:"database"`
	Table     string `json:"name"`
	Parts     uint64 `json:"parts,string"` // none in the row of the definition
	Rows      int64  `json:"total,string"`
	UpdatedMs int64  `json:"updated,string"`
	Version   string `json:"version"`

	Definition string `json:"definition"`
}

// sizesOf asks for the definitions of tables and for their parts, in one statement and two
// rows: to join them took ClickHouse half as long again. What is read after the answer is at
// least as new as both.
func sizesOf(tables, parts string) string {
	return "SELECT database, name, toUInt64(0) AS parts, toInt64(0) AS total, toInt64(0) AS updated," +
		" if(endsWith(engine, 'MergeTree') AND NOT startsWith(engine, 'Replicated') AND NOT startsWith(engine, 'Shared')," +
		" " + made + ", '') AS version, hex(sipHash128(create_table_query)) AS definition" +
		" FROM system.tables WHERE " + tables +
		" UNION ALL SELECT database, table, count(), toInt64(sum(rows)), toInt64(toUnixTimestamp(max(modification_time))) * 1000," +
		" hex(sipHash128(arraySort(groupArray((partition_id, name, hash_of_all_files))))), ''" +
		" FROM system.parts WHERE active AND " + parts + " GROUP BY database, table"
}

// Sizes returns the sizes of those of the tables that there are.
func (s *Store) Sizes(ctx context.Context, tables []sql.Table) (map[sql.Table]Size, error) {
	sizes := make(map[sql.Table]Size, len(tables))
	settings, err := s.settingsOfReads(ctx)
	if err != nil {
		return nil, err
	}
	versioned := len(s.cfg.Server.Hosts) == 1 && !settings.onTheFly
	for some := range slices.Chunk(tables, tablesAtOnce) {
		ofTables, params := amongTables("name", some)
		ofParts, _ := amongTables("table", some)
		rows, err := selectRows[sized](ctx, s, sizesOf(ofTables, ofParts), params...)
		if err != nil {
			return nil, err
		}
		definitions := map[sql.Table]sized{}
		for _, r := range rows {
			table := sql.Table{Database: r.Database, Name: r.Table}
			if r.Parts == 0 {
				definitions[table] = r
				if _, ok := sizes[table]; !ok {
					sizes[table] = Size{} // it is there, and may have no parts
				}
				continue
			}
			sizes[table] = Size{Known: true, Rows: r.Rows, UpdatedAt: time.UnixMilli(r.UpdatedMs).UTC(), Parts: r.Parts, Version: r.Version}
		}
		for _, table := range some {
			size, there := sizes[table]
			if !there {
				continue
			}
			definition := definitions[table]
			size.Definition = definition.Definition
			if size.Known && versioned && definition.Version != "" {
				size.Version = definition.Version + size.Version
			} else {
				size.Version = ""
			}
			sizes[table] = size
		}
	}
	return sizes, nil
}

// Mark is what becomes another one when a table changes, if one of its columns, of which it
// takes the greatest value, grows with each change: that and the number of rows.
func (s *Store) Mark(ctx context.Context, table sql.Table, columns []string) (string, error) {
	const alias = "t"
	parts := []sql.Expr{sql.Call("count")}
	for _, c := range columns {
		parts = append(parts, sql.Call("max", sql.Ref{Table: alias, Column: c}))
	}
	query := sql.Select{From: table, Alias: alias, Columns: []sql.Column{{Expr: sql.Call("toString", sql.Call("tuple", parts...)), As: "mark"}}}
	rows, err := selectRows[struct {
		Mark string `json:"mark"`
	}](ctx, s, query.Build().Text)
	if err != nil {
		return "", err
	}
	if len(rows) != 1 {
		return "", fmt.Errorf("version of %s.%s: %d rows", table.Database, table.Name, len(rows))
	}
	return rows[0].Mark, nil
}

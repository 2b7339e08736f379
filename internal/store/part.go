package store

import (
	"context"
	"errors"
	"slices"
	"time"

	"framehouse/internal/store/sql"
)

// Part is an active part of a table of the MergeTree family, which never changes: whatever
// changes rows makes other parts in place of it, or beside it.
type Part struct {
	Partition, Name string
	Hash            string // of its files
	// The numbers of the first and the last insert that rows of it came by. They grow within a
	// partition, and a part that takes the place of others has those of all of them.
	FirstBlock, LastBlock int64
	Rows                  int64
	Modified              time.Time
}

// Covers tells whether the part has taken the place of another, which then does not come back.
func (p Part) Covers(other Part) bool {
	return p.Partition == other.Partition && p.FirstBlock <= other.FirstBlock && p.LastBlock >= other.LastBlock
}

// Parts are the active parts of a table on the server that answers. Made is another one when the
// table is made again, or exchanged, and after each change of what it is.
type Parts struct {
	Made string
	All  []Part
}

// made is Made of a row of system.tables.
const made = "hex(sipHash128(toString(uuid), metadata_modification_time, create_table_query))"

// Parts returns the parts of a table; none, and no Made, if there is no such table. What is read
// after the answer is at least as new.
func (s *Store) Parts(ctx context.Context, table sql.Table) (Parts, error) {
	ofTable, params := amongTables("name", []sql.Table{table})
	ofParts, _ := amongTables("table", []sql.Table{table})
	rows, err := selectRows[struct {
		Made       string `json:"made"`
		Partition  string `json:"partition"`
		Name       string `json:"part"`
		Hash       string `json:"hash"`
		First      int64  `json:"first,string"`
		Last       int64  `json:"last,string"`
		Rows       int64  `json:"size,string"`
		ModifiedMs int64  `json:"modified,string"`
	}](ctx, s, "SELECT "+made+" AS made, '' AS partition, '' AS part, '' AS hash,"+
		" toInt64(0) AS first, toInt64(0) AS last, toInt64(0) AS size, toInt64(0) AS modified FROM system.tables WHERE "+ofTable+
		" UNION ALL SELECT '', partition_id, name, hash_of_all_files, toInt64(min_block_number), toInt64(max_block_number),"+
		" toInt64(rows), toInt64(toUnixTimestamp(modification_time)) * 1000 FROM system.parts WHERE active AND "+ofParts, params...)
	var parts Parts
	for _, r := range rows {
		if r.Name == "" {
			parts.Made = r.Made
			continue
		}
		parts.All = append(parts.All, Part{r.Partition, r.Name, r.Hash, r.First, r.Last, r.Rows, time.UnixMilli(r.ModifiedMs).UTC()})
	}
	return parts, err
}

// Reach is the least and the greatest time in a part, in ticks of the time column. In a part
// whose rows have no time the first lies after the last.
type Reach struct{ First, Last int64 }

// mostReached bounds how many times are read: some seconds of a few cores.
const mostReached = 1_000_000_000

// errMade is why times are not told.
var errMade = errors.New("the table was changed while the times of its parts were asked for")

// mostNamed bounds the names of parts that go into one parameter.
const mostNamed = 500

// Reaches are those of parts, by their names; of those that the table has no more, there is
// none. ClickHouse knows the answer where rows are divided or sorted by time, and else reads
// the times in these parts, or fails if there are more than mostReached. Which times there are
// depends also on what the table is, as columns may be renamed, or computed where a part lacks
// them: of is Made of the table that was asked, and empty when it has none of the parts.
func (s *Store) Reaches(ctx context.Context, table sql.Table, column sql.Ref, typ Type, names []string) (reaches map[string]Reach, of string, err error) {
	which, params := amongTables("name", []sql.Table{table})
	part := sql.Ref{Table: column.Table, Column: "_part"}
	ticks := func(most string) sql.Expr {
		return sql.Call("ifNull", sql.Call("toInt64", typ.Ticks(sql.Call("assumeNotNull", sql.Call(most, column)))), sql.Text("0"))
	}
	query := sql.Select{From: table, Alias: column.Table, GroupBy: []sql.Expr{part}, Columns: []sql.Column{
		{Expr: sql.Text("(SELECT any(" + made + ") FROM system.tables WHERE " + which + ")"), As: "made"},
		{Expr: part, As: "name"},
		{Expr: ticks("min"), As: "first"},
		{Expr: ticks("max"), As: "last"},
		{Expr: sql.Call("isNull", sql.Call("min", column)), As: "none"},
	}}
	query.Settings = []sql.Setting{{Name: maxRowsToRead, Value: mostReached}}
	reaches = map[string]Reach{}
	for some := range slices.Chunk(names, mostNamed) {
		query.Where = []sql.Expr{sql.Compare{Left: part, Operator: "IN", Right: sql.Array{Type: "String", Items: some, Quoted: true}}}
		statement := query.Build()
		statement.Params = append(statement.Params, params...)
		rows, err := selectStatement[struct {
			Made  string `json:"made"`
			Name  string `json:"name"`
			First int64  `json:"first,string"`
			Last  int64  `json:"last,string"`
			None  int    `json:"none"`
		}](ctx, s, statement)
		if err != nil {
			return nil, "", err
		}
		for _, r := range rows {
			if of != "" && r.Made != of {
				return nil, "", errMade
			}
			of = r.Made
			if reaches[r.Name] = (Reach{r.First, r.Last}); r.None == 1 {
				reaches[r.Name] = Reach{1, 0}
			}
		}
	}
	return reaches, of, nil
}

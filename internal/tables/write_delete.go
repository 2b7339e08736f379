package tables

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"framehouse/internal/catalog"
	"framehouse/internal/contracts"
	"framehouse/internal/store"
	"framehouse/internal/store/sql"
	"framehouse/internal/tables/filter"
)

// DeleteRequest asks for rows to be deleted.
type DeleteRequest struct {
	Table          string
	Where          filter.Expr // must be a condition
	IdempotencyKey string      // empty for none
	By             string      // who deletes
}

// Deleted is what became of a deletion.
type Deleted struct {
	Table string `json:"table" doc:"Published name"`
	Rows  int64  `json:"rows" doc:"Rows that were deleted; 0 when none matches"`
}

// Delete deletes the rows for which a condition holds, all or none. Rows of an upsert
// table can be written again. On an append table, rows of several partitions may be seen
// to go one partition after the other.
func (s *Service) Delete(ctx context.Context, r DeleteRequest) (Deleted, error) {
	table, err := s.writable(r.Table)
	if err != nil {
		return Deleted{}, err
	}
	if err := checkKey(r.IdempotencyKey); err != nil {
		return Deleted{}, err
	}
	where, err := filter.Compile(table, r.Where)
	if err != nil {
		return Deleted{}, err
	}
	if len(where) == 0 {
		return Deleted{}, contracts.Invalid("query", nil, "Say which rows, such as "+example(table)+".", "Without a condition all rows of %s would be deleted.", table.Name)
	}
	print := fingerprint("delete", table, filter.Query(r.Where).Encode())
	return inTurn(ctx, s, table, r.IdempotencyKey, print, func(ctx context.Context, turn *turn, a *attempt) (Deleted, error) {
		deleted := Deleted{Table: table.Name}
		if deleted.Rows, err = s.matching(ctx, table, where); err != nil || deleted.Rows == 0 {
			return deleted, err
		}
		if table.Write.Mode == catalog.Append {
			return deleted, s.Store.DeleteAll(ctx, sql.Delete{From: table.Source, Alias: catalog.Alias, Where: where})
		}
		if deleted.Rows > store.MostRows {
			return deleted, &contracts.Error{
				Code: contracts.CodeBodyTooLarge, Detail: fmt.Sprintf("%d rows match; at most %d are deleted at once. Nothing was deleted.", deleted.Rows, store.MostRows),
				Issues: []contracts.Issue{{Location: "query", Message: "too many rows match", Hint: "Narrow the filter, and delete in parts."}},
			}
		}
		if a.version, err = turn.version(ctx, s.Store, table); err != nil {
			return deleted, err
		}
		if err := s.Store.InsertAll(ctx, tombstones(table, where, a, r.By, s.writes.clock())); err != nil {
			return deleted, deletion(err)
		}
		if r.IdempotencyKey == "" {
			return deleted, nil
		}
		// If ClickHouse knew the token already, from before a restart, it stored nothing.
		left, err := s.matching(ctx, table, where)
		deleted.Rows = max(0, deleted.Rows-left)
		return deleted, err
	})
}

// example is a filter on the table that names one row.
func example(table *catalog.Table) string {
	if len(table.Key) > 0 {
		return "?" + table.Key[0] + "=…"
	}
	return "?" + table.Columns[0].Name + "=…"
}

// matching counts rows.
func (s *Service) matching(ctx context.Context, table *catalog.Table, where []sql.Expr) (int64, error) {
	query := table.Read()
	query.Columns = []sql.Column{{Expr: sql.Call("toString", sql.Call("count")), As: "cell"}}
	query.Where = where
	text, err := s.Store.Cell(ctx, query)
	if err != nil {
		return 0, err
	}
	return strconv.ParseInt(text, 10, 64)
}

// tombstones are the rows again, marked as deleted. All of their columns are kept: the
// table may have constraints.
func tombstones(table *catalog.Table, where []sql.Expr, a *attempt, by string, now instant) store.Insertion {
	w := table.Write
	from := table.Read()
	from.Where = where
	for i, name := range w.Stored {
		var e sql.Expr = sql.Ref{Table: catalog.Alias, Column: name}
		switch name {
		case w.Version.Name:
			e = sql.Value{Type: "UInt64", Text: versionText(w.Version.Type, a.version)}
			if w.Version.Type.Name == "DateTime64" {
				e = instantOf(a.version).value(w.Version.Type)
			}
		case w.Deleted.Name:
			e = sql.Text("1")
		case w.UpdatedAt.Name:
			e = now.value(w.UpdatedAt.Type)
		case w.UpdatedBy.Name:
			e = sql.Value{Type: "String", Text: by}
		}
		// By place: a name would hide the column of that name from the condition.
		from.Columns = append(from.Columns, sql.Column{Expr: e, As: fmt.Sprintf("c%d", i)})
	}
	return store.Insertion{Insert: sql.Insert{Into: table.Source, Columns: w.Stored, From: &from}, Token: a.token}
}

// deletion says of a refusal what a client who deletes can do.
func deletion(err error) error {
	var e *contracts.Error
	if errors.As(err, &e) && e.Code == contracts.CodeInvalidRequest && len(e.Issues) > 0 && e.Issues[0].Location == "body" {
		e.Issues[0].Location = "query"
		e.Issues[0].Hint = "Narrow the filter to one partition of the table, and delete in parts."
	}
	return err
}

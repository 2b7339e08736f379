package tables

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"framehouse/internal/catalog"
	"framehouse/internal/contracts"
	"framehouse/internal/store"
	"framehouse/internal/store/sql"
	"framehouse/internal/tables/ingest"
)

// A write is one INSERT of one block into one partition, which ClickHouse stores whole or
// not at all, and which every read after its answer sees.
//
// An upsert table is a ReplacingMergeTree(version, is_deleted) whose sorting key is the
// key of the table: of the rows with a key, reads (with FINAL) and merges keep the one with
// the greatest version, and none where that one is marked as deleted. To upsert is thus to
// insert, and to delete is to insert rows that are marked. An ALTER TABLE … UPDATE or DELETE
// would rewrite parts, take seconds, and be seen part by part.
//
// Versions are nanoseconds of the clock, each greater than the one before it and than all
// that were stored when this process first wrote to the table. Within a process writes to a
// table follow each other, so the later one wins. Two processes that write the same table
// have two clocks: of two writes of a row within the difference of these, the one with the
// later clock wins, whichever was answered last.
//
// A write is repeated safely under an Idempotency-Key: ClickHouse remembers the last
// insertions of a table (non_replicated_deduplication_window of them) by tokens, one of
// which is made of the key and the body, and stores nothing of a second one. This process
// remembers the answers to the last mostKeys keys of a table as well, and gives them again.
// After a restart a repeated upsert still stores nothing twice; a repeated mode=insert may
// be answered with the conflict that its own rows make; a repeated delete on an append table
// is done again.

// WriteRequest asks for rows to be stored.
type WriteRequest struct {
	Table string
	// Mode is upsert, or insert to refuse rows whose key exists; empty for what the table is
	// made for.
	Mode           string
	Body           ingest.Body
	IdempotencyKey string // empty for none
	By             string // who writes
}

// Written is what became of a write.
type Written struct {
	Table string `json:"table" doc:"Published name"`
	Mode  string `json:"mode" enum:"upsert,insert" doc:"What was done: upsert takes the place of rows with the same key"`
	Rows  int64  `json:"rows" doc:"Rows that were stored"`
}

// The modes of a write.
const (
	ModeUpsert = "upsert"
	ModeInsert = "insert"
)

// Write stores the rows of a body, all or none.
func (s *Service) Write(ctx context.Context, r WriteRequest) (Written, error) {
	table, err := s.writable(r.Table)
	if err != nil {
		return Written{}, err
	}
	mode, err := modeOf(table, r.Mode)
	if err != nil {
		return Written{}, err
	}
	if err := checkKey(r.IdempotencyKey); err != nil {
		return Written{}, err
	}
	rows, err := ingest.Read(table, r.Body, ingest.Limits{}, &s.writes.budget)
	if err != nil {
		return Written{}, err
	}
	defer rows.Release()
	print := fingerprint("write", table, mode, r.Body.Type, string(rows.Hash[:]))
	return inTurn(ctx, s, table, r.IdempotencyKey, print, func(ctx context.Context, turn *turn, a *attempt) (Written, error) {
		written := Written{Table: table.Name, Mode: mode, Rows: int64(rows.Count())}
		if rows.Count() == 0 {
			return written, nil
		}
		// Of a write that may have happened, mode=insert must know the rows again. An upsert
		// comes after what was written since.
		if a.version == 0 || mode == ModeUpsert {
			if a.version, err = turn.version(ctx, s.Store, table); err != nil {
				return written, err
			}
		}
		w := insertion{table: table, rows: rows, mode: mode, by: r.By, attempt: a, now: s.writes.clock()}
		return written, w.run(ctx, s.Store)
	})
}

// writable is a table that is published and can be written.
func (s *Service) writable(name string) (*catalog.Table, error) {
	table, err := s.Table(name)
	if err != nil {
		return nil, err
	}
	if table.Write == nil {
		message := fmt.Sprintf("The table %q is only read.", name)
		return nil, &contracts.Error{
			Code: contracts.CodeMethodNotAllowed, Detail: message,
			Issues: []contracts.Issue{{Location: "path.table", Message: message, Value: name, Hint: "The operator makes a table writable with write: upsert or write: append in the catalog."}},
		}
	}
	return table, nil
}

func modeOf(table *catalog.Table, mode string) (string, error) {
	own := ModeInsert
	if table.Write.Mode == catalog.Upsert {
		own = ModeUpsert
	}
	switch {
	case mode == "":
		return own, nil
	case mode != ModeUpsert && mode != ModeInsert:
		return "", contracts.Invalid("query.mode", mode, "Use upsert or insert.", "There is no mode %q.", mode)
	case mode == ModeUpsert && own != mode:
		return "", contracts.Invalid("query.mode", mode, "Use mode=insert.", "Rows of %s are added and never replaced.", table.Name)
	}
	return mode, nil
}

// insertion is rows on their way into a table.
type insertion struct {
	table   *catalog.Table
	rows    *ingest.Rows
	mode    string
	by      string
	attempt *attempt
	now     instant
}

func (w *insertion) run(ctx context.Context, db *store.Store) error {
	table := w.table.Write
	created := make(map[int][]byte) // of rows that exist, by their number
	if table.Mode == catalog.Upsert && (w.mode == ModeInsert || table.CreatedAt.Name != "" || table.CreatedBy.Name != "") {
		if err := w.existing(ctx, db, created); err != nil {
			return err
		}
	}
	columns := w.rows.Columns
	var first, rest strings.Builder
	add := func(cells *strings.Builder, column catalog.Filled, value string) {
		if column.Name != "" {
			columns = append(columns[:len(columns):len(columns)], column.Name)
			cells.WriteString("," + value)
		}
	}
	add(&first, table.CreatedAt, w.now.cell(table.CreatedAt.Type))
	add(&first, table.CreatedBy, quoted(w.by))
	add(&rest, table.UpdatedAt, w.now.cell(table.UpdatedAt.Type))
	add(&rest, table.UpdatedBy, quoted(w.by))
	add(&rest, table.Version, `"`+versionText(table.Version.Type, w.attempt.version)+`"`)
	add(&rest, table.Deleted, "0")
	fresh, end := []byte(first.String()+rest.String()), []byte(rest.String())
	var line []byte
	return db.InsertAll(ctx, store.Insertion{
		Insert: sql.Insert{Into: w.table.Source, Columns: columns},
		Token:  w.attempt.token,
		Rows: w.rows.Lines(func(n int) []byte {
			before, exists := created[n]
			if !exists {
				return fresh
			}
			line = append(append(line[:0], before...), end...)
			return line
		}),
	})
}

// existing finds the rows of a table that have the keys of ours, and what they say of how
// they came to be. For mode=insert there must be none.
func (w *insertion) existing(ctx context.Context, db *store.Store, created map[int][]byte) error {
	const keys, kept = "k", "r"
	table := w.table.Write
	external := store.External{Name: keys, Columns: []string{"n", "UInt32"}, Rows: w.rows.Keys()}
	found := w.table.Read()
	in := sql.InSelect{From: sql.Select{From: sql.External{Name: keys}, Alias: keys}}
	join := sql.Join{Alias: kept}
	// In the order of the lines, which is that of the table and not always that of the key.
	for i, name := range w.rows.Columns[:len(w.table.Key)] {
		column, as := w.table.Column(name), fmt.Sprintf("k%d", i)
		external.Columns = append(external.Columns, as, column.Type.Bare())
		in.Exprs = append(in.Exprs, column.Ref())
		in.From.Columns = append(in.From.Columns, sql.Column{Expr: sql.Ref{Table: keys, Column: as}, As: as})
		found.Columns = append(found.Columns, sql.Column{Expr: column.Ref(), As: as})
		join.On = append(join.On, sql.Compare{Left: sql.Ref{Table: keys, Column: as}, Operator: "=", Right: sql.Ref{Table: kept, Column: as}})
	}
	found.Where = []sql.Expr{in}
	query := sql.Select{
		Columns: []sql.Column{{Expr: sql.Ref{Table: keys, Column: "n"}, As: "n"}, {Expr: sql.Ref{Table: kept, Column: "v"}, As: "v"}},
		From:    sql.External{Name: keys}, Alias: keys,
		Where: []sql.Expr{sql.Call("isNotNull", sql.Ref{Table: kept, Column: "v"})},
	}
	found.Columns = append(found.Columns, sql.Column{Expr: versionNumber(table.Version), As: "v"})
	for i, f := range []catalog.Filled{table.CreatedAt, table.CreatedBy} {
		if f.Name != "" {
			as := fmt.Sprintf("c%d", i)
			found.Columns = append(found.Columns, sql.Column{Expr: sql.Ref{Table: catalog.Alias, Column: f.Name}, As: as})
			query.Columns = append(query.Columns, sql.Column{Expr: sql.Ref{Table: kept, Column: as}, As: as})
		}
	}
	if w.mode == ModeInsert {
		query.OrderBy = []sql.Order{{Expr: sql.Ref{Table: keys, Column: "n"}}}
	}
	join.From = found
	query.Joins = []sql.Join{join}

	var conflicts []contracts.Issue
	own := `"` + fmt.Sprint(w.attempt.version) + `"`
	err := db.Lookup(ctx, query.Build(), external, func(cells []rawCell) error {
		var n int
		if _, err := fmt.Sscan(string(cells[0]), &n); err != nil || n < 0 || n >= w.rows.Count() {
			return fmt.Errorf("row %q of %d: %w", cells[0], w.rows.Count(), err)
		}
		if w.mode == ModeInsert && string(cells[1]) != own {
			conflicts = append(conflicts, contracts.Issue{
				Location: fmt.Sprintf("body.row[%d]", n+1), Message: fmt.Sprintf("Row %d has a key that exists.", n+1),
				Hint: "Leave the row out, or use mode=upsert to replace the row with the key.",
			})
			if len(conflicts) == mostConflicts {
				return errEnough
			}
			return nil
		}
		var line []byte
		for _, cell := range cells[2:] {
			line = append(append(line, ','), cell...)
		}
		created[n] = line
		return w.rows.Hold(int64(len(line)) + 64)
	})
	if err != nil && !errors.Is(err, errEnough) {
		return err
	}
	if len(conflicts) > 0 {
		return &contracts.Error{
			Code: contracts.CodeConflict, Issues: conflicts,
			Detail: strings.TrimSuffix(conflicts[0].Message, ".") + " in " + w.table.Name + "; nothing was stored.",
		}
	}
	return nil
}

// mostConflicts is how many rows are named that exist.
const mostConflicts = 10

var errEnough = errors.New("enough conflicts")

// fingerprint tells one request from another.
func fingerprint(action string, table *catalog.Table, parts ...string) [32]byte {
	h := sha256.New()
	for _, part := range append([]string{action, table.Source.Database, table.Source.Name}, parts...) {
		fmt.Fprintf(h, "%d %s", len(part), part)
	}
	return [32]byte(h.Sum(nil))
}

// token is what ClickHouse knows an insertion by.
func token(key string, print [32]byte) string {
	if key == "" {
		return rand.Text()
	}
	sum := sha256.Sum256(append(print[:], key...))
	return hex.EncodeToString(sum[:])
}

// checkKey makes sure that an Idempotency-Key can be told from others in a log.
func checkKey(key string) error {
	if len(key) > 255 || strings.ContainsFunc(key, func(r rune) bool { return r < ' ' || r > '~' }) {
		return contracts.Invalid("header.Idempotency-Key", key, "A random UUID will do.", "The Idempotency-Key must have 1 to 255 printable ASCII characters.")
	}
	return nil
}

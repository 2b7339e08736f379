package catalog

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"strconv"

	"framehouse/internal/contracts"
	"framehouse/internal/store/sql"
)

// Reading is a read that was found to be sound and is not done yet: whatever can be wrong
// with a request, without a look at the data, was said before there is one, and nothing was
// asked of ClickHouse.
type Reading struct {
	// Key holds all that the answer depends on but the data. Requests that mean the same have
	// the same, however they are spelt.
	Key Key
	// Of is the table or node that is asked.
	Of *Table
	// Tables are all whose data is read.
	Tables []sql.Table
	// Range is the time range that is read, or nil where there is none.
	Range *contracts.Range
	// Period is that of which alone rows of a node's table are read; nil when it has no end, or
	// other rows have a part in the answer.
	Period *Period
	// Relative tells that the same request means something else at another time.
	Relative bool
	// Later says what else may be read, depending on the answer to the first statement; empty
	// when nothing is.
	Later string
	// Caching is that of the table or node that is asked for.
	Caching Caching
	// Export tells that all rows are asked for, however many.
	Export bool
	// Run reads. Whoever gets the frame closes it. It may be called again, also at the same time.
	Run func(ctx context.Context) (*contracts.Frame, error)
	// FromPieces is Run with what is kept of other answers; nil where there is no such thing. Its
	// rows are the same and come in other batches, of which a format may make something else.
	FromPieces func(ctx context.Context) (*contracts.Frame, error)
}

// NewReading is a reading of a table, with these columns, by run. The statement stands for
// all that run asks: one that asks several, of which later ones depend on the answers of
// earlier ones, names here the rows that it is about, and in rest what it does with them.
func NewReading(table *Table, columns []*Column, statement sql.Statement, rest []string, run func(context.Context) (*contracts.Frame, error)) (*Reading, error) {
	fields, err := json.Marshal(Fields(columns))
	if err != nil {
		return nil, err
	}
	parts := []string{string(table.identity[:]), string(fields), statement.Text}
	for _, p := range statement.Params {
		parts = append(parts, p.Name, p.Type, p.Value)
	}
	parts = append(parts, "SETTINGS")
	for _, s := range statement.Settings {
		parts = append(parts, s.Name, strconv.FormatInt(s.Value, 10))
	}
	return &Reading{Key: Key{}.With(parts...).With(rest...), Of: table, Tables: statement.Tables, Caching: table.Caching, Run: run}, nil
}

// Then is the reading with something done to its frame; parts say what, for the key.
func (r *Reading) Then(do func(*contracts.Frame), parts ...string) *Reading {
	then := *r
	then.Key = r.Key.With(parts...)
	after := func(run func(context.Context) (*contracts.Frame, error)) func(context.Context) (*contracts.Frame, error) {
		return func(ctx context.Context) (*contracts.Frame, error) {
			frame, err := run(ctx)
			if err == nil {
				do(frame)
			}
			return frame, err
		}
	}
	then.Run = after(r.Run)
	if r.FromPieces != nil {
		then.FromPieces = after(r.FromPieces)
	}
	return &then
}

// Key tells readings apart.
type Key [sha256.Size]byte

// With is the key with more that the answer depends on, in this order.
func (k Key) With(parts ...string) Key {
	// Each part with its length, so that none runs into the next; and their number, so that
	// no parts are others than those of two calls.
	text := append(make([]byte, 0, 256), k[:]...)
	text = binary.AppendUvarint(text, uint64(len(parts)))
	for _, part := range parts {
		text = binary.AppendUvarint(text, uint64(len(part)))
		text = append(text, part...)
	}
	return sha256.Sum256(text)
}

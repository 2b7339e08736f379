package store

import (
	"strings"

	"framehouse/internal/store/sql"
)

// A LowCardinality column holds its values once, in a dictionary, and an index for each row.
// Where ClickHouse merges sorted blocks it goes by rows, and looks each value up in the
// dictionary again, which costs ten times as much as to copy a text. So rows are spelled out
// before they are sorted, and packed again for the way.

// packs tells whether columns of the type are spelled out. Texts are what dictionaries are
// for; other types are left as they are.
func (t Type) packs() bool { return t.LowCardinality && t.Name == "String" }

// SpelledOut is a column of the type with a value in each row, in place of a dictionary.
func (t Type) SpelledOut(column sql.Expr) sql.Expr {
	switch {
	case !t.packs():
		return column
	case t.Nullable:
		return sql.Call("CAST", column, sql.Text("'Nullable(String)'"))
	}
	return sql.Call("CAST", column, sql.Text("'String'"))
}

// Packed is a column that was spelled out as one of the type again.
func (t Type) Packed(column sql.Expr) sql.Expr {
	if !t.packs() {
		return column
	}
	return sql.Call("toLowCardinality", column)
}

// Joinable is a column of the type, spelled out or not, as one whose batches can be put together
// again: those of dictionaries that hold a null cannot, as Arrow's library then loses texts.
func (t Type) Joinable(column sql.Expr) sql.Expr {
	if t.LowCardinality && t.Nullable {
		return sql.Call("CAST", column, sql.Text("'Nullable("+strings.ReplaceAll(t.Bare(), "'", `\'`)+")'"))
	}
	return t.Packed(column)
}

package catalog

import (
	"fmt"
	"slices"
	"strings"

	"framehouse/internal/contracts"
	"framehouse/internal/store/sql"
)

// Alias is the name that a published table has inside a statement.
const Alias = "t"

// Read is a statement that reads the table under Alias, with nothing selected yet.
func (t *Table) Read() sql.Select {
	return sql.Select{From: t.Source, Final: t.Final, Alias: Alias, Limits: t.Limits}
}

// Ref is the column in a statement that reads from its table under Alias.
func (c *Column) Ref() sql.Ref { return sql.Ref{Table: Alias, Column: c.Name} }

// Selected is the column as it is selected for a frame.
func (c *Column) Selected() sql.Column { return sql.Column{Expr: c.Type.Wire(c.Ref()), As: c.Name} }

// Fields and Selection derive both halves of a frame from one list of columns, so that
// they cannot differ.
func Fields(columns []*Column) []contracts.Field {
	fields := make([]contracts.Field, len(columns))
	for i, c := range columns {
		fields[i] = c.Field()
	}
	return fields
}

// Selection is the select list of the columns.
func Selection(columns []*Column) []sql.Column {
	selection := make([]sql.Column, len(columns))
	for i, c := range columns {
		selection[i] = c.Selected()
	}
	return selection
}

// NewFrame is a frame of the columns over their records; see contracts.NewFrame. It fails,
// and closes the records, if the columns have come to be of other types in ClickHouse than
// the catalog knows: what fields say of their cells would be wrong.
func NewFrame(columns []*Column, records contracts.RecordReader, limit int64) (*contracts.Frame, error) {
	for i, field := range records.Schema().Fields() {
		if i < len(columns) && !columns[i].Type.CarriedBy(field.Type) {
			records.Close()
			return nil, &contracts.Error{
				Code:       contracts.CodeUnavailable,
				Detail:     "The table has changed in ClickHouse, and the catalog is about to be read again.",
				RetryAfter: reloadPause,
				Cause:      fmt.Errorf("column %s is a %s for the catalog and came as %s", columns[i].Name, columns[i].Type, field.Type),
			}
		}
	}
	return contracts.NewFrame(Fields(columns), records, limit), nil
}

// Pick returns the named columns in the order of the names, or all when there are none.
// location is where the request names them.
func (t *Table) Pick(location string, names []string) ([]*Column, error) {
	if len(names) == 0 {
		return t.Columns, nil
	}
	var columns []*Column
	for _, name := range names {
		c := t.Column(name)
		if c == nil {
			return nil, t.NoColumn(location, name)
		}
		if slices.Contains(columns, c) {
			return nil, contracts.Invalid(location, name, "Name each column once.", "The column %q is selected twice.", name)
		}
		columns = append(columns, c)
	}
	return columns, nil
}

// NoColumn is the error for a name that is none of a column's. parameters are other names that
// could have stood at the location.
func (t *Table) NoColumn(location, name string, parameters ...string) *contracts.Error {
	names := t.ColumnNames()
	hint := "Columns are " + strings.Join(names, ", ") + "."
	if len(parameters) > 0 {
		hint += " Other parameters are " + strings.Join(parameters, ", ") + "."
	}
	if near := contracts.Nearest(name, append(names, parameters...)); near != "" {
		hint = "Did you mean \"" + near + "\"? " + hint
	}
	return contracts.Invalid(location, name, hint, "%s has no column %q.", t.Name, name)
}

// CheckLimit makes sure that a limit is one that the table allows. Lowering it silently
// would pass a part for the whole.
func (t *Table) CheckLimit(limit int64) error {
	if limit == contracts.NoLimit {
		if t.Export {
			return nil
		}
		return contracts.Invalid("query.limit", "all", "Ask for a number, or for pages.",
			"The catalog does not allow all rows of %s to be exported at once; at most %d.", t.Name, t.MaxRows)
	}
	if limit < 1 || limit > t.MaxRows {
		return contracts.Invalid("query.limit", limit, "Ask for less, or narrow the request with a filter.",
			"limit must lie between 1 and %d for %s.", t.MaxRows, t.Name)
	}
	return nil
}

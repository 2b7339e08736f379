package catalog

import (
	"fmt"
	"testing"

	"framehouse/internal/store"
	"framehouse/internal/store/sql"
)

// What tells how far a node has changed is a time or a whole number that is always there.
func TestChanged(t *testing.T) {
	t.Parallel()
	db := &known{tables: map[sql.Table]store.TableInfo{{Database: "db", Name: "ticks"}: {Columns: []store.ColumnInfo{
		{Name: "time", Type: "DateTime"}, {Name: "v", Type: "Float64"}, {Name: "seen", Type: "DateTime64(3)"}, {Name: "version", Type: "UInt64"}, {Name: "maybe", Type: "Nullable(DateTime)"},
	}}}}
	for column, want := range map[string]string{
		"seen":    "seen []",
		"version": "version []",
		"v":       `[c.yaml:2: nodes.ticks: changed names the column "v", a Float64; it must be a time or a whole number that grows with each change, and not Nullable]`,
		"maybe":   `[c.yaml:2: nodes.ticks: changed names the column "maybe", a Nullable(DateTime); it must be a time or a whole number that grows with each change, and not Nullable]`,
		"sen":     `[c.yaml:2: nodes.ticks: changed names the column "sen", which there is not; did you mean "seen"?]`,
	} {
		c, err := Load(t.Context(), "c.yaml", []byte("nodes:\n  ticks: {time: time, changed: "+column+"}\n"), db)
		if err != nil {
			t.Fatal(err)
		}
		got := fmt.Sprint(c.Faults)
		if len(c.Nodes) > 0 {
			got = c.Nodes[0].Changed.Name + " " + got
		}
		if got != want {
			t.Errorf("%s:\n got %s\nwant %s", column, got, want)
		}
	}
}

package store

import (
	"strings"
	"testing"

	"framehouse/internal/store/sql"
	"framehouse/internal/store/storetest"
)

// TestSpelledOut asks the engine: what is packed again has the type and the values that it
// had, and lies between as plain values, if it is of texts.
func TestSpelledOut(t *testing.T) {
	t.Parallel()
	const texts = "arrayJoin(['', 'a', 'A', 'é', '\\0', '\\xff\\'\\\\', repeat('x', 300)])"
	for text, test := range map[string]struct{ values, between string }{
		"LowCardinality(String)":           {texts, "String"},
		"LowCardinality(Nullable(String))": {"arrayJoin([NULL, 'NULL', '', 'a'])", "Nullable(String)"},
		"LowCardinality(FixedString(2))":   {"arrayJoin(['', 'a', 'ab'])", ""},
		"LowCardinality(UInt16)":           {"arrayJoin([0, 1, 65535])", ""},
		"String":                           {texts, ""},
		"Nullable(String)":                 {"arrayJoin([NULL, ''])", ""},
		"DateTime64(3, 'UTC')":             {"arrayJoin([0, 1.5])", ""},
	} {
		typ, err := ParseType(text)
		if err != nil {
			t.Fatal(err)
		}
		quoted := sql.Text("'" + strings.ReplaceAll(text, "'", "\\'") + "'")
		stored := sql.Select{Columns: []sql.Column{{Expr: sql.Call("CAST", sql.Text(test.values), quoted), As: "c"}}, From: sql.Table{Database: "system", Name: "one"}}
		c := sql.Ref{Table: "s", Column: "c"}
		between := sql.Select{Columns: []sql.Column{{Expr: c, As: "c"}, {Expr: typ.SpelledOut(c), As: "plain"}}, From: stored, Alias: "s"}
		packed := sql.Call("materialize", typ.Packed(sql.Ref{Table: "s", Column: "plain"}))
		told := sql.Select{From: between, Alias: "s", Columns: []sql.Column{
			{Expr: sql.Call("any", sql.Call("toTypeName", sql.Ref{Table: "s", Column: "plain"})), As: "between"},
			{Expr: sql.Call("any", sql.Call("toTypeName", packed)), As: "after"},
			{Expr: sql.Call("count"), As: "rows"},
			{Expr: sql.Call("countIf", sql.Call("isNotDistinctFrom", packed, c)), As: "same"},
		}}
		want := test.between
		if want == "" {
			want = text
		}
		got := strings.Split(strings.TrimSpace(storetest.Query(t, "", told.Build().Text+" SETTINGS allow_suspicious_low_cardinality_types = 1 FORMAT TSVRaw")), "\t")
		if len(got) != 4 || got[0] != want || got[1] != text || got[2] == "0" || got[2] != got[3] {
			t.Errorf("%s: between, after, rows and those that are the same are %q", text, got)
		}
	}
}

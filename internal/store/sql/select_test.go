package sql

import (
	"slices"
	"testing"
)

func TestBuild(t *testing.T) {
	t.Parallel()
	time := Ref{"t", "time"}
	table := Table{"db", "prices"}
	tests := []struct {
		name   string
		query  Select
		text   string
		params []Param
	}{
		{
			"everything",
			Select{
				Columns: []Column{{Call("toDateTime64", time, Text("0"), Text("'UTC'")), "time"}, {Ref{"t", "close"}, "close"}},
				From:    table, Alias: "t",
				Where: []Expr{
					Compare{time, ">=", Value{"Date", "2026-01-01"}},
					In{Ref{"t", "id"}, []Value{{"String", "A"}, {"String", "B"}}},
				},
				OrderBy: []Order{{Expr: time, Descending: true}, {Expr: Ref{"t", "id"}}},
				LimitBy: []Expr{Ref{"t", "id"}},
				Limit:   11,
			},
			"SELECT toDateTime64(`t`.`time`, 0, 'UTC') AS `time`, `t`.`close` AS `close` FROM `db`.`prices` AS `t`" +
				" WHERE `t`.`time` >= {p0:Date} AND `t`.`id` IN ({p1:String}, {p2:String})" +
				" ORDER BY `t`.`time` DESC, `t`.`id` LIMIT 1 BY `t`.`id` LIMIT 11",
			[]Param{{"p0", "Date", "2026-01-01"}, {"p1", "String", "A"}, {"p2", "String", "B"}},
		},
		{
			"one value is an equality",
			Select{Columns: []Column{{time, "time"}}, From: table, Alias: "t", Where: []Expr{In{time, []Value{{"Date", "2026-01-01"}}}}},
			"SELECT `t`.`time` AS `time` FROM `db`.`prices` AS `t` WHERE `t`.`time` = {p0:Date}",
			[]Param{{"p0", "Date", "2026-01-01"}},
		},
		{
			"nested",
			Select{Columns: []Column{{Ref{"s", "a"}, "a"}}, Alias: "s", From: Select{Columns: []Column{{Ref{"t", "a"}, "a"}}, From: table, Alias: "t", Limit: 1}},
			"SELECT `s`.`a` AS `a` FROM (SELECT `t`.`a` AS `a` FROM `db`.`prices` AS `t` LIMIT 1) AS `s`",
			nil,
		},
		{
			"identifiers cannot leave their quotes",
			Select{Columns: []Column{{Ref{"t", "a`b"}, `c\`}}, From: Table{"d`;--", "x"}, Alias: "t"},
			"SELECT `t`.`a\\`b` AS `c\\\\` FROM `d\\`;--`.`x` AS `t`",
			nil,
		},
		{
			"values are escaped as the server reads them",
			Select{Columns: []Column{{Value{"String", "a\tb\nc\\d'e\x00"}, "v"}}, From: table},
			"SELECT {p0:String} AS `v` FROM `db`.`prices`",
			[]Param{{"p0", "String", `a\tb\nc\\d\'e\0`}},
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got := test.query.Build()
			if got.Text != test.text {
				t.Errorf("text\n got %s\nwant %s", got.Text, test.text)
			}
			if !slices.Equal(got.Params, test.params) {
				t.Errorf("params\n got %q\nwant %q", got.Params, test.params)
			}
		})
	}
}

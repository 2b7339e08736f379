package sql

import "testing"

func TestAsOfJoin(t *testing.T) {
	t.Parallel()
	query := Select{
		Columns: []Column{{Ref{"r", "v"}, "v"}}, From: Table{"db", "l"}, Alias: "t",
		Joins: []Join{{AsOf: true, From: Table{"db", "r"}, Alias: "r", On: []Expr{
			Compare{Ref{"t", "id"}, "=", Ref{"r", "id"}}, Compare{Ref{"t", "time"}, ">=", Ref{"r", "time"}},
		}}},
	}
	const want = "SELECT `r`.`v` AS `v` FROM `db`.`l` AS `t` ASOF LEFT JOIN `db`.`r` AS `r` ON `t`.`id` = `r`.`id` AND `t`.`time` >= `r`.`time`"
	if got := query.Build().Text; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

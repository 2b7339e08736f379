package sql

import "testing"

func TestInsertAndDelete(t *testing.T) {
	t.Parallel()
	table := Table{"db", "a`b"}
	column := Ref{"t", "c"}
	from := Select{Columns: []Column{{column, "c0"}}, From: table, Alias: "t", Where: []Expr{Compare{column, "=", Value{"String", "it's"}}}}
	for want, got := range map[string]Statement{
		"INSERT INTO `db`.`a\\`b` (`x`, `y\\`z`)": Insert{Into: table, Columns: []string{"x", "y`z"}}.Build(),
		"INSERT INTO `db`.`a\\`b` (`c`) SELECT `t`.`c` AS `c0` FROM `db`.`a\\`b` AS `t` WHERE `t`.`c` = {p0:String}": Insert{Into: table, Columns: []string{"c"}, From: &from}.Build(),
		"DELETE FROM `db`.`a\\`b` WHERE `c` = {p0:String} AND `r`.`c` = {p1:String}": Delete{table, "t", []Expr{
			Compare{column, "=", Value{"String", "x"}}, Compare{Ref{"r", "c"}, "=", Value{"String", "y"}}}}.Build(),
		"SELECT `k`.`c` AS `c` FROM `k` AS `k`": Select{Columns: []Column{{Ref{"k", "c"}, "c"}}, From: External{"k"}, Alias: "k"}.Build(),
	} {
		if got.Text != want {
			t.Errorf("\n got %s\nwant %s", got.Text, want)
		}
	}
}

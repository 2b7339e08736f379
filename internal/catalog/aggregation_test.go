package catalog

import (
	"strings"
	"testing"

	"framehouse/internal/store/storetest"
)

func TestAggregation(t *testing.T) {
	t.Parallel()
	database := storetest.Database(t)
	storetest.Exec(t, database, "CREATE TABLE prices (time DateTime, price Float64, note String, tags Array(String)) ENGINE = MergeTree ORDER BY time")
	db := open(t, database)
	c := load(t, db, `
		nodes:
		  prices:
		    time: time
		    columns: {price: {agg: mean}, note: {agg: max}, tags: {agg: count}}
		`)
	if len(c.Faults) > 0 {
		t.Fatal(c.Faults)
	}
	for name, agg := range map[string]string{"time": "", "price": "mean", "note": "max", "tags": "count"} {
		if got := c.Nodes[0].Column(name).Agg; got != agg {
			t.Errorf("%s is put together by %q, not %q", name, got, agg)
		}
	}
	for text, want := range map[string]string{
		"nodes: {prices: {time: time, columns: {price: {agg: average}}}}": `agg "average" is none of last, first, mean`,
		"nodes: {prices: {time: time, columns: {note: {agg: sum}}}}":      "agg sum does not go with a String",
		"nodes: {prices: {time: time, columns: {tags: {agg: max}}}}":      "agg max does not go with a Array(String)",
		"tables: {prices: {columns: {price: {agg: mean}}}}":               `unknown key "agg"`,
	} {
		c := load(t, db, text)
		if len(c.Faults) != 1 || !strings.Contains(c.Faults[0].Message, want) {
			t.Errorf("%s\n%v, want %s", text, c.Faults, want)
		}
	}
}

package catalog

import (
	"strings"
	"testing"
)

func TestStoredInOrder(t *testing.T) {
	t.Parallel()
	table := &Table{sorting: []string{"id", "time", "venue"}}
	for _, test := range []struct {
		order, pinned string
		want          bool
	}{
		{"id", "", true},
		{"id time venue", "", true},
		{"id time venue close", "", true},
		{"-id -time", "", true},
		{"id -time", "", false},
		{"time", "", false},
		{"id close", "", false},
		{"time", "id", true},
		{"-time -id", "id", true},
		{"-time venue", "id", false},
		{"time venue", "id venue", true},
		{"close", "id time venue", true},
		{"close", "id", false},
		{"", "id", false},
	} {
		var order []Order
		for _, step := range strings.Fields(test.order) {
			name, descending := strings.CutPrefix(step, "-")
			order = append(order, Order{name, descending})
		}
		if got := table.StoredInOrder(order, strings.Fields(test.pinned)); got != test.want {
			t.Errorf("order %q with %q pinned: %t", test.order, test.pinned, got)
		}
	}
	if (&Table{}).StoredInOrder([]Order{{Column: "id"}}, nil) {
		t.Error("a table without a sorting key has no order")
	}
}

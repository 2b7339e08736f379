package catalog

import "slices"

// StoredInOrder tells whether ClickHouse keeps the rows in an order, or in its reverse,
// once each of the pinned columns has a single value.
func (t *Table) StoredInOrder(order []Order, pinned []string) bool {
	free := func(column string) bool { return !slices.Contains(pinned, column) }
	var sorting []string
	for _, column := range t.sorting {
		if free(column) {
			sorting = append(sorting, column)
		}
	}
	var steps []Order
	for _, step := range order {
		if free(step.Column) {
			steps = append(steps, step)
		}
	}
	for i := range min(len(steps), len(sorting)) {
		if steps[i].Column != sorting[i] || steps[i].Descending != steps[0].Descending {
			return false
		}
	}
	return len(t.sorting) > 0 && len(steps) > 0
}

package catalog

import (
	"slices"
	"strings"

	"framehouse/internal/store"
)

// Aggregations are what the values of a column can be put together by, in a bucket of time.
// A median lies between the two middle values where there is no single one, and the 95th
// percentile likewise.
func Aggregations() []string {
	return []string{"last", "first", "mean", "min", "max", "sum", "count", "median", "p95"}
}

// aggregation finds fault with one that does not exist or that a column's type cannot have.
func (v *verifier) aggregation(agg text, typ store.Type) {
	of := map[string]bool{"last": true, "first": true, "count": true, "min": typ.Comparable(), "max": typ.Comparable()}
	switch {
	case agg.value == "":
	case !slices.Contains(Aggregations(), agg.value):
		v.fault(agg.line, "agg %q is none of %s", agg.value, strings.Join(Aggregations(), ", "))
	case !of[agg.value] && !typ.Numeric():
		v.fault(agg.line, "agg %s does not go with a %s", agg.value, typ)
	}
}

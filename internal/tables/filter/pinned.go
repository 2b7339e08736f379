package filter

import "framehouse/internal/catalog"

// Pinned are the columns of which the filter lets through one value alone.
func Pinned(e Expr) []string {
	switch e := e.(type) {
	case And:
		var all []string
		for _, part := range e {
			all = append(all, Pinned(part)...)
		}
		return all
	case Condition:
		if len(e.Values) == 1 && (e.Operator == catalog.Equal || e.Operator == catalog.In) {
			return []string{e.Column}
		}
	}
	return nil
}

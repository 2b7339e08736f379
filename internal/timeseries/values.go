package timeseries

import (
	"slices"
	"strings"

	"framehouse/internal/catalog"
	"framehouse/internal/contracts"
)

// Dimension is the table of a node, made sure that a column is one of its dimensions.
func (s *Service) Dimension(node, column string) (*catalog.Table, error) {
	n, err := s.node(node)
	if err != nil {
		return nil, err
	}
	names := make([]string, len(n.Dimensions))
	for i, d := range n.Dimensions {
		names[i] = d.Name
	}
	if slices.Contains(names, column) {
		return &n.Table, nil
	}
	hint := n.Name + " is a single series, which has no dimensions."
	if len(names) > 0 {
		hint = "Dimensions are " + strings.Join(names, ", ") + "."
	}
	if near := contracts.Nearest(column, names); near != "" {
		hint = "Did you mean \"" + near + "\"? " + hint
	}
	return nil, contracts.Invalid("path.dimension", column, hint, "%s has no dimension %q.", n.Name, column)
}

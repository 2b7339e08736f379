// Package tables reads published tables. A request is a typed value; a pure function
// turns it into a statement and the fields of the answer; the store runs the statement.
package tables

import (
	"context"
	"slices"
	"strings"

	"framehouse/internal/catalog"
	"framehouse/internal/contracts"
	"framehouse/internal/store"
	"framehouse/internal/store/sql"
)

// Service answers questions about published tables.
type Service struct {
	Catalog *catalog.Live
	Sizes   *catalog.Sizes
	Store   *store.Store
}

// DefaultLimit is the number of rows of an answer when the request names none.
const DefaultLimit = 1000

// Query asks for rows of a table.
type Query struct {
	Table  string
	Where  catalog.Filters
	Select []string // columns in this order; none for all
	Order  []string // columns, descending ones with a leading minus; none for the default
	Limit  int64    // zero for DefaultLimit, contracts.NoLimit for all
}

// List is a frame with one row a table.
func (s *Service) List(ctx context.Context) (*contracts.Frame, error) {
	c, err := s.Catalog.Current()
	if err != nil {
		return nil, err
	}
	return catalog.List(ctx, "tables", "Published tables", c.Tables, s.Sizes)
}

// Describe describes a table.
func (s *Service) Describe(ctx context.Context, name string) (catalog.TableDescription, error) {
	table, err := s.table(name)
	if err != nil {
		return catalog.TableDescription{}, err
	}
	return table.Describe(ctx, s.Sizes)
}

// Rows is a frame of rows. Whoever gets it closes it.
func (s *Service) Rows(ctx context.Context, q Query) (*contracts.Frame, error) {
	table, err := s.table(q.Table)
	if err != nil {
		return nil, err
	}
	p, err := newPlan(table, q)
	if err != nil {
		return nil, err
	}
	source, err := s.Sizes.FrameSource(ctx, table)
	if err != nil {
		return nil, err
	}
	records, err := s.Store.Query(ctx, p.query.Build())
	if err != nil {
		return nil, err
	}
	frame, err := catalog.NewFrame(p.columns, records, p.limit)
	if err != nil {
		return nil, err
	}
	frame.Source = source
	frame.Meta.Tabular.Limit = max(0, p.limit)
	frame.Meta.Tabular.PrimaryKeyFields = table.Key
	frame.Meta.Tabular.OrderedBy = p.order
	return frame, nil
}

func (s *Service) table(name string) (*catalog.Table, error) {
	c, err := s.Catalog.Current()
	if err != nil {
		return nil, err
	}
	return c.Table(name)
}

// plan is a query that was found to be sound.
type plan struct {
	query   sql.Select
	columns []*catalog.Column
	order   []string
	limit   int64
}

func newPlan(table *catalog.Table, q Query) (plan, error) {
	p := plan{limit: q.Limit}
	if p.limit == 0 {
		p.limit = min(DefaultLimit, table.MaxRows)
	}
	if err := table.CheckLimit(p.limit); err != nil {
		return p, err
	}
	var err error
	if p.columns, err = table.Pick("query.select", q.Select); err != nil {
		return p, err
	}
	p.query = table.Read()
	p.query.Columns = catalog.Selection(p.columns)
	p.query.Limit = p.limit + 1 // one row more tells whether there is more; none when there is no limit
	if p.query.Where, err = table.Where(q.Where); err != nil {
		return p, err
	}
	return p, p.orderBy(table, q.Order)
}

// orderBy orders by what was asked for, or else by the table's default, and then by the
// key, so that equal requests give equal answers.
func (p *plan) orderBy(table *catalog.Table, asked []string) error {
	steps := table.Order
	if len(asked) > 0 {
		steps = nil
		for _, text := range asked {
			name, descending := strings.CutPrefix(text, "-")
			if _, err := table.Pick("query.order", []string{name}); err != nil {
				return err
			}
			steps = append(steps, catalog.Order{Column: name, Descending: descending})
		}
	}
	for _, name := range table.Key {
		steps = append(slices.Clip(steps), catalog.Order{Column: name})
	}
	seen := map[string]bool{}
	for i, step := range steps {
		if seen[step.Column] {
			if i < len(asked) {
				return contracts.Invalid("query.order", step.Column, "Name each column once.", "The rows are ordered by %q twice.", step.Column)
			}
			continue
		}
		seen[step.Column] = true
		p.order = append(p.order, step.String())
		p.query.OrderBy = append(p.query.OrderBy, sql.Order{Expr: table.Column(step.Column).Ref(), Descending: step.Descending})
	}
	return nil
}

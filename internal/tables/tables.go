// Package tables reads and writes published tables. A request is a typed value; a pure
// function turns it into a statement and the fields of the answer; the store runs the
// statement.
//
// It promises of reading that the rows of an answer have a total order, so that equal
// requests have equal answers; that pages, which cursors lead through, neither skip nor
// repeat a row that is there all along; that a selected column of another table never makes
// a row more or less; that sums do not wrap; and that an estimate says that it is one.
//
// It promises of writing that a request is stored whole or not at all, after all of its
// rows were found to fit; that a read after the answer sees it; that an upsert leaves one
// row for each key; and that what is sent again under its Idempotency-Key is done once,
// also when nobody knows how the first time ended. How ClickHouse is made to do so is said
// where a write is described.
package tables

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"strings"

	"framehouse/internal/catalog"
	"framehouse/internal/contracts"
	"framehouse/internal/store"
	"framehouse/internal/store/sql"
	"framehouse/internal/tables/filter"
)

// Service answers questions about published tables.
type Service struct {
	Catalog *catalog.Live
	Sizes   *catalog.Sizes
	Store   *store.Store
	writes  writes
}

// DefaultLimit is the number of rows of an answer when the request names none.
const DefaultLimit = 1000

// Query asks for rows of a table, or for groups of them.
type Query struct {
	Table  string
	Where  filter.Expr
	Select []string // columns in this order, also of tables that this one refers to; none for all
	Order  []Order  // none for the default
	Limit  int64    // zero for DefaultLimit, contracts.NoLimit for all
	Cursor string   // NextCursor of the page before; empty for the first
	Count  string   // CountNone, which is the default, CountExact or CountEstimate

	// With one of these the rows are groups of rows: by columns, with aggregates such as
	// count and sum:balance. Having is a filter on the groups.
	Group, Aggregates []string
	Having            filter.Expr

	// Body tells that the query came in a body, for the places that errors name.
	Body bool
}

func (q Query) aggregates() bool { return len(q.Group) > 0 || len(q.Aggregates) > 0 }

// at is the place of a member of the query, as it is named in a body and in a URL.
func (q Query) at(body, query string) string {
	if q.Body {
		return "body." + body
	}
	return "query." + query
}

// place gives an error that names a parameter the place that it has in a body.
func (q Query) place(err error) error {
	if !q.Body || err == nil {
		return err
	}
	e := *contracts.AsError(err)
	e.Issues = slices.Clone(e.Issues)
	for i := range e.Issues {
		if name, found := strings.CutPrefix(e.Issues[i].Location, "query."); found {
			e.Issues[i].Location = "body." + name
		}
	}
	return &e
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
	table, err := s.Table(name)
	if err != nil {
		return catalog.TableDescription{}, err
	}
	return table.Describe(ctx, s.Sizes)
}

// Rows reads a frame of rows.
func (s *Service) Rows(q Query) (*catalog.Reading, error) {
	table, err := s.Table(q.Table)
	if err != nil {
		return nil, err
	}
	p, err := newPlan(table, q)
	if err != nil {
		return nil, err
	}
	return s.reading(table, p, q)
}

// Grouped is the table that a query's groups make, which conditions on them are about.
func (s *Service) Grouped(q Query) (*catalog.Table, error) {
	table, err := s.Table(q.Table)
	if err != nil {
		return nil, err
	}
	g, err := newGroups(table, q.Group, q.Aggregates, q.Body)
	if err != nil {
		return nil, err
	}
	return g.table, nil
}

// reading reads what a plan for a table asks for, and counts as the query wants it.
func (s *Service) reading(table *catalog.Table, p *plan, q Query) (*catalog.Reading, error) {
	query, err := p.query()
	if err != nil {
		return nil, err
	}
	statement := query.Build()
	columns := make([]*catalog.Column, len(p.columns))
	for i, c := range p.columns {
		columns[i] = c.column
	}
	rest := []string{"table", strconv.FormatInt(p.limit, 10), strings.Join(p.order.names(), "\x00"), cmp.Or(q.Count, CountNone), q.Cursor, strconv.FormatBool(p.only)}
	r, err := catalog.NewReading(table, columns, statement, rest, func(ctx context.Context) (*contracts.Frame, error) {
		frame, err := s.read(ctx, table, p, statement)
		if err != nil {
			return nil, err
		}
		if err := s.count(ctx, frame, p, q.Count); err != nil {
			frame.Close()
			return nil, err
		}
		return frame, nil
	})
	if err == nil {
		r.Export = p.limit == contracts.NoLimit
		if q.Count == CountExact {
			r.Later = "If there are more rows than the limit, a second query counts them."
		}
	}
	return r, err
}

func (s *Service) read(ctx context.Context, table *catalog.Table, p *plan, statement sql.Statement) (*contracts.Frame, error) {
	source, err := s.Sizes.FrameSource(ctx, table, nil)
	if err != nil {
		return nil, err
	}
	records, err := s.Store.Query(ctx, statement)
	if err != nil {
		return nil, err
	}
	frame, err := p.frame(records)
	if err != nil {
		return nil, err
	}
	frame.Source = source
	return frame, nil
}

// Table is the published table of a name, as the catalog has it now.
func (s *Service) Table(name string) (*catalog.Table, error) {
	c, err := s.Catalog.Current()
	if err != nil {
		return nil, err
	}
	return c.Table(name)
}

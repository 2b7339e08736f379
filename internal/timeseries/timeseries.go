// Package timeseries reads published nodes: tables whose rows are observations of one
// or more series. It knows what a time range means, and computes everything else in
// ClickHouse.
//
// A request is a typed value; a pure function turns it into a statement and the fields
// of the answer; the store runs the statement.
package timeseries

import (
	"context"
	"slices"
	"time"

	"framehouse/internal/catalog"
	"framehouse/internal/contracts"
	"framehouse/internal/store"
	"framehouse/internal/store/sql"
)

// Service answers questions about published nodes.
type Service struct {
	Catalog *catalog.Live
	Sizes   *catalog.Sizes
	Store   *store.Store
	Now     func() time.Time
}

// DefaultLimit is the number of rows of an answer when the request names none.
const DefaultLimit = 10_000

// Query asks for observations of a node.
type Query struct {
	Node        string
	Range       Range
	Identifiers []string // values of the node's first dimension
	Where       catalog.Filters
	Select      []string // value columns; none for all. Time and dimensions always come along
	Descending  bool     // newest first
	Limit       int64    // zero for DefaultLimit, contracts.NoLimit for all
}

// List is a frame with one row a node.
func (s *Service) List(ctx context.Context) (*contracts.Frame, error) {
	c, err := s.Catalog.Current()
	if err != nil {
		return nil, err
	}
	tables := make([]*catalog.Table, len(c.Nodes))
	for i, n := range c.Nodes {
		tables[i] = &n.Table
	}
	return catalog.List(ctx, "nodes", "Published nodes", tables, s.Sizes)
}

// Rows is a frame of observations in a time range, ordered by time and then by series.
// When there are more than the limit, it holds the newest. Whoever gets it closes it.
func (s *Service) Rows(ctx context.Context, q Query) (*contracts.Frame, error) {
	p, err := s.plan(q)
	if err != nil {
		return nil, err
	}
	frame, err := s.rows(ctx, p, q.Descending)
	if err != nil {
		return nil, err
	}
	frame.Meta.Range = p.resolved
	return frame, nil
}

// mostHoped bounds the rows that are read in the hope that they are all.
const mostHoped = DefaultLimit

func (s *Service) rows(ctx context.Context, p *plan, descending bool) (*contracts.Frame, error) {
	query := p.newestFirst()
	switch {
	case p.limit == contracts.NoLimit:
		query.OrderBy = p.ordering(descending)
		return s.run(ctx, p, query, false)
	case descending:
		return s.run(ctx, p, query, false)
	case p.resolved.From != nil && p.limit <= mostHoped:
		// A range with a start mostly holds fewer rows than the limit. Then which of them are
		// the newest is no question, and reading them in order is what ClickHouse does best.
		hopeful := query
		hopeful.OrderBy = p.ordering(false)
		frame, err := s.run(ctx, p, hopeful, false)
		if err != nil {
			return nil, err
		}
		settled, err := frame.Settle()
		if settled && !frame.Meta.Tabular.Truncated {
			return frame, nil
		}
		frame.Close()
		if err != nil {
			return nil, err
		}
	}
	return s.run(ctx, p, p.turned(query), true)
}

// Latest is a frame with the last observation of each series, ordered by series.
func (s *Service) Latest(ctx context.Context, q Query) (*contracts.Frame, error) {
	p, err := s.plan(q)
	if err != nil {
		return nil, err
	}
	p.order = p.order[1:]
	return s.run(ctx, p, p.latest(), false)
}

func (s *Service) plan(q Query) (*plan, error) {
	node, err := s.node(q.Node)
	if err != nil {
		return nil, err
	}
	return newPlan(node, q, s.Now())
}

func (s *Service) node(name string) (*catalog.Node, error) {
	c, err := s.Catalog.Current()
	if err != nil {
		return nil, err
	}
	return c.Node(name)
}

func (s *Service) run(ctx context.Context, p *plan, query sql.Select, turned bool) (*contracts.Frame, error) {
	source, err := s.Sizes.FrameSource(ctx, &p.node.Table)
	if err != nil {
		return nil, err
	}
	records, err := s.Store.Query(ctx, query.Build())
	if err != nil {
		return nil, err
	}
	frame, err := p.frame(records, turned)
	if err != nil {
		return nil, err
	}
	frame.Source = source
	frame.Meta.Tabular.Limit = max(0, p.limit)
	frame.Meta.Tabular.PrimaryKeyFields = p.node.Key
	for _, o := range p.order {
		frame.Meta.Tabular.OrderedBy = append(frame.Meta.Tabular.OrderedBy, o.String())
	}
	frame.Meta.TimeSeries = p.timeSeries()
	return frame, nil
}

// frame is a frame over the records of a query, turned or not.
func (p *plan) frame(records contracts.RecordReader, turned bool) (*contracts.Frame, error) {
	if !turned {
		return catalog.NewFrame(p.columns, records, p.limit)
	}
	counted, err := newCounted(records, p.limit)
	if err != nil {
		records.Close()
		return nil, err
	}
	frame, err := catalog.NewFrame(p.columns, counted, contracts.NoLimit)
	if err == nil {
		frame.Meta.Tabular.Truncated = counted.surplus
	}
	return frame, err
}

// timeSeries describes the frame as a time series, or is nil when no value column was
// selected.
func (p *plan) timeSeries() *contracts.TimeSeries {
	value := p.node.Value
	if !slices.Contains(p.columns, value) {
		i := slices.IndexFunc(p.columns, func(c *catalog.Column) bool {
			return c.FieldType() == contracts.TypeNumber || c.FieldType() == contracts.TypeInteger
		})
		if i < 0 {
			return nil
		}
		value = p.columns[i]
	}
	var dimensions []string
	for _, d := range p.node.Dimensions {
		dimensions = append(dimensions, d.Name)
	}
	t := contracts.LongSeries(p.node.Time.Name, value.Name, dimensions)
	t.Frequency = p.node.Frequency
	t.Sorted = len(p.order) > 0 && p.order[0] == catalog.Order{Column: p.node.Time.Name}
	for _, c := range p.columns {
		if c.Unit != "" {
			if t.UnitByField == nil {
				t.UnitByField = map[string]string{}
			}
			t.UnitByField[c.Name] = c.Unit
		}
	}
	return t
}

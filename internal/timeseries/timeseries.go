// Package timeseries reads published nodes: tables whose rows are observations of one
// or more series. It knows what a time range means, and computes everything else in
// ClickHouse.
//
// A request is a typed value; a pure function turns it into a statement and the fields
// of the answer; the store runs the statement.
package timeseries

import (
	"cmp"
	"context"
	"encoding/json"
	"slices"
	"strconv"
	"time"

	"framehouse/internal/catalog"
	"framehouse/internal/contracts"
	"framehouse/internal/store"
	"framehouse/internal/store/sql"
	"framehouse/internal/tables/filter"
)

// Service answers questions about published nodes.
type Service struct {
	Catalog *catalog.Live
	Sizes   *catalog.Sizes
	Store   *store.Store
	Now     func() time.Time
	// Kept are pieces of answers; nil when none are kept.
	Kept Pieces
	// PiecesFrom is how long a range takes to be read that is kept in pieces; zero for as long as
	// pays.
	PiecesFrom time.Duration
}

// DefaultLimit is the number of rows of an answer when the request names none.
const DefaultLimit = 10_000

// Query asks for observations of a node.
type Query struct {
	Node        string
	Range       Range
	Series      []SeriesRange // a range for each of some series; none for Range for all
	Identifiers []string      // values of the node's first dimension
	Where       filter.Expr
	Select      []string // value columns; none for all. Time and dimensions always come along
	Descending  bool     // newest first
	Limit       int64    // zero for DefaultLimit, contracts.NoLimit for all

	Buckets    Buckets // puts observations together; not at all without an interval
	Points     int64   // about the most points of a series; zero for all there are
	Downsample string  // how Points are chosen: auto, m4, lttb or mean; empty for auto
	Shape      string  // long or wide; empty for long
	Since      string  // what an earlier answer said to come back with

	only   sql.Expr // a condition of ours on observations; nil for none
	marked bool     // whether rows are marked with the bucket that they are of

	Latest Latest // which observation is the last; of Service.Latest alone
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

// Rows reads a frame of observations in a time range, ordered by time and then by series.
// When there are more than the limit, it holds the newest.
func (s *Service) Rows(q Query) (*catalog.Reading, error) {
	p, err := s.plan(q)
	if err != nil {
		return nil, err
	}
	for _, check := range []func(*plan, Query) error{(*plan).begin, (*plan).reducible, (*plan).spreadable} {
		if err := check(p, q); err != nil {
			return nil, err
		}
	}
	p.period = p.past()
	rest := []string{
		"rows", strconv.FormatBool(q.Descending), cmp.Or(q.Shape, "long"), strconv.FormatBool(p.explicit), q.Since,
		strconv.FormatInt(q.Points, 10), cmp.Or(q.Downsample, auto),
	}
	if q.Points > 0 && q.Downsample == mean && p.future() {
		// Which buckets there are is not known yet, so neither is whether the last has ended.
		p.relative, rest = true, append(rest, p.now.Format(time.RFC3339Nano))
	}
	r, err := s.reading(p, p.newestFirst(), rest, func(ctx context.Context, p *plan) (*contracts.Frame, error) { return s.readRows(ctx, p, q) })
	if err == nil {
		r.Later, r.Period = p.later(q), p.period
		if p.pieced != nil && s.Kept != nil && q.Shape != "wide" {
			r.FromPieces = func(ctx context.Context) (*contracts.Frame, error) { return s.readPieces(ctx, p.clone(), q) }
		}
	}
	return r, err
}

// later says what readRows may read after its first statement.
func (p *plan) later(q Query) string {
	_, _, closed := p.closed()
	switch {
	case p.tail != nil && !p.tail.byTime:
		return "This finds the latest change; the rows are read by queries that follow."
	case q.Points > 0 && (!closed || cmp.Or(q.Downsample, auto) == auto):
		return "This counts the rows; which are read then, to choose points from, depends on how many there are."
	case q.Shape == "wide":
		return "This finds the series; their rows are read by a query that follows."
	case q.Points == 0 && p.hopeful(q.Descending):
		return "If the range holds more rows than the limit, a second query reads the newest."
	}
	return ""
}

// reading is a reading of a plan's rows by run, which gets a plan of its own. query and rest
// say for the key what is asked, as catalog.NewReading has it.
func (s *Service) reading(p *plan, query sql.Select, rest []string, run func(context.Context, *plan) (*contracts.Frame, error)) (*catalog.Reading, error) {
	resolved, err := json.Marshal(p.resolved)
	if err != nil {
		return nil, err
	}
	query.Settings = append(slices.Clip(query.Settings), p.settings...)
	rest = append(rest, strconv.FormatInt(p.limit, 10), string(resolved))
	r, err := catalog.NewReading(&p.node.Table, p.columns, query.Build(), rest, func(ctx context.Context) (*contracts.Frame, error) {
		return run(ctx, p.clone())
	})
	if err == nil {
		r.Range, r.Relative, r.Export = p.resolved, p.relative, p.limit == contracts.NoLimit
	}
	return r, err
}

func (s *Service) readRows(ctx context.Context, p *plan, q Query) (*contracts.Frame, error) {
	for _, step := range []func(context.Context, *plan, Query) error{s.since, s.downsample} {
		if err := step(ctx, p, q); err != nil {
			return nil, err
		}
	}
	read := s.rows
	if q.Shape == "wide" {
		read = s.wide
	}
	frame, err := read(ctx, p, q.Descending)
	if err != nil {
		return nil, err
	}
	frame.Meta.Range = p.resolved
	return frame, nil
}

// mostHoped bounds the rows that are read in the hope that they are all.
const mostHoped = DefaultLimit

// hopeful tells whether the rows are first read in the hope that they are all.
func (p *plan) hopeful(descending bool) bool {
	return !descending && !p.bounded && p.limit != contracts.NoLimit && p.derived == nil && p.resolved.From != nil && p.limit <= mostHoped
}

func (s *Service) rows(ctx context.Context, p *plan, descending bool) (*contracts.Frame, error) {
	query := p.newestFirst()
	switch {
	case p.limit == contracts.NoLimit, p.bounded:
		query.OrderBy = p.ordering(descending)
		return s.run(ctx, p, query, false)
	case descending:
		return s.run(ctx, p, query, false)
	case p.hopeful(descending):
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

func (s *Service) plan(q Query) (*plan, error) {
	node, err := s.node(q.Node)
	if err != nil {
		return nil, err
	}
	return newPlan(node, q, s.Now())
}

// Table is the table of the published node of a name.
func (s *Service) Table(node string) (*catalog.Table, error) {
	n, err := s.node(node)
	if err != nil {
		return nil, err
	}
	return &n.Table, nil
}

func (s *Service) node(name string) (*catalog.Node, error) {
	c, err := s.Catalog.Current()
	if err != nil {
		return nil, err
	}
	return c.Node(name)
}

func (s *Service) run(ctx context.Context, p *plan, query sql.Select, turned bool) (*contracts.Frame, error) {
	source, err := s.Sizes.FrameSource(ctx, &p.node.Table, p.period)
	if err != nil {
		return nil, err
	}
	query.Settings = append(slices.Clip(query.Settings), p.settings...)
	records, err := s.Store.Query(ctx, query.Build())
	if err != nil {
		return nil, err
	}
	frame, err := p.frame(records, turned)
	if err != nil {
		return nil, err
	}
	p.describe(frame, source)
	return frame, nil
}

// describe says what a frame of the plan's rows is.
func (p *plan) describe(frame *contracts.Frame, source contracts.Source) {
	frame.Source = source
	frame.Meta.Tabular.Limit = max(0, p.limit)
	frame.Meta.Tabular.PrimaryKeyFields = p.node.Key
	for _, o := range p.order {
		frame.Meta.Tabular.OrderedBy = append(frame.Meta.Tabular.OrderedBy, o.String())
	}
	frame.Meta.TimeSeries = p.timeSeries()
}

// frame is a frame over the records of a query, turned or not.
func (p *plan) frame(records contracts.RecordReader, turned bool) (*contracts.Frame, error) {
	if !turned {
		if p.hidden > 0 {
			records = contracts.Hide(records, p.hidden, pass)
		}
		return p.followed(records, p.limit)
	}
	counted, err := newCounted(records, p.limit)
	if err != nil {
		records.Close()
		return nil, err
	}
	frame, err := p.followed(counted, contracts.NoLimit)
	if err == nil {
		frame.Meta.Tabular.Truncated = counted.surplus
	}
	return frame, err
}

// timeSeries describes the frame as a time series, or is nil when it has no column of
// numbers.
func (p *plan) timeSeries() *contracts.TimeSeries {
	value := p.value()
	if value == nil {
		return nil
	}
	var dimensions []string
	for _, d := range p.node.Dimensions {
		dimensions = append(dimensions, d.Name)
	}
	t := contracts.LongSeries(p.node.Time.Name, value.Name, dimensions)
	if t.Frequency = p.node.Frequency; p.resolved.Interval != "" {
		t.Frequency = p.resolved.Interval
	}
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

// value is the main one of the answer's columns: the node's, or a close, or the first of
// numbers.
func (p *plan) value() *catalog.Column {
	var first, last *catalog.Column
	for _, c := range p.columns[min(1+len(p.node.Dimensions), len(p.columns)):] {
		number := c.FieldType() == contracts.TypeNumber || c.FieldType() == contracts.TypeInteger
		switch {
		case p.node.Value != nil && c.Name == p.node.Value.Name:
			return c
		case number && c.Name == "close" && p.derived != nil:
			last = c
		case number && first == nil:
			first = c
		}
	}
	return cmp.Or(last, first)
}

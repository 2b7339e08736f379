package timeseries

import (
	"slices"
	"strings"
	"time"

	"framehouse/internal/catalog"
	"framehouse/internal/contracts"
	"framehouse/internal/store/sql"
	"framehouse/internal/tables/filter"
)

// plan is a query that was found to be sound.
//
// Its rows are observations of the node that satisfy where. A step that makes other rows
// of them, such as buckets, sets derived and says in columns what these rows are; whatever
// comes after reads through read and needs not know.
type plan struct {
	node     *catalog.Node
	zone     *time.Location    // whose days and calendar count
	now      time.Time         // of the request
	columns  []*catalog.Column // of the answer: time, dimensions, values
	where    []sql.Expr        // on observations of the node
	derived  *sql.Select       // rows with columns, in place of the observations; nil for these
	order    []catalog.Order   // of the answer: time first, then series
	limit    int64
	resolved *contracts.Range
	relative bool // whether the same request means something else at another time

	inRange   int               // how many of where, the first ones, are the range
	explicit  bool              // whether the request names the value columns
	perSeries bool              // whether series have ranges of their own
	ranges    []contracts.Range // these ranges, resolved
	settings  []sql.Setting     // of the whole statement
	bounded   bool              // whether there cannot be more rows than the limit
	fresh     sql.Expr          // true of rows that are not stale; nil when none is
	tail      *tail             // how far the answer reaches; nil when nobody follows it
	pinned    []string          // columns of which there is one value alone
	inOrder   bool              // whether the observations are stored in the order of the answer
	period    *catalog.Period   // of which alone rows are read, if it has ended; nil for any
	hidden    int               // columns at the end of a statement that are not the answer's
	pieced    *pieced           // what it takes to read buckets in pieces; nil when they are not
	marked    bool              // whether a last column tells where each bucket begins, in ticks
}

// clone is a plan that can be changed without changing the other.
func (p *plan) clone() *plan {
	one, resolved := *p, *p.resolved
	one.resolved, one.settings = &resolved, slices.Clip(p.settings)
	if p.tail != nil {
		one.tail = new(*p.tail)
	}
	return &one
}

func newPlan(node *catalog.Node, q Query, now time.Time) (*plan, error) {
	p := &plan{node: node, now: now, limit: q.Limit, explicit: len(q.Select) > 0}
	if p.limit == 0 {
		p.limit = min(DefaultLimit, node.MaxRows)
	}
	if err := node.CheckLimit(p.limit); err != nil {
		return nil, err
	}
	var err error
	if p.columns, err = pick(node, q.Select); err != nil {
		return nil, err
	}
	if p.zone, err = q.Range.zone(); err != nil {
		return nil, err
	}
	if err := p.ranged(q); err != nil {
		return nil, err
	}
	pinned := filter.And{q.Where}
	if len(q.Identifiers) > 0 {
		if len(node.Dimensions) == 0 {
			return nil, contracts.Invalid("query.identifiers", strings.Join(q.Identifiers, ","), "Leave identifiers out.", "%s is a single series, which has no identifiers.", node.Name)
		}
		series := filter.Condition{Column: node.Dimensions[0].Name, Operator: catalog.In, Values: q.Identifiers}
		condition, err := filter.Compile(&node.Table, series.At("query.identifiers"))
		if err != nil {
			return nil, err
		}
		p.where = append(p.where, condition...)
		pinned = append(pinned, series)
	}
	p.pinned = filter.Pinned(pinned)
	p.inOrder = node.StoredInOrder(node.Order, p.pinned)
	conditions, err := filter.Compile(&node.Table, q.Where)
	if err != nil {
		return nil, err
	}
	p.where = append(p.where, conditions...)
	if q.only != nil {
		p.where = append(p.where, q.only)
	}
	for _, o := range node.Order {
		p.order = append(p.order, catalog.Order{Column: o.Column, Descending: q.Descending})
	}
	p.marked = q.marked
	if err := p.bucketed(q.Buckets); err != nil {
		return nil, err
	}
	return p, nil
}

// ranged keeps the rows in the range, or in those of their series.
func (p *plan) ranged(q Query) (err error) {
	p.relative = q.Range.relative() || slices.ContainsFunc(q.Series, func(r SeriesRange) bool { return r.Range.relative() })
	if len(q.Series) == 0 {
		if p.resolved, err = q.Range.resolve(p.now); err == nil {
			p.round(q.Range.Last != "" || relative(q.Range.From), relative(q.Range.To))
			p.where = within(p.node.Time, p.resolved, p.zone)
			p.inRange = len(p.where)
		}
		return err
	}
	if r := q.Range; r.From != "" || r.To != "" || r.Last != "" {
		return contracts.Invalid("body.ranges", nil, "Give either ranges, or from and to.", "ranges of single series and a range of all contradict each other.")
	}
	ranges := slices.Clone(q.Series)
	for i := range ranges {
		ranges[i].Range.Timezone, ranges[i].Range.Inclusive = q.Range.Timezone, q.Range.Inclusive
	}
	p.perSeries = true
	p.where, p.ranges, p.resolved, err = withinSeries(p.node, ranges, p.zone, p.now)
	p.relative = p.relative || err == nil && p.future()
	return err
}

// future tells whether a range ends later than now. Whether its last bucket has ended is then
// another thing later.
func (p *plan) future() bool {
	return slices.ContainsFunc(append(slices.Clip(p.ranges), *p.resolved), func(r contracts.Range) bool { return r.To != nil && r.To.After(p.now) })
}

// read is a statement that reads the plan's rows under catalog.Alias, with nothing
// selected yet.
func (p *plan) read() sql.Select {
	if p.derived != nil {
		return sql.Select{From: *p.derived, Alias: catalog.Alias}
	}
	query := p.node.Read()
	query.Where, query.InOrder = p.where, p.inOrder
	return query
}

// pick returns time, dimensions and the selected value columns, in that order.
func pick(node *catalog.Node, selected []string) ([]*catalog.Column, error) {
	columns := append([]*catalog.Column{node.Time}, node.Dimensions...)
	values, err := node.Pick("query.select", selected)
	if err != nil {
		return nil, err
	}
	for _, c := range values {
		if !slices.Contains(columns, c) {
			columns = append(columns, c)
		}
	}
	return columns, nil
}

// raw selects the columns as they are, for an outer statement to represent.
func (p *plan) raw() []sql.Column {
	columns := make([]sql.Column, len(p.columns))
	for i, c := range p.columns {
		columns[i] = sql.Column{Expr: c.Ref(), As: c.Name}
	}
	return append(columns, p.mark()...)
}

// mark is the column that marks rows with the bucket that they are of, if there is one.
func (p *plan) mark() []sql.Column {
	if !p.marked {
		return nil
	}
	return []sql.Column{{Expr: ref(bucketColumn), As: bucketColumn}}
}

// ordering is that of the answer. By a column with one value there is nothing to order.
func (p *plan) ordering(descending bool) []sql.Order {
	var steps []sql.Order
	for i, o := range p.node.Order {
		if i > 0 && slices.Contains(p.pinned, o.Column) {
			continue
		}
		steps = append(steps, sql.Order{Expr: p.node.Column(o.Column).Ref(), Descending: descending})
	}
	return steps
}

// newestFirst reads the newest rows, and one more than the limit to know of others.
func (p *plan) newestFirst() sql.Select {
	query := p.read()
	query.Columns = p.packed()
	if p.derived != nil {
		query.From = p.spelledOut()
	}
	query.OrderBy, query.Limit = p.ordering(true), p.limit+1
	return query
}

// turned gives the newest rows oldest first. Each gets its number, counted from the
// newest, so turning is exact also among equal rows, and the very first row of the
// answer tells how many there are.
func (p *plan) turned(newest sql.Select) sql.Select {
	newest.Columns = p.raw()
	row := sql.Ref{Table: catalog.Alias, Column: rowColumn}
	numbered := sql.Select{
		Columns: append(p.raw(), sql.Column{Expr: sql.Call("rowNumberInAllBlocks"), As: rowColumn}),
		From:    newest, Alias: catalog.Alias,
	}
	return sql.Select{
		Columns: append(p.packed(), sql.Column{Expr: row, As: rowColumn}),
		From:    numbered, Alias: catalog.Alias,
		OrderBy: []sql.Order{{Expr: row, Descending: true}},
	}
}

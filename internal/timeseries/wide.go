package timeseries

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"framehouse/internal/catalog"
	"framehouse/internal/contracts"
	"framehouse/internal/store/sql"
)

// mostWide bounds the columns of a wide frame: Command Center's graph draws at most so many
// series.
const mostWide = 200

// Columns of the statements that turn series into columns.
const (
	seriesColumn = "__framehouse_series" // which column a row goes to
	cellColumn   = "__framehouse_cell"
	cellsColumn  = "__framehouse_cells"
)

// wide reads the plan's rows with one column a series, ordered by series, for one value
// column, and one row for each time at which there is an observation. Where a series has
// none the cell is null. Of several at one time the greatest counts.
func (s *Service) wide(ctx context.Context, p *plan, descending bool) (*contracts.Frame, error) {
	value, err := p.wideValue()
	if err != nil {
		return nil, err
	}
	columns, keys, err := s.seriesColumns(ctx, p, value)
	if err != nil {
		return nil, err
	}
	wide := p.widened(value, columns, keys)
	frame, err := s.rows(ctx, wide, descending)
	if err != nil {
		return nil, err
	}
	t := contracts.WideSeries(p.node.Time.Name, wide.names()[1:])
	t.Frequency = cmp.Or(p.resolved.Interval, p.node.Frequency)
	t.Sorted = !descending
	if value.Unit != "" {
		t.UnitByField = map[string]string{}
		for _, c := range columns {
			t.UnitByField[c.Name] = value.Unit
		}
	}
	if frame.Meta.TimeSeries = t; len(columns) == 0 {
		frame.Meta.TimeSeries = nil // a wide one has a value
	}
	return frame, nil
}

// spreadable checks what can be known of a wide answer before its points are chosen.
func (p *plan) spreadable(q Query) error {
	if q.Shape != "wide" || q.Points != 0 {
		return nil
	}
	_, err := p.wideValue()
	return err
}

// wideValue is the value column whose cells are spread.
func (p *plan) wideValue() (*catalog.Column, error) {
	values := p.values()
	value := mainValue(p.node, values)
	if len(values) == 1 {
		value = values[0]
	}
	if len(values) != 1 && (p.explicit || p.derived != nil || value == nil) {
		names := []string{}
		for _, c := range values {
			names = append(names, c.Name)
		}
		return nil, contracts.Invalid("query.shape", "wide", "Select one value column, with one aggregation, or ask for shape=long.",
			"shape=wide spreads one value column, and there are %d: %s.", len(values), strings.Join(names, ", "))
	}
	if !value.Type.Comparable() {
		return nil, contracts.Invalid("query.shape", "wide", "Select a column of plain values, or ask for shape=long.", "%s is a %s, which cannot be spread.", value.Name, value.Type)
	}
	return value, nil
}

// key tells series apart by one text.
func (p *plan) key() sql.Expr {
	d := p.node.Dimensions
	if len(d) == 1 && !d[0].Type.Nullable {
		return sql.Call("toString", d[0].Ref())
	}
	var parts []sql.Expr
	for _, d := range d {
		parts = append(parts, sql.Call("toString", d.Ref()))
	}
	return sql.Call("toString", sql.Call("tuple", parts...)) // which quotes texts
}

// seriesColumns are the series of the plan's rows, in order, as columns and as keys.
func (s *Service) seriesColumns(ctx context.Context, p *plan, value *catalog.Column) (columns []*catalog.Column, keys []string, err error) {
	cell := *value
	cell.Type.Nullable, cell.Type.LowCardinality = true, false
	if len(p.node.Dimensions) == 0 {
		return []*catalog.Column{&cell}, nil, nil
	}
	query := p.read()
	query.Settings = append(query.Settings, p.settings...)
	query.Columns = append([]sql.Column{{Expr: sql.Call("any", p.key()), As: seriesColumn}}, catalog.Selection(p.node.Dimensions)...)
	for _, d := range p.node.Dimensions {
		query.GroupBy = append(query.GroupBy, d.Ref())
	}
	query.OrderBy, query.Limit = p.ordering(false)[1:], mostWide+1
	records, err := s.Store.Query(ctx, query.Build())
	if err != nil {
		return nil, nil, err
	}
	defer records.Close()
	taken := map[string]bool{p.node.Time.Name: true}
	for {
		record, err := records.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, nil, err
		}
		for row := range int(record.NumRows()) {
			var parts []string
			for i := range record.Columns() {
				text, null, err := contracts.CellText(record.Column(i), row)
				if err != nil {
					return nil, nil, err
				}
				if null {
					text = "(null)"
				}
				parts = append(parts, text)
			}
			c := cell
			c.Name = columnName(parts[1:], taken)
			c.Label = c.Name
			c.Description = strings.TrimSpace(value.Label + ". " + value.Description)
			columns, keys = append(columns, &c), append(keys, parts[0])
		}
	}
	if len(columns) > mostWide {
		return nil, nil, contracts.Invalid("query.shape", "wide", "Choose some, for example with identifiers, or ask for shape=long.",
			"shape=wide has a column for each series, at most %d, and there are more in this range.", mostWide)
	}
	return columns, keys, nil
}

// columnName makes a name of the dimensions of a series that is not blank, has no blanks
// around it and is no other column's.
func columnName(dimensions []string, taken map[string]bool) string {
	parts := slices.Clone(dimensions)
	for i, part := range parts {
		if parts[i] = strings.TrimSpace(strings.ToValidUTF8(part, "\uFFFD")); parts[i] == "" {
			parts[i] = "(empty)"
		}
	}
	name := strings.Join(parts, "/")
	for n, free := 2, name; ; n++ {
		if !taken[free] {
			taken[free] = true
			return free
		}
		free = fmt.Sprintf("%s (%d)", name, n)
	}
}

// widened is a plan whose rows are times, with a column for each series.
func (p *plan) widened(value *catalog.Column, columns []*catalog.Column, keys []string) *plan {
	at := p.columns[0]
	which := sql.Expr(sql.Call("toInt64", sql.Text("0")))
	if len(p.node.Dimensions) > 0 {
		positions := make([]int64, len(keys))
		for i := range keys {
			positions[i] = int64(i)
		}
		// A series that was not there a moment ago goes past the last column, and is dropped.
		which = sql.Call("transform", p.key(), sql.Array{Type: "String", Items: keys, Quoted: true}, numbers(positions), number(int64(len(keys))))
	}
	cells := p.read()
	cells.Columns = []sql.Column{
		{Expr: at.Ref(), As: at.Name},
		{Expr: which, As: seriesColumn},
		{Expr: sql.Call("max", value.Ref()), As: cellColumn},
	}
	cells.GroupBy = []sql.Expr{at.Ref(), which}
	times := sql.Select{From: cells, Alias: catalog.Alias, GroupBy: []sql.Expr{at.Ref()}}
	times.Columns = []sql.Column{
		{Expr: at.Ref(), As: at.Name},
		{Expr: sql.Call(fmt.Sprintf("groupArrayInsertAt(tuple(NULL), %d)", max(1, len(columns))),
			sql.Call("tuple", sql.Call("toNullable", ref(cellColumn))), sql.Call("toUInt32", ref(seriesColumn))), As: cellsColumn},
	}
	rows := sql.Select{From: times, Alias: catalog.Alias, Columns: []sql.Column{{Expr: at.Ref(), As: at.Name}}}
	for i, c := range columns {
		rows.Columns = append(rows.Columns, sql.Column{
			Expr: element(sql.Call("arrayElement", ref(cellsColumn), sql.Text(fmt.Sprint(i+1))), 1), As: c.Name,
		})
	}
	node := *p.node
	node.Dimensions, node.Key, node.Order = nil, node.Key[:1], node.Order[:1]
	wide := *p
	wide.node, wide.derived = &node, &rows
	wide.columns = append([]*catalog.Column{at}, columns...)
	wide.order = p.order[:1]
	return &wide
}

// names are those of the plan's columns.
func (p *plan) names() []string {
	names := make([]string, len(p.columns))
	for i, c := range p.columns {
		names[i] = c.Name
	}
	return names
}

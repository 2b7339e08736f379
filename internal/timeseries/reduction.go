package timeseries

import (
	"fmt"
	"math"

	"framehouse/internal/catalog"
	"framehouse/internal/store/sql"
)

// reduction keeps some rows of a plan. What it makes of them are the plan's rows from then
// on, with the same columns: a time or a value of an answer is one of the data, to the last
// digit.
type reduction struct {
	*plan
	value         *catalog.Column // decides which rows are kept
	points        int64           // a series may have
	start, length int64           // of the time that is divided, in ticks
}

// Columns of the statements of reductions.
const (
	sinceStart = "__framehouse_since" // ticks since the start
	rankColumn = "__framehouse_rank"  // the value, or its rank
	keptColumn = "__framehouse_kept"  // a row that is kept, or all those of a group
)

// drawn reads the rows that draw something: with a finite number for their value.
func (r *reduction) drawn() sql.Select {
	query := r.read()
	query.Where = append([]sql.Expr{}, query.Where...)
	switch {
	case r.value.Type.Float():
		query.Where = append(query.Where, sql.Call("isFinite", r.value.Ref()))
	case r.value.Type.Nullable:
		query.Where = append(query.Where, sql.Call("isNotNull", r.value.Ref()))
	}
	return query
}

// since is the time of a row in ticks since the start.
func (r *reduction) since() sql.Expr {
	return minus(r.node.Time.Type.Ticks(r.node.Time.Ref()), number(r.start))
}

// others are the value columns that decide nothing.
func (r *reduction) others() []*catalog.Column {
	var others []*catalog.Column
	for _, c := range r.values() {
		if c != r.value {
			others = append(others, c)
		}
	}
	return others
}

// number is the value of a row, which is there, as a type without Nullable.
func (r *reduction) number() sql.Expr {
	if r.value.Type.Nullable {
		return sql.Call("assumeNotNull", r.value.Ref())
	}
	return r.value.Ref()
}

// timeAt is the time of so many ticks since the start, in a type that the time column's
// cells come as.
func (r *reduction) timeAt(since sql.Expr) sql.Expr {
	at := r.node.Time.Type.FromTicks(plus(since, number(r.start)))
	switch r.node.Time.Type.Name {
	case "Date":
		return sql.Call("toDate", at)
	case "DateTime":
		return sql.Call("toDateTime", at, sql.Text("'UTC'"))
	}
	return at
}

// m4 divides the time into columns of equal length, like those of pixels of a chart, and
// keeps four rows of each series in each: the first, the last, that with the least value
// and that with the greatest; of several extremes the earliest. A line through them looks
// like the line through all rows. Rows that share series, time and value count as one.
//
// What is kept of a group while rows stream by does not grow with them.
func (r *reduction) m4() {
	// One column at least: auto may have come here with fewer points than it has.
	width := (r.length-1)/max(1, r.points/pointsOfColumn) + 1
	key := newRank(r.value.Type)
	since, rank := ref(sinceStart), ref(rankColumn)

	rows := r.drawn()
	rows.Columns = []sql.Column{{Expr: r.since(), As: sinceStart}, {Expr: key.of(r.number()), As: rankColumn}}
	groups := sql.Select{Alias: catalog.Alias}
	for _, d := range r.node.Dimensions {
		rows.Columns = append(rows.Columns, sql.Column{Expr: d.Ref(), As: d.Name})
		groups.Columns = append(groups.Columns, sql.Column{Expr: d.Ref(), As: d.Name})
		groups.GroupBy = append(groups.GroupBy, d.Ref())
	}
	groups.GroupBy = append(groups.GroupBy, sql.Call("intDiv", since, number(width)))
	for _, c := range r.others() {
		rows.Columns = append(rows.Columns, sql.Column{Expr: c.Ref(), As: c.Name})
	}
	groups.From = rows

	var kept []sql.Expr
	for _, extreme := range key.extremes(since, rank) {
		most := sql.Call(extreme.most, extreme.key)
		row := []sql.Expr{extreme.since(most), extreme.rank(most)}
		argument := map[string]string{"min": "argMin", "max": "argMax"}[extreme.most]
		for _, c := range r.others() {
			// In a tuple, since otherwise a null would be passed over for another row's value.
			row = append(row, sql.Call(argument, sql.Call("tuple", c.Ref()), extreme.key))
		}
		kept = append(kept, sql.Call("tuple", row...))
	}
	groups.Columns = append(groups.Columns, sql.Column{Expr: sql.Call("arrayJoin", sql.Call("array", kept...)), As: keptColumn})

	r.derive(groups, key, func(i int) sql.Expr { return element(element(ref(keptColumn), i), 1) })
}

// lttb keeps the rows that span the largest triangles with their neighbours, as many of each
// series as there may be points.
func (r *reduction) lttb() {
	x, y := sql.Call("toFloat64", r.since()), sql.Call("toFloat64", r.number())
	chosen := r.drawn()
	kept := ref(keptColumn)
	triangles := sql.Call(fmt.Sprintf("largestTriangleThreeBuckets(%d)", r.points), x, y)
	chosen.Columns = []sql.Column{{Expr: sql.Call("arrayJoin", triangles), As: keptColumn}}
	if r.exact() && len(r.others()) == 0 {
		// Nothing is lost between the numbers that LTTB gives back and those of the rows.
		at := r.timeAt(sql.Call("toInt64", element(kept, 1)))
		if r.asStored() {
			triangles.Args[0] = r.node.Time.Ref()
			at = sql.Call("toTimeZone", element(kept, 1), sql.Text("'UTC'"))
		}
		for _, d := range r.node.Dimensions {
			chosen.Columns = append(chosen.Columns, sql.Column{Expr: d.Ref(), As: d.Name})
			chosen.GroupBy = append(chosen.GroupBy, d.Ref())
		}
		derived := sql.Select{From: chosen, Alias: catalog.Alias, Columns: []sql.Column{{Expr: at, As: r.node.Time.Name}}}
		for _, d := range r.node.Dimensions {
			derived.Columns = append(derived.Columns, sql.Column{Expr: d.Ref(), As: d.Name})
		}
		derived.Columns = append(derived.Columns, sql.Column{Expr: sql.Call("to"+r.value.Type.Name, element(kept, 2)), As: r.value.Name})
		r.derived = &derived
		return
	}
	// The rows themselves are read. Of those that LTTB cannot tell apart one stands for all.
	series := r.seriesKey()
	named := sql.Select{From: chosen, Alias: catalog.Alias}
	chosen.Columns = append(chosen.Columns, keyed(series)...)
	for _, c := range keyed(series) {
		named.Columns = append(named.Columns, sql.Column{Expr: ref(c.As), As: c.As})
	}
	chosen.GroupBy = series
	named.From = chosen
	named.Columns = append(named.Columns,
		sql.Column{Expr: element(kept, 1), As: sinceStart}, sql.Column{Expr: element(kept, 2), As: rankColumn})
	rows := r.drawn()
	rows.Columns = r.raw()
	rows.Where = append(rows.Where, sql.InSelect{Exprs: append(append([]sql.Expr{}, series...), x, y), From: named})
	rows.OrderBy = r.ordering(false)
	rows.LimitBy = append(append([]sql.Expr{}, series...), x, y)
	r.derived = &rows
}

// exact tells whether times and values go through a double and come back the same.
func (r *reduction) exact() bool {
	t := r.value.Type
	small := t.Bits() > 0 && t.Bits() <= 32
	return r.length < 1<<53 && (t.Name == "Float64" || t.Name == "Float32" || small)
}

// mostAsStored bounds the ticks since 1970 that are read as they are stored, 278 years of
// milliseconds: the times of a thousand rows, of which LTTB takes means, have an exact sum.
const mostAsStored = 1 << 43

// asStored tells whether LTTB may read times as they are stored. It reckons with doubles of
// ticks then, like those since the start, and ClickHouse has nothing to reckon for each row.
func (r *reduction) asStored() bool {
	return r.node.Time.Type.Name == "DateTime64" && r.start >= -mostAsStored && r.start <= mostAsStored-r.length
}

// seriesKey tells series apart by expressions that are never null, unlike the dimensions
// may be: in a comparison of several columns a null equals nothing.
func (p *plan) seriesKey() []sql.Expr {
	var key []sql.Expr
	for _, d := range p.node.Dimensions {
		if !d.Type.Nullable {
			key = append(key, d.Ref())
			continue
		}
		key = append(key, sql.Call("isNull", d.Ref()), sql.Call("ifNull", sql.Call("toString", d.Ref()), sql.Text("''")))
	}
	return key
}

// keyed are the expressions of a series key with names.
func keyed(series []sql.Expr) []sql.Column {
	columns := make([]sql.Column, len(series))
	for i, e := range series {
		columns[i] = sql.Column{Expr: e, As: fmt.Sprintf("__framehouse_series%d", i)}
	}
	return columns
}

// derive makes the kept rows of groups the plan's. other is the i-th member of a kept row.
func (r *reduction) derive(groups sql.Select, key rank, other func(i int) sql.Expr) {
	kept := ref(keptColumn)
	rows := sql.Select{From: groups, Alias: catalog.Alias}
	rows.Columns = []sql.Column{{Expr: r.timeAt(element(kept, 1)), As: r.node.Time.Name}}
	for _, d := range r.node.Dimensions {
		rows.Columns = append(rows.Columns, sql.Column{Expr: d.Ref(), As: d.Name})
		rows.LimitBy = append(rows.LimitBy, d.Ref())
	}
	rows.LimitBy = append(rows.LimitBy, element(kept, 1), element(kept, 2))
	next := 3
	for _, c := range r.values() {
		if c == r.value {
			rows.Columns = append(rows.Columns, sql.Column{Expr: key.value(element(kept, 2)), As: c.Name})
			continue
		}
		rows.Columns = append(rows.Columns, sql.Column{Expr: other(next), As: c.Name})
		next++
	}
	r.derived = &rows
}

func element(tuple sql.Expr, i int) sql.Expr {
	return sql.Call("tupleElement", tuple, sql.Text(fmt.Sprint(i)))
}

// maxInt64 is all ones but for the sign.
var maxInt64 = number(math.MaxInt64)

package timeseries

import (
	"fmt"
	"math"
	"time"

	"framehouse/internal/catalog"
	"framehouse/internal/contracts"
	"framehouse/internal/store/sql"
)

// Columns of the statements that fill. Positions are those of a grid.
const (
	positionColumn = "__framehouse_position" // of the bucket of a row
	nextColumn     = "__framehouse_next"     // of the row after it in its series
	numberColumn   = "__framehouse_number"   // of the row in its series
	beginColumn    = "__framehouse_begin"    // first of the buckets that a row stands for
	countColumn    = "__framehouse_count"    // how many these are
	soFarColumn    = "__framehouse_so_far"   // how many those of all rows are, up to this one
	slotColumn     = "__framehouse_slot"     // one of them
	tickColumn     = "__framehouse_tick"     // where it begins
)

// The last value at or before a row and the next one after it, each with where its bucket
// begins, for each value column.
func previousColumn(i int) string   { return fmt.Sprintf("__framehouse_previous_%d", i) }
func previousAtColumn(i int) string { return fmt.Sprintf("__framehouse_previous_at_%d", i) }
func followingColumn(i int) string  { return fmt.Sprintf("__framehouse_following_%d", i) }
func followingAtColumn(i int) string {
	return fmt.Sprintf("__framehouse_following_at_%d", i)
}

// layers is a statement that grows outwards: each layer has all columns of the one inside.
type layers struct {
	columns []string
	query   sql.Select
}

func (l *layers) add(added ...sql.Column) {
	outer := sql.Select{From: l.query, Alias: catalog.Alias}
	for _, name := range l.columns {
		outer.Columns = append(outer.Columns, sql.Column{Expr: ref(name), As: name})
	}
	for _, c := range added {
		outer.Columns = append(outer.Columns, c)
		l.columns = append(l.columns, c.As)
	}
	l.query = outer
}

// over fills the rows of buckets. Each row stands for its own bucket and for those without
// an observation up to the next row of its series, the first row of a series also for those
// before it; so the observations are read once, and nothing is joined.
func (f *filling) over(g grid, rows sql.Select) (sql.Select, error) {
	begin, end := int64(f.steps), g.buckets()-1
	if !f.from.IsZero() && !f.to.IsZero() && end-begin > mostSlots {
		return rows, contracts.Invalid("query.fill", f.text, "Ask for a longer interval or a shorter range, or leave fill out.",
			"The range has %d buckets of %s; at most %d are filled, of all series together.", end-begin, f.interval.text, mostSlots)
	}
	l := &layers{query: rows}
	for _, c := range rows.Columns {
		l.columns = append(l.columns, c.As)
	}
	l.add(sql.Column{Expr: g.positionOf(ref(bucketColumn)), As: positionColumn})
	l.add(f.neighbours(end)...)

	from, upTo := sql.Expr(ref(positionColumn)), sql.Expr(ref(nextColumn))
	if !f.from.IsZero() {
		from = sql.Call("if", sql.Compare{Left: ref(numberColumn), Operator: "=", Right: sql.Text("1")},
			number(begin), sql.Call("greatest", ref(positionColumn), number(begin)))
	}
	if f.to.IsZero() {
		upTo = sql.Call("greatest", upTo, plus(ref(positionColumn), number(1)))
	}
	count := minus(upTo, ref(beginColumn))
	most := number(mostSlots + 1)
	l.add(sql.Column{Expr: from, As: beginColumn})
	l.add(sql.Column{Expr: sql.Call("greatest", sql.Call("least", count, most), number(0)), As: countColumn})
	l.add(sql.Column{Expr: sql.Over{Call: sql.Call("sum", ref(countColumn)), Frame: "ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW"}, As: soFarColumn})
	// Too many are an error before any of them is made, which a limit on rows would not be.
	tooMany := sql.Call("throwIf", sql.Compare{Left: ref(soFarColumn), Operator: ">", Right: number(mostSlots)}, sql.Text("'too many buckets to fill'"), sql.Text("toInt16(396)"))
	slots := sql.Call("range", ref(beginColumn), plus(ref(beginColumn), plus(ref(countColumn), tooMany)))
	l.add(sql.Column{Expr: sql.Call("arrayJoin", slots), As: slotColumn})
	l.add(sql.Column{Expr: g.startAt(ref(slotColumn)), As: tickColumn})
	return f.filled(l), nil
}

// neighbours are what a row must know of the others in its series.
func (f *filling) neighbours(end int64) []sql.Column {
	const (
		untilNow = "ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW"
		past     = "ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING"
		all      = "ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING"
	)
	var series []sql.Expr
	for _, d := range f.dimensions {
		series = append(series, d.Ref())
	}
	over := func(call sql.Func, descending bool, frame sql.Text) sql.Over {
		return sql.Over{Call: call, PartitionBy: series, OrderBy: []sql.Order{{Expr: ref(positionColumn), Descending: descending}}, Frame: frame}
	}
	if f.to.IsZero() {
		end = math.MinInt32 // before any other, so that the last row stands for itself alone
	}
	columns := []sql.Column{
		{Expr: over(sql.Call("leadInFrame", ref(positionColumn), sql.Text("1"), number(end)), false, all), As: nextColumn},
		{Expr: over(sql.Call("row_number"), false, untilNow), As: numberColumn},
	}
	for i, a := range f.made {
		v := a.result.Ref()
		at := sql.Call("if", sql.Call("isNull", v), sql.Text("NULL"), ref(bucketColumn))
		if f.kind == fillPrevious || f.kind == fillLinear {
			columns = append(columns, sql.Column{Expr: over(sql.Call("anyLast", sql.Call("toNullable", v)), false, untilNow), As: previousColumn(i)})
		}
		if f.kind == fillLinear {
			columns = append(columns,
				sql.Column{Expr: over(sql.Call("anyLast", at), false, untilNow), As: previousAtColumn(i)},
				sql.Column{Expr: over(sql.Call("anyLast", sql.Call("toNullable", v)), true, past), As: followingColumn(i)},
				sql.Column{Expr: over(sql.Call("anyLast", at), true, past), As: followingAtColumn(i)},
			)
		}
	}
	return columns
}

// filled are the buckets as aggregated has them, with those between.
func (f *filling) filled(l *layers) sql.Select {
	null := sql.Text("NULL")
	own := sql.Compare{Left: ref(slotColumn), Operator: "=", Right: ref(positionColumn)}
	early := sql.Compare{Left: ref(slotColumn), Operator: "<", Right: ref(positionColumn)}
	query := sql.Select{From: l.query, Alias: catalog.Alias, Columns: []sql.Column{{Expr: ref(tickColumn), As: bucketColumn}}}
	for _, d := range f.dimensions {
		query.Columns = append(query.Columns, sql.Column{Expr: d.Ref(), As: d.Name})
	}
	made := sql.Or{sql.Not{Expr: own}}
	for i, a := range f.made {
		observed := sql.Call("if", own, sql.Call("toNullable", a.result.Ref()), null)
		value := sql.Expr(observed)
		switch f.kind {
		case fillNumber:
			value = sql.Call("coalesce", observed, f.numbers[i])
		case fillPrevious:
			value = sql.Call("if", early, null, ref(previousColumn(i)))
		case fillLinear:
			value = sql.Call("multiIf", sql.Call("isNotNull", observed), observed, early, null, f.between(a, i))
		}
		if a.result.Type.MayBeNull() && f.kind != fillNull {
			made = append(made, sql.And{sql.Call("isNull", a.result.Ref()), sql.Call("isNotNull", value)})
		}
		query.Columns = append(query.Columns, sql.Column{Expr: value, As: a.result.Name})
	}
	if f.mark {
		query.Columns = append(query.Columns, sql.Column{Expr: sql.Call("toBool", made), As: filledColumn})
	}
	return query
}

// between is the value on the line from the value before to the one after; null where there
// is none on a side. What has digits of its own is rounded to them.
func (f *filling) between(a aggregate, i int) sql.Expr {
	typ := a.result.Type
	before, after := sql.Expr(ref(previousColumn(i))), sql.Expr(ref(followingColumn(i)))
	// Buckets begin at whole milliseconds; smaller numbers leave digits for the values.
	unit := number(max(1, int64(time.Millisecond)/int64(f.tick)))
	far := sql.Call("intDiv", minus(ref(tickColumn), ref(previousAtColumn(i))), unit)
	whole := sql.Call("intDiv", minus(ref(followingAtColumn(i)), ref(previousAtColumn(i))), unit)
	switch {
	case typ.Float():
		before, after = sql.Call("toFloat64", before), sql.Call("toFloat64", after)
		return sql.Call("to"+typ.Name, plus(before, times(minus(after, before), sql.Call("divide", far, whole))))
	case typ.Bits() > 0:
		wide := func(e sql.Expr) sql.Expr { return sql.Call("toInt256", e) }
		way := times(minus(wide(after), wide(before)), wide(far))
		half := sql.Call("if", sql.Compare{Left: way, Operator: "<", Right: sql.Text("0")}, sql.Call("negate", wide(whole)), wide(whole))
		step := sql.Call("intDiv", plus(times(way, sql.Text("2")), half), times(wide(whole), sql.Text("2")))
		return sql.Call("to"+typ.Name, plus(wide(before), step))
	}
	precision, scale := typ.Digits()
	size := "256"
	for _, s := range []struct {
		digits int
		bits   string
	}{{38, "128"}, {18, "64"}, {9, "32"}} {
		if precision <= s.digits {
			size = s.bits
		}
	}
	wide := func(e sql.Expr, scale int) sql.Expr { return sql.Call("toDecimal256", e, digits(scale)) }
	way := times(minus(wide(after, scale), wide(before, scale)), wide(far, 0))
	step := sql.Call("round", sql.Call("divideDecimal", way, wide(whole, 0), digits(scale+1)), digits(scale))
	return sql.Call("toDecimal"+size, plus(wide(before, scale), step), digits(scale))
}

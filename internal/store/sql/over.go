package sql

// Over is a function of the rows around a row, within its part of all rows.
type Over struct {
	Call        Func
	PartitionBy []Expr
	OrderBy     []Order
	Frame       Text // such as ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
}

func (o Over) write(b *builder) {
	o.Call.write(b)
	b.text(" OVER (")
	b.list("PARTITION BY ", ", ", o.PartitionBy)
	for i, step := range o.OrderBy {
		switch {
		case i > 0:
			b.text(", ")
		case len(o.PartitionBy) > 0:
			b.text(" ORDER BY ")
		default:
			b.text("ORDER BY ")
		}
		step.Expr.write(b)
		if step.Descending {
			b.text(" DESC")
		}
	}
	b.text(" " + string(o.Frame) + ")")
}

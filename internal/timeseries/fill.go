package timeseries

import (
	"fmt"
	"slices"
	"time"

	"framehouse/internal/catalog"
	"framehouse/internal/contracts"
	"framehouse/internal/store"
	"framehouse/internal/store/sql"
)

// How buckets without an observation are filled; a number is the fifth way.
const (
	fillNone     = "none"
	fillNull     = "null"
	fillPrevious = "previous"
	fillLinear   = "linear"
	fillNumber   = "number"
)

// mostSlots bounds the buckets of all series together when they are filled: ten times the
// rows of the largest usual answer, sorted in some hundred megabytes.
const mostSlots = 1_000_000

// lookbackBuckets is how many buckets before the range a previous value is looked for in:
// enough for a long weekend of days, and for little reading.
const lookbackBuckets = 10

// filling is how the buckets of each series are made to leave no gap.
//
// An end of the range that the request gives is that of the buckets of every series. At an
// end that is left open, each series ends with its own first or last bucket that has an
// observation, so that nothing is said of a time when it was not observed.
type filling struct {
	kind    string
	text    string
	steps   int // how many buckets before the range are read besides
	mark    bool
	made    []aggregate
	results []*catalog.Column // what the value columns are when filled, and filled itself
	numbers []sql.Expr        // what each is filled with
	*extent
	dimensions []*catalog.Column
}

// fill reads how the request wants buckets filled.
func (p *plan) fill(b Buckets, made []aggregate, e *extent) (*filling, error) {
	f := &filling{kind: fillNone, mark: b.MarkFilled, made: made, extent: e, dimensions: p.node.Dimensions, text: b.Fill}
	switch b.Fill {
	case "", fillNone:
		if b.MarkFilled {
			return nil, contracts.Invalid("query.mark_filled", "true", "Add fill=null, previous, linear or a number, or leave mark_filled out.", "mark_filled needs fill: without it no bucket is filled.")
		}
		for _, a := range made {
			f.results = append(f.results, a.result)
		}
		return f, nil
	case fillNull, fillPrevious, fillLinear:
		f.kind = b.Fill
	default:
		f.kind = fillNumber
	}
	if p.perSeries {
		return nil, contracts.Invalid("body.fill", b.Fill, "Ask for one range for all series.", "fill does not go with ranges of single series.")
	}
	for _, a := range made {
		number, err := f.suits(a)
		if err != nil {
			return nil, contracts.Invalid("query.fill", b.Fill, "Leave the column out with select, choose another fill, or write fill=null.", "%s cannot be filled: %v.", a.result.Name, err)
		}
		f.numbers = append(f.numbers, number)
		result := *a.result
		if f.kind != fillNumber {
			if result.Type, err = store.ParseType("Nullable(" + result.Type.Bare() + ")"); err != nil {
				return nil, err
			}
		}
		f.results = append(f.results, &result)
	}
	if f.mark {
		if slices.ContainsFunc(f.results, func(c *catalog.Column) bool { return c.Name == filledColumn }) {
			return nil, contracts.Invalid("query.mark_filled", "true", "Leave the column out with select.", "There would be two columns %q.", filledColumn)
		}
		typ, err := store.ParseType("Bool")
		if err != nil {
			return nil, err
		}
		f.results = append(f.results, &catalog.Column{Name: filledColumn, Label: "Filled", Type: typ,
			Description: "Whether the bucket has no observation, or a value that was not observed."})
	}
	return f, nil
}

// suits tells why an aggregate cannot be filled, and with which number it is.
func (f *filling) suits(a aggregate) (sql.Expr, error) {
	typ := a.result.Type
	switch {
	case !typ.Comparable():
		return nil, fmt.Errorf("values of type %s cannot be null", typ)
	case f.kind == fillLinear && (typ.Bits() > 128 || typ.Decimal() && widest(typ) > 57):
		return nil, fmt.Errorf("for values of type %s there is no wider type to reckon in", typ)
	case (f.kind == fillLinear || f.kind == fillNumber) && !typ.Numeric():
		return nil, fmt.Errorf("values of type %s are no numbers", typ)
	case f.kind != fillNumber:
		return nil, nil
	}
	value, err := typ.Literal(f.text)
	if err != nil {
		return nil, fmt.Errorf("fill is none, null, previous, linear or a number, and a number for it %w", err)
	}
	return value, nil
}

func (f *filling) said() string {
	if f.kind == fillNone {
		return ""
	}
	return f.text
}

func widest(t store.Type) int {
	precision, _ := t.Digits()
	return precision
}

// lookBack makes the plan read some buckets before the range, besides the range, and returns
// where the first of them begins.
func (p *plan) lookBack(f *filling) time.Time {
	column := p.node.Time
	_, earliest, _ := column.Type.Reach()
	begin := f.first
	for f.steps = 0; f.steps < lookbackBuckets; f.steps++ {
		before := f.start(begin.Add(-time.Millisecond))
		if before.Before(earliest) {
			break
		}
		begin = before
	}
	if f.steps == 0 {
		return begin
	}
	conditions := []sql.Expr{column.Type.Bound(column.Ref(), ">=", begin)}
	for _, condition := range p.where[:p.inRange] {
		if c, ok := condition.(sql.Compare); ok && c.Operator[0] == '>' {
			if f.first.Equal(f.from) {
				continue
			}
			// What lies between is in the first bucket, and not in the range.
			condition = sql.Or{column.Type.Bound(column.Ref(), "<", f.first), condition}
		}
		conditions = append(conditions, condition)
	}
	p.where = append(conditions, p.where[p.inRange:]...)
	p.inRange = len(conditions)
	lookback := begin
	if column.FieldType() == contracts.TypeDate {
		lookback = fromWall(begin, p.zone)
	}
	p.resolved.Lookback = &lookback
	return begin
}

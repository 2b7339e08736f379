package tables

import (
	"slices"

	"github.com/apache/arrow/go/v17/arrow"

	"framehouse/internal/contracts"
)

// page watches the rows of an answer pass, leaves out those that an earlier page has held,
// and knows in the end where the next page begins.
type page struct {
	columns []int    // where the columns of the order stand in a record
	unique  bool     // whether they tell all rows apart
	floats  []bool   // which of them are floats
	left    int64    // rows that the answer may still have
	begin   position // after which the page begins; without marks for the first
	skip    int64    // rows like those of begin that may still have to be left out
	last    position // of the last row so far
}

// look implements the function that contracts.Hide takes.
func (p *page) look(record arrow.Record) (skipped int64, err error) {
	rows := record.NumRows()
	for p.skip > 0 && skipped < rows {
		same, err := p.same(record, skipped, p.begin.marks)
		if err != nil {
			return 0, err
		}
		if !same {
			// Some have gone since.
			p.last.alike -= p.skip
			p.skip = 0
			break
		}
		skipped++
		p.skip--
	}
	end := skipped + min(p.left, rows-skipped)
	if end == skipped {
		return skipped, nil
	}
	p.left -= end - skipped
	marks, err := p.marks(record, end-1)
	if err != nil {
		return 0, err
	}
	alike := int64(1)
	if !p.unique {
		for row := end - 2; ; row-- {
			if row < skipped {
				if p.equal(marks, p.last.marks) {
					alike += p.last.alike
				}
				break
			}
			if same, err := p.same(record, row, marks); err != nil {
				return 0, err
			} else if !same {
				break
			}
			alike++
		}
	}
	p.last = position{marks, alike}
	return skipped, nil
}

func (p *page) marks(record arrow.Record, row int64) ([]mark, error) {
	marks := make([]mark, len(p.columns))
	for i := range marks {
		var err error
		if marks[i], err = p.mark(record, i, row); err != nil {
			return nil, err
		}
	}
	return marks, nil
}

func (p *page) mark(record arrow.Record, i int, row int64) (mark, error) {
	text, null, err := contracts.CellText(record.Column(p.columns[i]), int(row))
	switch {
	case err != nil:
		return mark{}, err
	case null:
		return mark{kind: isNull}, nil
	case p.floats[i] && text == "nan":
		return mark{kind: isNaN}, nil
	}
	return mark{isValue, text}, nil
}

func (p *page) same(record arrow.Record, row int64, marks []mark) (bool, error) {
	for i := range marks {
		m, err := p.mark(record, i, row)
		if err != nil || !p.like(i, m, marks[i]) {
			return false, err
		}
	}
	return true, nil
}

func (p *page) equal(a, b []mark) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if !p.like(i, a[i], b[i]) {
			return false
		}
	}
	return true
}

// like tells whether two marks are one for ClickHouse: -0 is 0 when it sorts and compares.
func (p *page) like(i int, a, b mark) bool {
	zero := func(m mark) bool { return m.kind == isValue && (m.text == "0" || m.text == "-0") }
	return a == b || p.floats[i] && zero(a) && zero(b)
}

// newPage watches the pages of a plan whose records have these columns.
func newPage(o ordering, names []string, limit int64, begin position) *page {
	p := &page{unique: o.unique, left: limit, begin: begin, last: begin}
	if !o.unique {
		p.skip = begin.alike
	}
	for _, s := range o.steps {
		p.columns = append(p.columns, slices.Index(names, s.column.Name))
		p.floats = append(p.floats, s.column.Type.Float())
	}
	return p
}

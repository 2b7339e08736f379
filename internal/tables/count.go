package tables

import (
	"context"
	"fmt"
	"io"

	"github.com/apache/arrow/go/v17/arrow/array"

	"framehouse/internal/contracts"
	"framehouse/internal/store/sql"
)

// What a request can ask of the number of rows on all pages.
const (
	CountNone     = "none"
	CountExact    = contracts.TotalExact
	CountEstimate = contracts.TotalEstimate
)

// count puts the total into the frame. An answer that is whole has counted itself. An exact
// count costs a scan; an estimate never does: it is what the parts of the table say, or the
// primary key of the rows that a filter may match.
func (s *Service) count(ctx context.Context, frame *contracts.Frame, p *plan, kind string) error {
	if kind == "" || kind == CountNone {
		return nil
	}
	settled, err := frame.Settle()
	if err != nil {
		return err
	}
	t := &frame.Meta.Tabular
	if settled && !t.Truncated && p.begin.marks == nil {
		total := t.RowCount
		t.TotalRows, t.TotalRowsKind = &total, contracts.TotalExact
		return nil
	}
	if kind == CountExact {
		total, err := s.number(ctx, p.counted().Build(), 0)
		if err != nil {
			return err
		}
		t.TotalRows, t.TotalRowsKind = &total, contracts.TotalExact
		return nil
	}
	total, known, err := s.estimate(ctx, p)
	if err != nil {
		return err
	}
	if !known {
		frame.Source.Context.Warnings = append(frame.Source.Context.Warnings,
			"There is no estimate of the number of rows: ClickHouse keeps no count of what this answer is read from. count=exact counts them.")
		return nil
	}
	t.TotalRows, t.TotalRowsKind = &total, contracts.TotalEstimate
	return nil
}

func (s *Service) estimate(ctx context.Context, p *plan) (total int64, known bool, err error) {
	source, ok := p.all.From.(sql.Table)
	if !ok {
		return 0, false, nil // groups are known when they are made
	}
	if len(p.all.Where) == 0 {
		size, known, err := s.Sizes.Of(ctx, p.table)
		return size.Rows, known, err
	}
	records, err := s.Store.Query(ctx, p.estimated().Statement())
	if err != nil {
		return 0, false, err
	}
	defer records.Close()
	for {
		record, err := records.Next()
		if err == io.EOF {
			return total, known, nil
		}
		if err != nil {
			return 0, false, err
		}
		// A row for each table that would be read: the name of its database, its own, parts, rows.
		for row := range int(record.NumRows()) {
			var of [2]string
			for i := range of {
				if of[i], _, err = contracts.CellText(record.Column(i), row); err != nil {
					return 0, false, err
				}
			}
			rows, ok := record.Column(3).(*array.Uint64)
			if !ok {
				return 0, false, fmt.Errorf("rows of an estimate are %s", record.Column(3).DataType())
			}
			if of == [2]string{source.Database, source.Name} {
				total, known = total+int64(rows.Value(row)), true
			}
		}
	}
}

// estimated asks how many rows the primary key leaves.
func (p *plan) estimated() sql.Explain {
	query := p.all
	query.Columns = []sql.Column{{Expr: sql.Text("1"), As: "one"}}
	query.Where = nil
	for _, e := range p.all.Where {
		query.Where = append(query.Where, unrelated(e))
	}
	return sql.Explain{Kind: "ESTIMATE", Query: query}
}

// unrelated is a condition that more rows may satisfy: with what it asks of related rows taken
// for true. These would be read for the estimate, and those of a table that is related to
// itself counted in.
func unrelated(e sql.Expr) sql.Expr {
	parts := func(parts []sql.Expr) []sql.Expr {
		all := make([]sql.Expr, len(parts))
		for i, part := range parts {
			all[i] = unrelated(part)
		}
		return all
	}
	switch e := e.(type) {
	case sql.InSelect:
		return sql.And{}
	case sql.Not:
		if _, ok := e.Expr.(sql.InSelect); ok { // package filter negates nothing else that has one in it
			return sql.And{}
		}
	case sql.And:
		return sql.And(parts(e))
	case sql.Or:
		return sql.Or(parts(e))
	}
	return e
}

// number is a column of the only row of an answer.
func (s *Service) number(ctx context.Context, statement sql.Statement, column int) (int64, error) {
	records, err := s.Store.Query(ctx, statement)
	if err != nil {
		return 0, err
	}
	defer records.Close()
	record, err := records.Next()
	if err != nil {
		return 0, fmt.Errorf("%s: %w", statement.Text, err)
	}
	numbers, ok := record.Column(column).(*array.Uint64)
	if !ok || record.NumRows() != 1 {
		return 0, fmt.Errorf("%s: %d rows of %s", statement.Text, record.NumRows(), record.Column(column).DataType())
	}
	number := int64(numbers.Value(0))
	// The end of an answer makes its connection usable again, and may still be a failure.
	if _, err := records.Next(); err != io.EOF {
		return 0, fmt.Errorf("%s: %w", statement.Text, contracts.AsError(err))
	}
	return number, nil
}

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

// estimated asks how many rows the primary key leaves. Without the setting, the rows of other
// tables that a filter is about would be read for it.
func (p *plan) estimated() sql.Explain {
	query := p.all
	query.Columns = []sql.Column{{Expr: sql.Text("1"), As: "one"}}
	query.Settings = []sql.Setting{{Name: "use_index_for_in_with_subqueries", Value: 0}}
	return sql.Explain{Kind: "ESTIMATE", Query: query}
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

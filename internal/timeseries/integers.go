package timeseries

import (
	"context"
	"fmt"
	"io"

	"github.com/apache/arrow/go/v17/arrow/array"

	"framehouse/internal/store/sql"
)

// integers are the numbers of the only row of a statement that selects Int64 alone.
func (s *Service) integers(ctx context.Context, query sql.Select) ([]int64, error) {
	rows, err := s.integerRows(ctx, query)
	if err != nil {
		return nil, err
	}
	if len(rows) != 1 {
		return nil, fmt.Errorf("%d rows of integers instead of one", len(rows))
	}
	return rows[0], nil
}

// integerRows are the rows of a statement that selects Int64 alone, and few of them.
func (s *Service) integerRows(ctx context.Context, query sql.Select) ([][]int64, error) {
	records, err := s.Store.Query(ctx, query.Build())
	if err != nil {
		return nil, err
	}
	defer records.Close()
	var rows [][]int64
	for {
		record, err := records.Next()
		if err == io.EOF {
			return rows, nil
		}
		if err != nil {
			return nil, err
		}
		start := len(rows)
		for range record.NumRows() {
			rows = append(rows, make([]int64, record.NumCols()))
		}
		for i, column := range record.Columns() {
			values, ok := column.(*array.Int64)
			if !ok {
				return nil, fmt.Errorf("column %s is %s, not int64", record.ColumnName(i), column.DataType())
			}
			for row, value := range values.Int64Values() {
				rows[start+row][i] = value
			}
		}
	}
}

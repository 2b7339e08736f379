package contracts

import (
	"math"
	"strconv"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
)

// plainCells writes nothing around a value and keeps its bytes.
var plainCells = cellStyle{text: appendPlain, json: appendPlain, float: appendExactFloat}

// CellText is a cell as text from which the very value can be read again, whatever its type
// and bytes; floats may be nan, inf and -inf.
func CellText(column arrow.Array, row int) (text string, null bool, err error) {
	if column.IsNull(row) || column.DataType().ID() == arrow.NULL {
		return "", true, nil
	}
	if d, ok := column.(*array.Dictionary); ok {
		return CellText(d.Dictionary(), d.GetValueIndex(row))
	}
	write, err := newCellWriter(Field{}, column, plainCells)
	if err != nil {
		return "", false, err
	}
	return string(write(nil, row)), false, nil
}

func appendPlain(dst []byte, s string) []byte { return append(dst, s...) }

func appendExactFloat(dst []byte, v float64, bits int) []byte {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return appendPlainFloat(dst, v, bits)
	}
	return strconv.AppendFloat(dst, v, 'g', -1, bits)
}

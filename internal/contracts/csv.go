package contracts

import (
	"io"
	"math"
	"strings"
)

// CSV writes RFC 4180 with a header line. A null is an empty field, and an empty text is
// "", so that the two stay apart. Text that is not UTF-8 comes through as it is.
type CSV struct{}

var _ Encoder = CSV{}

var csvCells = cellStyle{text: appendCSV, json: appendCSV, float: appendPlainFloat}

// Encode implements Encoder.
func (CSV) Encode(w io.Writer, f *Frame) error {
	before := make([][]byte, len(f.Fields))
	var header []byte
	for i, field := range f.Fields {
		if i > 0 {
			before[i] = []byte{','}
		}
		header = appendCSV(append(header, before[i]...), field.Key)
	}
	return writeWhole(w, append(header, "\r\n"...), f, newRowStyle(csvCells, before, "\r\n", ""))
}

// appendCSV appends a text, in quotes if it is empty or holds what would end a field.
func appendCSV(dst []byte, s string) []byte {
	if s != "" && !strings.ContainsAny(s, ",\"\r\n") && s[0] != ' ' && s[len(s)-1] != ' ' {
		return append(dst, s...)
	}
	dst = append(dst, '"')
	for {
		i := strings.IndexByte(s, '"')
		if i < 0 {
			return append(append(dst, s...), '"')
		}
		dst = append(append(dst, s[:i]...), '"', '"')
		s = s[i+1:]
	}
}

// appendPlainFloat appends a float. Unlike JSON, CSV has no notion of a number that
// could not hold these; the spellings are those that ClickHouse and pandas read.
func appendPlainFloat(dst []byte, v float64, bits int) []byte {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		switch {
		case v > 0:
			return append(dst, "inf"...)
		case v < 0:
			return append(dst, "-inf"...)
		}
		return append(dst, "nan"...)
	}
	return appendFloat(dst, v, bits)
}

package contracts

import "io"

// NDJSON writes one JSON object a line, with nothing around them.
type NDJSON struct{}

var _ Encoder = NDJSON{}

// Encode implements Encoder.
func (NDJSON) Encode(w io.Writer, f *Frame) error {
	return writeWhole(w, nil, f, jsonRows(f.Fields, "}\n", "", nil))
}

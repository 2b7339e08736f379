package contracts

import (
	"encoding/json"
	"fmt"
	"io"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/ipc"
)

// Arrow writes an Arrow IPC stream. Columns keep their Arrow types, whatever they become
// in JSON: an integer of 64 bits is one, a decimal is a decimal.
//
// The schema's metadata carries what the frame says besides its rows under MetadataKey.
type Arrow struct {
	// Compression of the buffers: "", "zstd" or "lz4".
	Compression string
}

var _ Encoder = Arrow{}

// MetadataKey is where files of other formats keep what a frame says besides its rows:
// JSON with the members fields, meta and source of core.tabular_frame@v1.
const MetadataKey = "core.tabular_frame@v1"

// envelope is what a frame says besides its rows. While the rows are still coming, how
// many there are and where the next page begins is not known and not said.
func (f *Frame) envelope() (string, error) {
	type uncounted struct {
		Meta
		Tabular struct {
			Limit            int64    `json:"limit,omitempty"`
			TotalRows        *int64   `json:"totalRows,omitempty"`
			TotalRowsKind    string   `json:"totalRowsKind,omitempty"`
			PrimaryKeyFields []string `json:"primaryKeyFields,omitempty"`
			OrderedBy        []string `json:"orderedBy,omitempty"`
		} `json:"tabular"`
	}
	meta := any(f.Meta)
	if !f.Settled() {
		m := uncounted{Meta: f.Meta}
		m.Tabular.Limit, m.Tabular.PrimaryKeyFields, m.Tabular.OrderedBy = f.Meta.Tabular.Limit, f.Meta.Tabular.PrimaryKeyFields, f.Meta.Tabular.OrderedBy
		m.Tabular.TotalRows, m.Tabular.TotalRowsKind = f.Meta.Tabular.TotalRows, f.Meta.Tabular.TotalRowsKind
		meta = m
	}
	text, err := json.Marshal(struct {
		Fields []Field `json:"fields"`
		Meta   any     `json:"meta"`
		Source Source  `json:"source"`
	}{f.Fields, meta, f.Source})
	if err != nil {
		return "", fmt.Errorf("encode fields, meta and source: %w", err)
	}
	return string(text), nil
}

// Encode implements Encoder.
func (a Arrow) Encode(w io.Writer, f *Frame) error {
	envelope, err := f.envelope()
	if err != nil {
		return err
	}
	metadata := arrow.NewMetadata([]string{MetadataKey}, []string{envelope})
	schema := arrow.NewSchema(f.Schema().Fields(), &metadata)
	options := []ipc.Option{ipc.WithSchema(schema)}
	switch a.Compression {
	case "zstd":
		options = append(options, ipc.WithZstd())
	case "lz4":
		options = append(options, ipc.WithLZ4())
	}
	writer := ipc.NewWriter(w, options...)
	for {
		record, err := f.Next()
		if err == io.EOF {
			// The end-of-stream mark, which a reader takes for the end, is written here and
			// only here.
			return writer.Close()
		}
		if err != nil {
			return err
		}
		if err := writer.Write(record); err != nil {
			return err
		}
	}
}

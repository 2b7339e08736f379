package contracts

import (
	"io"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/parquet"
	"github.com/apache/arrow/go/v17/parquet/compress"
	"github.com/apache/arrow/go/v17/parquet/pqarrow"
)

// Parquet writes a Parquet file. It ends with its footer, without which no reader takes
// it for a file, and which is written only when all rows are.
type Parquet struct{}

var _ Encoder = Parquet{}

// rowGroup is how many rows are gathered in memory before they are written: columns of
// a row group lie one after the other in the file.
const rowGroup = 128 << 10

// Encode implements Encoder.
func (Parquet) Encode(w io.Writer, f *Frame) error {
	schema := arrow.NewSchema(f.Schema().Fields(), nil)
	writer, err := pqarrow.NewFileWriter(schema, w,
		parquet.NewWriterProperties(
			parquet.WithCompression(compress.Codecs.Zstd),
			parquet.WithCompressionLevel(1),
			parquet.WithMaxRowGroupLength(rowGroup),
			parquet.WithVersion(parquet.V2_LATEST),
			parquet.WithCreatedBy("framehouse"),
		),
		pqarrow.NewArrowWriterProperties(pqarrow.WithStoreSchema()))
	if err != nil {
		return err
	}
	for {
		record, err := f.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return err
		}
		if err := writer.WriteBuffered(record); err != nil {
			return err
		}
	}
	envelope, err := f.envelope()
	if err != nil {
		return err
	}
	if err := writer.AppendKeyValueMetadata(MetadataKey, envelope); err != nil {
		return err
	}
	return writer.Close()
}

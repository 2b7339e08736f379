package contracts

import "io"

// Encoder writes a frame in one format, batch by batch, and never holds more of it
// than a batch. An error means that what was written is not the whole frame: the
// caller must not let it pass for one.
type Encoder interface {
	Encode(w io.Writer, f *Frame) error
}

// Format is one way to write a frame.
type Format struct {
	Name      string
	MediaType string
	Extension string // of a file name
	Encoder   Encoder
	// Text formats are worth compressing as a whole.
	Text bool
	// Streams can be of any length; the others are read whole by those who ask for them.
	Streams bool
	// Counted formats say at their end how many rows there are and whether they were cut.
	Counted bool
}

// Formats lists the formats there are, the default first. A new format is one file
// with an Encoder and one entry here.
func Formats() []Format {
	return []Format{
		{Name: "json", MediaType: "application/json", Extension: "json", Encoder: JSON{}, Text: true, Counted: true},
		{Name: "ndjson", MediaType: "application/x-ndjson", Extension: "ndjson", Encoder: NDJSON{}, Text: true, Streams: true},
		{Name: "csv", MediaType: "text/csv; header=present", Extension: "csv", Encoder: CSV{}, Text: true, Streams: true},
		{Name: "arrow", MediaType: "application/vnd.apache.arrow.stream", Extension: "arrow", Encoder: Arrow{}, Streams: true},
		{Name: "parquet", MediaType: "application/vnd.apache.parquet", Extension: "parquet", Encoder: Parquet{}, Streams: true, Counted: true},
	}
}

// Document is a frame as it stands in a JSON answer. It is written by the JSON
// encoder rather than from this type, which gives its shape to the OpenAPI document.
type Document struct {
	Status  string           `json:"status" enum:"ready" doc:"Always ready: a failure has its own HTTP status"`
	Columns []string         `json:"columns" doc:"Column names, in order"`
	Fields  []Field          `json:"fields" doc:"What each column holds"`
	Rows    []map[string]any `json:"rows" doc:"The rows, each with every column"`
	Meta    Meta             `json:"meta"`
	Source  Source           `json:"source"`
}

package contracts

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"framehouse/internal/contracts/contracttest"
)

func encode(t *testing.T, f *Frame) string {
	t.Helper()
	var out bytes.Buffer
	if err := (JSON{}).Encode(&out, f); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func TestJSONDocument(t *testing.T) {
	t.Parallel()
	from := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	whole := func() *Frame {
		f := NewFrame([]Field{{
			Key: "n", Label: "Number", Description: "Counts <all>", Type: TypeInteger,
			NativeType: "Int64", Provenance: "backend",
		}}, numbers(memory.DefaultAllocator, io.EOF, 2, 0, 1), 3)
		f.Meta.Tabular.Limit = 3
		f.Meta.Tabular.PrimaryKeyFields = []string{"n"}
		f.Meta.Tabular.OrderedBy = []string{"-n"}
		f.Meta.Range = &Range{From: &from, Inclusive: "left", Timezone: "UTC"}
		f.Meta.TimeSeries = LongSeries("n", "n", []string{"n"})
		f.Source = Source{Kind: "clickhouse", ID: "numbers", UpdatedAtMs: 5, Context: SourceContext{RequestID: "r", Warnings: []string{"w"}}}
		return f
	}
	tests := []struct {
		name  string
		frame *Frame
		want  string
	}{
		{
			"empty",
			NewFrame(numberFields, numbers(memory.DefaultAllocator, io.EOF), NoLimit),
			`{"status":"ready","columns":["n"],"fields":[{"key":"n","type":"integer","nullable":false,"provenance":"backend"}],"rows":[],` +
				`"meta":{"tabular":{"rowCount":0,"truncated":false}},"source":{"kind":"clickhouse","context":{}}}` + "\n",
		},
		{
			"batches of rows, with all there can be in meta",
			whole(),
			`{"status":"ready","columns":["n"],"fields":[{"key":"n","label":"Number","description":"Counts \u003call\u003e","type":"integer","nullable":false,"nativeType":"Int64","provenance":"backend"}],` +
				`"rows":[{"n":0},{"n":1},{"n":2}],` +
				`"meta":{"tabular":{"rowCount":3,"limit":3,"truncated":false,"primaryKeyFields":["n"],"orderedBy":["-n"]},` +
				`"range":{"from":"2026-01-01T00:00:00Z","inclusive":"left","timezone":"UTC"},` +
				`"timeSeries":{"shape":"long","timeField":"n","timeUnit":"ms","timezone":"UTC","sorted":false,"valueField":"n","seriesField":"n","seriesLabelFields":["n"],"gapPolicy":"preserve_nulls","duplicatePolicy":"preserve"}},` +
				`"source":{"kind":"clickhouse","id":"numbers","updatedAtMs":5,"context":{"requestId":"r","warnings":["w"]}}}` + "\n",
		},
		{
			"cut at its limit, which is known only after the rows",
			NewFrame(numberFields, numbers(memory.DefaultAllocator, io.EOF, 2, 2), 3),
			`{"status":"ready","columns":["n"],"fields":[{"key":"n","type":"integer","nullable":false,"provenance":"backend"}],"rows":[{"n":0},{"n":1},{"n":2}],` +
				`"meta":{"tabular":{"rowCount":3,"truncated":true}},"source":{"kind":"clickhouse","context":{}}}` + "\n",
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if test.frame.Source.Kind == "" {
				test.frame.Source.Kind = "clickhouse"
			}
			got := encode(t, test.frame)
			if got != test.want {
				t.Errorf("\n got %s\nwant %s", got, test.want)
			}
			contracttest.Validate(t, contracttest.TabularFrame, []byte(got))
		})
	}
}

// A frame larger than the buffer is written in pieces and is the same document.
func TestJSONFlushes(t *testing.T) {
	t.Parallel()
	const rows = 3 * flushAt / 10
	var out countedWriter
	f := NewFrame(numberFields, numbers(memory.DefaultAllocator, io.EOF, rows/2, rows/2), NoLimit)
	if err := (JSON{}).Encode(&out, f); err != nil {
		t.Fatal(err)
	}
	var document struct {
		Rows []struct {
			N int64 `json:"n"`
		} `json:"rows"`
	}
	if err := json.Unmarshal(out.Bytes(), &document); err != nil {
		t.Fatal(err)
	}
	if len(document.Rows) != rows/2*2 {
		t.Fatalf("got %d rows", len(document.Rows))
	}
	for i, row := range document.Rows {
		if row.N != int64(i) {
			t.Fatalf("row %d holds %d", i, row.N)
		}
	}
	if out.writes < 3 || out.largest > flushAt*5/4 {
		t.Errorf("%d writes, the largest of %d bytes", out.writes, out.largest)
	}
}

type countedWriter struct {
	bytes.Buffer
	writes, largest int
}

func (w *countedWriter) Write(p []byte) (int, error) {
	w.writes++
	w.largest = max(w.largest, len(p))
	return w.Buffer.Write(p)
}

// What is written before a failure never is a whole document.
func TestJSONFailure(t *testing.T) {
	t.Parallel()
	cut := errors.New("cut")
	unmatched := NewFrame(append(numberFields, numberFields...), numbers(memory.DefaultAllocator, io.EOF, 1), NoLimit)
	noColumns := NewFrame(nil, &batches{
		schema: arrow.NewSchema(nil, nil), end: io.EOF,
		records: []arrow.Record{array.NewRecord(arrow.NewSchema(nil, nil), nil, 1)},
	}, NoLimit)
	for name, frame := range map[string]*Frame{
		"at once":                  NewFrame(numberFields, numbers(memory.DefaultAllocator, cut), NoLimit),
		"after a row":              NewFrame(numberFields, numbers(memory.DefaultAllocator, cut, 1), NoLimit),
		"after a flush":            NewFrame(numberFields, numbers(memory.DefaultAllocator, cut, flushAt), NoLimit),
		"exactly at the limit":     NewFrame(numberFields, numbers(memory.DefaultAllocator, cut, 2), 2),
		"an EOF that is no end":    NewFrame(numberFields, numbers(memory.DefaultAllocator, fmt.Errorf("connection: %w", io.EOF), 2), NoLimit),
		"fields without a column":  unmatched,
		"rows without any columns": noColumns,
	} {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			if err := (JSON{}).Encode(&out, frame); err == nil {
				t.Error("no error")
			}
			if json.Valid(out.Bytes()) {
				t.Errorf("a valid document was written: %s", out.String())
			}
		})
	}
}

type brokenWriter struct{ after int }

var errBroken = errors.New("broken pipe")

func (w *brokenWriter) Write(p []byte) (int, error) {
	if w.after--; w.after < 0 {
		return 0, errBroken
	}
	return len(p), nil
}

func TestJSONWriteFailure(t *testing.T) {
	t.Parallel()
	for after := range 3 {
		f := NewFrame(numberFields, numbers(memory.DefaultAllocator, io.EOF, 2*flushAt/9), NoLimit)
		if err := (JSON{}).Encode(&brokenWriter{after}, f); !errors.Is(err, errBroken) {
			t.Errorf("after %d writes: %v", after, err)
		}
	}
}

// Column names come from ClickHouse and may hold anything; both places that write them
// agree, and the document stays valid.
func TestJSONNames(t *testing.T) {
	t.Parallel()
	for _, name := range []string{`a"b\c`, "tab\tand\nline", "<&>", "é𝄞", "a\xffb", "\u2028", "\x00"} {
		f := NewFrame([]Field{{Key: name, Type: TypeInteger, Provenance: "backend"}}, numbers(memory.DefaultAllocator, io.EOF, 1), NoLimit)
		var document struct {
			Columns []string
			Fields  []Field
			Rows    []map[string]any
		}
		if err := json.Unmarshal([]byte(encode(t, f)), &document); err != nil {
			t.Fatal(err)
		}
		want := strings.ToValidUTF8(name, "\uFFFD")
		if _, ok := document.Rows[0][want]; !ok || document.Columns[0] != want || document.Fields[0].Key != want {
			t.Errorf("%q: %+v", name, document)
		}
	}
}

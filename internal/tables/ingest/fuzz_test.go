package ingest

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/apache/arrow/go/v17/parquet"
	"github.com/apache/arrow/go/v17/parquet/compress"

	"framehouse/internal/catalog"
	"framehouse/internal/contracts"
	"framehouse/internal/store"
)

// Whatever a body holds, it is read or refused, what is read is JSON for ClickHouse line by
// line, and no memory stays taken.
func FuzzRead(f *testing.F) {
	table := tableOf(f, catalog.Upsert, append(sampleColumns, "tags= Array(Nullable(Int64))", "doc= JSON", "pair= Tuple(a Int8, b Date)", "m= Map(String, UInt8)")...)
	for i, body := range []string{
		`[{"i":1,"s":"a\u00e9\ud83d\ude00","tags":[1,null],"doc":{"a":[1]},"pair":{"a":1,"b":"2026-01-01"},"m":{"k":1}}]`, `{"rows":[{"i":"5"}],"meta":{}}`, `[{"i":1,"i":2}]`, `[`, `{}`,
	} {
		f.Add(0, []byte(body))
		f.Add(1, []byte(strings.Repeat(strings.Trim(body, "[]")+"\n", i)))
	}
	f.Add(2, []byte("i,s,tags\r\n1,\"a \"\"b\"\"\n,\",\"[1,2]\"\n2,,\n"))
	f.Add(2, []byte("\xEF\xBB\xBFi\n1\n\n"))
	f.Add(3, arrowStream(f))
	f.Add(4, parquetFile(f, compress.Codecs.Uncompressed, parquet.DataPageV1, true))
	f.Fuzz(func(t *testing.T, format int, body []byte) {
		if format < 0 || format >= len(MediaTypes) {
			return
		}
		budget := &Budget{}
		rows, err := Read(table, Body{Reader: bytes.NewReader(body), Type: MediaTypes[format]}, Limits{Bytes: 4 << 20, Rows: 1000}, budget)
		if err != nil {
			if e := contracts.AsError(err); e.Code == contracts.CodeInternal || e.Detail == "" {
				t.Errorf("%v", err)
			}
		} else {
			reader := json.NewDecoder(rows.Lines(func(int) []byte { return []byte(",0") }))
			for n := range rows.Count() {
				var cells []json.RawMessage
				if err := reader.Decode(&cells); err != nil || len(cells) != len(rows.Columns)+1 {
					t.Fatalf("row %d of %d columns: %d cells, %v", n+1, len(rows.Columns), len(cells), err)
				}
			}
			if text, _ := io.ReadAll(rows.Lines(func(int) []byte { return nil })); bytes.Count(text, []byte{'\n'}) != rows.Count() || !utf8.Valid(text) {
				t.Errorf("%d rows: %q", rows.Count(), text)
			}
			rows.Release()
		}
		if held := budget.held.Load(); held != 0 {
			t.Errorf("%d bytes are held", held)
		}
	})
}

// What our reader of JSON takes for a value, the standard library does too, with the same text.
func FuzzScanValue(f *testing.F) {
	for _, text := range []string{`"a\u00e9\n"`, `-1.5e+3`, `[1,{"a":null}]`, `01`, `"\ud83d"`, `tru`, `{"a":1,}`, ` 1`, `"` + "\x01" + `"`} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		end, err := scanValue([]byte(text), 0, 0)
		ours := err == nil && end == len(text)
		if !ours {
			return // ours takes less: halves of surrogate pairs, names twice, what is nested deep
		}
		if !json.Valid([]byte(text)) {
			t.Fatalf("%q is no JSON", text)
		}
		if text[0] == '"' {
			var want string
			got, _, err := scanString(nil, []byte(text), 0)
			if json.Unmarshal([]byte(text), &want) != nil || err != nil || string(got) != want {
				t.Errorf("%q means %q, got %q, %v", text, want, got, err)
			}
			var again string
			if err := json.Unmarshal(appendText(nil, got), &again); err != nil || again != want {
				t.Errorf("%q is written as %q, %v", want, appendText(nil, got), err)
			}
		}
	})
}

// What our reader of CSV takes apart, the standard library takes apart alike.
func FuzzSplitCSV(f *testing.F) {
	for _, text := range []string{"a,b", `"a ""b"""`, `"a,b",,""`, `a"b`, `"a"b`, "\"a\nb\",c", ","} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		line, ok, err := newWindow(strings.NewReader(text), func(int64) error { return nil }).line(true)
		if err != nil || !ok || len(line) == 0 || bytes.ContainsAny(line, "\r") {
			return
		}
		fields, err := splitCSV(nil, line)
		if err != nil {
			return
		}
		want, err := csv.NewReader(bytes.NewReader(line)).Read()
		if err != nil || len(want) != len(fields) {
			t.Fatalf("%q: %d fields, want %q, %v", line, len(fields), want, err)
		}
		for i, v := range fields {
			if string(v.text) != want[i] || (v.kind == null) != (want[i] == "" && !bytes.Contains(line, []byte(`""`))) && want[i] != "" {
				t.Errorf("%q: field %d is %q, want %q", line, i, v.text, want[i])
			}
		}
	})
}

// The fast ways to encode take what Literal takes, and no more.
func TestFastEncoders(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	pieces := []string{"-", "+", "0", "1", "9", "128", "65536", "9223372036854775807", ".", "5", "e3", "2026-03-31", "1969-12-31", "2100-01-01", "T", "00:00:00", "23:59:59.125", "23:59:59,5", ".0000000001", "T1:", "Z", "+02:00", " ", "x", "2026", "-02-30"}
	for _, name := range []string{"Int8", "UInt8", "Int16", "UInt32", "Int64", "UInt64", "Int128", "Decimal(9, 2)", "Date", "Date32", "DateTime", "DateTime64(3)", "DateTime64(9, 'UTC')"} {
		typ, err := store.ParseType(name)
		if err != nil {
			t.Fatal(err)
		}
		encode := encoderOf(typ)
		for range 20_000 {
			var s string
			for range 1 + random.IntN(4) {
				s += pieces[random.IntN(len(pieces))]
			}
			got, err := encode(nil, value{text, []byte(s)})
			literal, want := typ.Literal(s)
			if (err == nil) != (want == nil) {
				t.Fatalf("%s %q: %v, and as a literal %v", name, s, err, want)
			}
			if err != nil {
				continue
			}
			mine := strings.Trim(string(got), `"`)
			if typ.Temporal() {
				mine = strings.TrimSuffix(strings.Replace(mine, "T", " ", 1), "Z")
			}
			if mine != literal.Text && strings.Trim(literal.Text, "-0") != "" {
				t.Fatalf("%s %q: %s, and as a literal %s", name, s, mine, literal.Text)
			}
		}
	}
	nanoseconds := encoderOf(mustType("DateTime64(9)"))
	for _, text := range []string{"2026-01-01T00:00:00.1234567891Z", "2026-01-01T00:00:00,1234567891Z", "2026-01-01T0:00:00.1234567891Z", "2026-01-01T00:00:00.1234567891+01:00"} {
		if got, err := nanoseconds(nil, value{text: []byte(text), kind: instant}); err == nil {
			t.Errorf("%s is taken for %s", text, got)
		}
	}
	for _, text := range []string{"2026-01-01T00:00:00.123456789Z", "2026-01-01T01:00:00.1234567890+01:00"} {
		if got, err := nanoseconds(nil, value{text: []byte(text), kind: instant}); err != nil || string(got) != `"2026-01-01T00:00:00.123456789Z"` {
			t.Errorf("%s is taken for %s, %v", text, got, err)
		}
	}
}

func mustType(text string) store.Type {
	typ, err := store.ParseType(text)
	if err != nil {
		panic(err)
	}
	return typ
}

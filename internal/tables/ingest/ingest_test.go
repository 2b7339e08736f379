package ingest

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"framehouse/internal/catalog"
	"framehouse/internal/contracts"
	"framehouse/internal/store"
)

// tableOf is a table that can be written: each column is a name and a type, with ! behind
// the name of a key and = behind one with a default.
func tableOf(t testing.TB, mode string, columns ...string) *catalog.Table {
	t.Helper()
	table := &catalog.Table{Name: "t", Write: &catalog.Write{Mode: mode}}
	for _, text := range columns {
		name, typeName, _ := strings.Cut(text, " ")
		typ, err := store.ParseType(typeName)
		if err != nil {
			t.Fatal(err)
		}
		c := &catalog.Column{Name: strings.TrimRight(name, "!="), Type: typ}
		table.Columns = append(table.Columns, c)
		table.Write.Columns = append(table.Write.Columns, catalog.Writable{Column: c, Default: strings.HasSuffix(name, "=")})
		if strings.HasSuffix(name, "!") {
			table.Key = append(table.Key, c.Name)
		}
	}
	return table
}

// readText is what is read of a body: a line a row, or the faults.
func readText(t testing.TB, table *catalog.Table, mediaType, body string) string {
	t.Helper()
	rows, err := Read(table, Body{Reader: strings.NewReader(body), Type: mediaType}, Limits{}, &Budget{})
	if err != nil {
		e := contracts.AsError(err)
		if e.Code == contracts.CodeInternal {
			t.Errorf("%q: %v", body, err)
		}
		var faults []string
		for _, issue := range e.Issues {
			faults = append(faults, issue.Message)
		}
		return "!" + strings.Join(faults, "\n!")
	}
	defer rows.Release()
	text, err := io.ReadAll(rows.Lines(func(int) []byte { return nil }))
	if err != nil || strings.Count(string(text), "\n") != rows.Count() {
		t.Errorf("%d rows, %v: %s", rows.Count(), err, text)
	}
	return strings.TrimSpace(strings.Join(rows.Columns, ",") + "\n" + string(text))
}

func TestJSON(t *testing.T) {
	t.Parallel()
	table := tableOf(t, catalog.Upsert, "note String", "id! UInt32", "n Nullable(Int64)", "d= Int8", "nd= Nullable(Int8)", "day= Date")
	for _, test := range []struct{ name, body, want string }{
		{"nothing", `[]`, "id,note,n,d,nd,day"},
		{"rows", ` [ {"id":1,"note":"a\u00e9\"\n\ud83d\ude00/"} ,{"note":"","n":-9223372036854775808,"id":"4294967295","d":-128}] `,
			"id,note,n,d,day\n" + `[1,"aé\"\u000a😀/",null,null,null]` + "\n" + `[4294967295,"","-9223372036854775808",-128,null]`},
		{"a frame", `{"status":"ready","columns":["id"],"fields":[{"key":"id"}],"rows":[{"id":1,"note":"x"}],"meta":{"tabular":{"rowCount":1}},"source":{}}`,
			"id,note,n,d,day\n" + `[1,"x",null,null,null]`},
		{"a nullable column with a default, given", `[{"id":1,"note":"x","nd":null},{"id":2,"note":"x","nd":5}]`,
			"id,note,n,d,nd,day\n" + `[1,"x",null,null,null,null]` + "\n" + `[2,"x",null,null,5,null]`},
		{"given in some rows", `[{"id":1,"note":"x","nd":null},{"id":2,"note":"x"}]`, "!Row 2, column nd: is given in some rows and left out in others."},
		{"many faults", `[{"id":1,"note":"x","n":1.5},{"id":-1,"note":"x"},{"id":3},{"id":4,"note":null},{"id":5,"note":5},{"note":"x"},{"id":7,"note":"x","nope":1},{"id":8,"note":"x","note":"y"},{"id":9,"note":"x","d":128},{"id":10,"note":"x","day":"2026-02-30"},{"id":11}]`,
			"!Row 1, column n: must be a whole number from -9223372036854775808 to 9223372036854775807.\n" +
				"!Row 2, column id: must be a whole number from 0 to 4294967295.\n" +
				"!Row 3, column note: is missing.\n!Row 4, column note: must not be null.\n!Row 5, column note: must be a text; this is a number.\n" +
				"!Row 6, column id: is missing.\n!Row 7, column nope: t has no such column.\n!Row 8, column note: is given twice.\n" +
				"!Row 9, column d: must be a whole number from -128 to 127.\n!Row 10, column day: must be a date such as 2026-03-31."},
		{"the same key", `[{"id":1,"note":"x"},{"id":"2","note":"x"},{"id":"1","note":"y"}]`, "!Row 3 has the key of row 1, (1)."},
		{"a null default", `[{"id":1,"note":"x","d":null}]`, "!Row 1, column d: must not be null."},
		{"digits beyond a float", `[{"id":1,"note":"x","n":9007199254740993}]`, "id,note,n,d,day\n" + `[1,"x",9007199254740993,null,null]`},
		{"an exponent", `[{"id":1e0,"note":"x"}]`, "!Row 1, column id: must be a whole number from 0 to 4294967295."},
		{"one object", `{"id":1,"note":"x"}`, `!the object has "id" where an array under "rows" is expected, beside nothing but what a frame has: status, columns, fields, meta, source`},
		{"an object without rows", `{"status":"ready"}`, `!the object must end after its members, with an array of objects under "rows" among them`},
		{"a text", `"x"`, `!the body must be an array of objects, or an object with such an array under "rows"`},
		{"empty", ``, `!the body must be an array of objects, or an object with such an array under "rows"`},
		{"an array of numbers", `[1]`, "!row 1 is not an object"},
		{"a comma too many", `[{"id":1,"note":"x"},]`, "!row 2 is not an object"},
		{"no comma", `[{"id":1,"note":"x"}{"id":2,"note":"x"}]`, "!neither a comma nor the end of the array follows row 1"},
		{"no end", `[{"id":1,"note":"x"}`, "!neither a comma nor the end of the array follows row 1"},
		{"no end of an object", `[{"id":1,"note":"x"`, "!row 1 is no JSON: a comma or the end of the object is expected after a value"},
		{"no end of a text", `[{"id":1,"note":"x`, "!row 1 is no JSON: a text is not closed"},
		{"something more", `[{"id":1,"note":"x"}] 1`, "!something follows the end of the JSON document"},
		{"a second document", `[][]`, "!something follows the end of the JSON document"},
		{"half a surrogate pair", `[{"id":1,"note":"\ud83d"}]`, "!row 1 is no JSON: a text has half of a surrogate pair"},
		{"not UTF-8", "[{\"id\":1,\"note\":\"\xff\"}]", "!row 1 is no JSON: a text is not UTF-8"},
		{"a raw control character", "[{\"id\":1,\"note\":\"\x00\"}]", "!row 1 is no JSON: a text has a control character that is not escaped"},
		{"NUL", `[{"id":1,"note":"\u0000"}]`, "id,note,n,d,day\n" + `[1,"\u0000",null,null,null]`},
		{"a leading zero", `[{"id":01,"note":"x"}]`, "!row 1 is no JSON: a number is not written as JSON writes it"},
		{"NaN", `[{"id":NaN,"note":"x"}]`, "!row 1 is no JSON: a value is expected"},
		{"an array for a number", `[{"id":[1],"note":"x"}]`, "!Row 1, column id: must be a whole number; this is an array or object."},
	} {
		if got := readText(t, table, "application/json", test.body); got != test.want {
			t.Errorf("%s:\n got %s\nwant %s", test.name, got, test.want)
		}
	}
	lines := readText(t, table, "application/x-ndjson; charset=UTF-8", "\xEF\xBB\xBF{\"id\":1,\"note\":\"a\"}\r\n\n  {\"id\":2,\"note\":\"b\"}  ")
	if want := "id,note,n,d,day\n" + `[1,"a",null,null,null]` + "\n" + `[2,"b",null,null,null]`; lines != want {
		t.Errorf("NDJSON: got %s", lines)
	}
	for body, want := range map[string]string{
		"{\"id\":1,\"note\":\"a\"}{\"id\":2,\"note\":\"b\"}": "!row 1 is no JSON: a comma or the end of the object is expected after a value",
		"[{\"id\":1}]":                "!row 1 is not an object",
		"{\"id\":1,\n\"note\":\"a\"}": "!row 1 is no JSON: a name in quotes is expected",
	} {
		if got := readText(t, table, "application/x-ndjson", body); got != want {
			t.Errorf("NDJSON %q: got %s, want %s", body, got, want)
		}
	}
}

func TestCSV(t *testing.T) {
	t.Parallel()
	table := tableOf(t, catalog.Append, "note Nullable(String)", "id! UInt32", "f Nullable(Float64)", "tags= Array(String)")
	for _, test := range []struct{ name, body, want string }{
		{"rows", "\xEF\xBB\xBFid,note,f\r\n1,\"a \"\"b\"\", c\nd\",1.50\r\n2,,-inf\r\n\r\n3,\"\",\n", "id,note,f,tags\n" +
			`[1,"a \"b\", c\u000ad",1.5,null]` + "\n" + `[2,null,"-inf",null]` + "\n" + `[3,"",null,null]`},
		{"JSON in a field", "id,tags\n1,\"[\"\"a\"\", \"\"b\"\"]\"", "id,note,f,tags\n" + `[1,null,null,["a","b"]]`},
		{"only a header", "id,note\n", "id,note,f,tags"},
		{"empty", "", "!the body is empty; its first line must name the columns"},
		{"an unknown column", "id,nope\n1,2", `!The column "nope" t has no such column.`},
		{"a column twice", "id,id\n1,2", `!The column "id" is there twice.`},
		{"too few fields", "id,note\n1\n2,x,y", "!Row 1 has 1 fields where the header has 2.\n!Row 2 has 3 fields where the header has 2."},
		{"a quote inside", "id,note\n1,a\"b\"", "!row 1 has a quote inside a field that does not begin with one"},
		{"a quote that is not closed", "id,note\n1,\"b\n2,x", "!row 1 has a quote that is not closed"},
		{"something after a quote", "id,note\n1,\"b\"x", "!row 1 has something between the end of a quoted field and the next comma"},
		{"null", "id,note\n,x", "!Row 1, column id: must not be null."},
		{"no key", "note\nx", "!Row 1, column id: is missing."},
		{"not UTF-8", "id,note\n1,\xff", "!Row 1, column note: must be text in UTF-8."},
		{"a trailing comma", "id,note\n1,", "id,note,f,tags\n[1,null,null,null]"},
	} {
		if got := readText(t, table, "text/csv; header=present", test.body); got != test.want {
			t.Errorf("%s:\n got %s\nwant %s", test.name, got, test.want)
		}
	}
}

// Each type takes what a frame shows of it, and no more than it can hold.
func TestCells(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ typ, cell, want string }{
		{"Int256", `"-57896044618658097711785492504343953926634992332820282019728792003956564819968"`, `"-57896044618658097711785492504343953926634992332820282019728792003956564819968"`},
		{"UInt256", `-1`, "!must be a whole number from 0 to 115792089237316195423570985008687907853269984665640564039457584007913129639935"},
		{"Int64", `"+007"`, `7`},
		{"UInt64", `18446744073709551615`, `"18446744073709551615"`},
		{"UInt64", `18446744073709551616`, "!must be a whole number from 0 to 18446744073709551615"},
		{"Float64", `1e400`, "!must be a number such as 12.5 or -3e8, within the 64 bits of the column"},
		{"Float64", `0.1`, `0.1`}, {"Float64", `"nan"`, `"nan"`}, {"Float64", `"0x1p3"`, "!must be a number such as 12.5 or -3e8, within the 64 bits of the column"},
		{"Float32", `0.1`, `0.1`}, {"Float32", `1e39`, "!must be a number such as 12.5 or -3e8, within the 32 bits of the column"},
		{"Decimal(18, 2)", `12.30`, `"12.3"`}, {"Decimal(18, 2)", `"-0.00"`, `"0"`},
		{"Decimal(18, 2)", `12.345`, "!must be a decimal with at most 16 digits before the point and 2 after it"},
		{"Decimal(76, 10)", `123456789012345678901234567890123456789012345678901234567890123456.1234567891`, `"123456789012345678901234567890123456789012345678901234567890123456.1234567891"`},
		{"Bool", `true`, `true`}, {"Bool", `"false"`, `false`}, {"Bool", `1`, "!must be true or false"},
		{"String", `"\\\"\u0000\t"`, `"\\\"\u0000\u0009"`}, {"String", `true`, "!must be a text; this is true or false"},
		{"FixedString(3)", `"ab\u0000"`, `"ab"`}, {"FixedString(3)", `"éé"`, "!must have at most 3 bytes; it has 4"},
		{"LowCardinality(Nullable(String))", `null`, `null`},
		{"UUID", `"61F0C404-5cb3-11e7-907b-a6006ad3dba0"`, `"61f0c404-5cb3-11e7-907b-a6006ad3dba0"`}, {"UUID", `5`, "!must be a text, as in \"…\""},
		{"IPv4", `"1.2.3.4"`, `"1.2.3.4"`}, {"IPv4", `"1.2.3"`, "!must be an IPv4 address"}, {"IPv6", `"::1"`, `"::1"`},
		{"Enum8('a\"b' = 1, 'x' = 2)", `"a\"b"`, `"a\"b"`}, {"Enum8('abc' = 1)", `"abd"`, `!must be one of abc; did you mean "abc"?`},
		{"Date", `"2026-03-31"`, `"2026-03-31"`}, {"Date", `"1969-12-31"`, "!must lie between 1970-01-01 and 2149-06-06, which is what the column can hold"},
		{"Date", `20260331`, "!must be a text such as \"2026-03-31\"; this is a number"},
		{"Date", `"2026-03-31T00:00:00Z"`, `"2026-03-31"`}, {"Date", `"2026-03-31T00:00:01Z"`, "!is finer than the column, which holds days"},
		{"Date32", `"1900-01-01"`, `"1900-01-01"`},
		{"DateTime", `"2026-03-31T02:00:00+02:00"`, `"2026-03-31T00:00:00Z"`}, {"DateTime", `"2026-03-31"`, `"2026-03-31T00:00:00Z"`},
		{"DateTime('Asia/Tokyo')", `"2106-02-07T06:28:15Z"`, `"2106-02-07T06:28:15Z"`},
		{"DateTime", `"2026-03-31T00:00:00.5Z"`, "!is finer than the column, which holds seconds"},
		{"DateTime64(3)", `"2026-03-31T00:00:00.5Z"`, `"2026-03-31T00:00:00.500Z"`}, {"DateTime64(9, 'UTC')", `"1901-01-01T00:00:00.123456789Z"`, `"1901-01-01T00:00:00.123456789Z"`},
		{"DateTime64(3)", `"2026-03-31T00:00:00.0005Z"`, "!is finer than the column, which holds 3 digits after the second"},
		{"Time", `"-123:00:01"`, `"-123:00:01"`}, {"Time", `"25:61:00"`, "!must be a text such as \"09:30:00\", with at most 0 digits after the second"},
		{"Time64(6)", `"01:02:03.000001"`, `"01:02:03.000001"`},
		{"Array(Int64)", `[1, "2" ,9223372036854775807]`, `[1,2,"9223372036854775807"]`},
		{"Array(Int64)", `[1, 9223372036854775808]`, "!item 2 must be a whole number from -9223372036854775808 to 9223372036854775807"},
		{"Array(Int64)", `[null]`, "!item 1 must not be null"}, {"Array(Nullable(Int64))", `[null]`, `[null]`},
		{"Array(Array(Date))", `[["2026-01-01"],[]]`, `[["2026-01-01"],[]]`}, {"Array(Int8)", `{"a":1}`, "!must be a JSON array"}, {"Array(Int8)", `5`, "!must be a JSON array or object, as Array(Int8) is; this is a number"},
		{"Map(Int64, Float64)", `{"5":1.5}`, `{"5":1.5}`}, {"Map(String, Int8)", `{"a":1,"a":2}`, `!row 1 is no JSON: the name "a" stands twice in an object`},
		{"Tuple(Int8, String)", `[1,"x"]`, `[1,"x"]`}, {"Tuple(Int8, String)", `[1]`, "!must have all of its 2 elements"},
		{"Tuple(a Int8, `b c` String)", `{"b c":"x","a":1}`, `{"a":1,"b c":"x"}`}, {"Tuple(a Int8, b String)", `{"a":1,"c":2}`, "!must have no more than its 2 elements"},
		{"Nested(a Int8, b Nullable(Date))", `[{"a":1,"b":null}]`, `[{"a":1,"b":null}]`},
		{"JSON", "{\"a\" :\n {\"b\":[1,\"\\n\"]}}", `{"a" : {"b":[1,"\n"]}}`}, {"JSON", `{"a":[{"b":99999999999999999999}]}`, "!has the whole number 99999999999999999999, which has more than 64 bits; send it as text"},
		{"JSON", `[1]`, "!must be a JSON object"}, {"JSON", `"{\"a\":1}"`, `{"a":1}`},
	} {
		got := readText(t, tableOf(t, catalog.Append, "c "+test.typ), "application/json", `[{"c":`+test.cell+`}]`)
		got = strings.TrimSuffix(strings.TrimPrefix(got, "c\n["), "]")
		if rest, fault := strings.CutPrefix(got, "!Row 1, column c: "); fault {
			got = "!" + strings.TrimSuffix(rest, ".")
		}
		if got != test.want {
			t.Errorf("%s %s:\n got %s\nwant %s", test.typ, test.cell, got, test.want)
		}
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	table := tableOf(t, catalog.Append, "a Int8")
	for _, test := range []struct {
		body Body
		want contracts.Code
	}{
		{Body{Type: "text/plain"}, contracts.CodeUnsupportedMediaType},
		{Body{Type: ""}, contracts.CodeUnsupportedMediaType},
		{Body{Type: "application/json; charset=latin1"}, contracts.CodeUnsupportedMediaType},
		{Body{Type: "text/csv; header=absent"}, contracts.CodeUnsupportedMediaType},
		{Body{Type: "application/json", Encoding: "br"}, contracts.CodeUnsupportedMediaType},
		{Body{Type: "application/json", Encoding: "gzip"}, contracts.CodeInvalidRequest},
		{Body{Type: "application/json", Encoding: "zstd"}, contracts.CodeInvalidRequest},
	} {
		test.body.Reader = strings.NewReader("[]")
		_, err := Read(table, test.body, Limits{}, &Budget{})
		if e := contracts.AsError(err); err == nil || e.Code != test.want || len(e.Issues) == 0 {
			t.Errorf("%+v: %v", test.body, err)
		}
	}
	_, err := Read(table, Body{Reader: strings.NewReader("x"), Type: "text/x"}, Limits{}, &Budget{})
	for _, mediaType := range MediaTypes {
		if !strings.Contains(contracts.AsError(err).Issues[0].Hint, mediaType) {
			t.Errorf("%v does not name %s", err, mediaType)
		}
	}
}

// A body that is cut anywhere is never taken for a whole one.
func TestCut(t *testing.T) {
	t.Parallel()
	table := tableOf(t, catalog.Append, "a Int8", "b Nullable(String)")
	body := `[{"a":1,"b":"x"},{"a":2},{"a":3,"b":"\u00e9"}]`
	for i := range body {
		if got := readText(t, table, "application/json", body[:i]); !strings.HasPrefix(got, "!") {
			t.Errorf("%s: %s", body[:i], got)
		}
	}
	_, err := Read(table, Body{Reader: io.MultiReader(strings.NewReader("{\"a\":1}\n"), gone{}), Type: "application/x-ndjson"}, Limits{}, &Budget{})
	if e := contracts.AsError(err); err == nil || e.Code != contracts.CodeCanceled {
		t.Errorf("a client that went away: %v", err)
	}
}

type gone struct{}

func (gone) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

func TestLimits(t *testing.T) {
	t.Parallel()
	table := tableOf(t, catalog.Upsert, "a! Int32", "b Nullable(String)")
	read := func(n int, each string, limits Limits) (*Rows, *Budget, error) {
		var body strings.Builder
		for i := range n {
			fmt.Fprintf(&body, "{\"a\":%d,\"b\":%q}\n", i, each)
		}
		budget := &Budget{}
		rows, err := Read(table, Body{Reader: strings.NewReader(body.String()), Type: "application/x-ndjson"}, limits, budget)
		return rows, budget, err
	}
	if rows, budget, err := read(10, "x", Limits{Rows: 10}); err != nil || rows.Count() != 10 || budget.held.Load() == 0 {
		t.Fatal(err)
	} else if rows.Release(); budget.held.Load() != 0 {
		t.Errorf("%d bytes are still held", budget.held.Load())
	}
	for name, limits := range map[string]Limits{"rows": {Rows: 9}, "bytes": {Bytes: 100}} {
		_, budget, err := read(10, "x", limits)
		if e := contracts.AsError(err); err == nil || e.Code != contracts.CodeBodyTooLarge || budget.held.Load() != 0 {
			t.Errorf("%s: %v, %d bytes held", name, err, budget.held.Load())
		}
	}
	if _, _, err := read(1, strings.Repeat("x", MostRowBytes), Limits{}); err == nil || contracts.AsError(err).Code != contracts.CodeInvalidRequest {
		t.Errorf("a row that is too long: %v", err)
	}
	if rows, _, err := read(20, strings.Repeat("x", 1<<20), Limits{}); err != nil || rows.Count() != 20 {
		t.Errorf("long texts: %v", err)
	}
	full := &Budget{}
	full.held.Store(mostHeld - 100)
	_, err := Read(table, Body{Reader: strings.NewReader(`[{"a":1}]`), Type: "application/json"}, Limits{}, full)
	if e := contracts.AsError(err); err == nil || e.Code != contracts.CodeTooManyRequests || e.RetryAfter == 0 || full.held.Load() != mostHeld-100 {
		t.Errorf("no memory left: %v", err)
	}
}

// What is held of a body is not much more than its size.
func TestHeld(t *testing.T) {
	t.Parallel()
	table := tableOf(t, catalog.Upsert, "a! Int32", "b String")
	const n = 100_000
	body := io.MultiReader(slices.Collect(func(yield func(io.Reader) bool) {
		for i := range n {
			if !yield(strings.NewReader(fmt.Sprintf("{\"a\":%d,\"b\":\"text %d\"}\n", i, i))) {
				return
			}
		}
	})...)
	budget := &Budget{}
	rows, err := Read(table, Body{Reader: body, Type: "application/x-ndjson"}, Limits{}, budget)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Release()
	if held := budget.held.Load(); held > n*(perRow+30)+2*chunkSize {
		t.Errorf("%d bytes a row", held/n)
	}
}

package tables

import (
	"bytes"
	"encoding/base64"
	"slices"
	"strings"
	"testing"

	"framehouse/internal/catalog/catalogtest"
	"framehouse/internal/contracts"
	"framehouse/internal/store/sql"
	"framehouse/internal/store/storetest"
)

var somewhere = position{[]mark{v("a\x00\xff'"), {kind: isNull}, {kind: isNaN}, v("")}, 3}

func TestCursor(t *testing.T) {
	t.Parallel()
	of := binding("t", sql.Statement{Text: "SELECT", Params: []sql.Param{{Name: "p0", Value: "x"}}}, []string{"a", "-b"})
	text, ok := somewhere.cursor(of)
	if !ok {
		t.Fatal(text)
	}
	read, ok := readCursor(text, of, 4)
	if !ok || read.alike != 3 || !slices.Equal(read.marks, somewhere.marks) {
		t.Fatalf("read %+v, %v", read, ok)
	}
	if _, ok := readCursor(text, of, 3); ok {
		t.Error("a cursor of four columns passes for one of three")
	}
	for _, other := range [][]byte{
		binding("u", sql.Statement{Text: "SELECT", Params: []sql.Param{{Name: "p0", Value: "x"}}}, []string{"a", "-b"}),
		binding("t", sql.Statement{Text: "SELECT", Params: []sql.Param{{Name: "p0", Value: "y"}}}, []string{"a", "-b"}),
		binding("t", sql.Statement{Text: "SELECT", Params: []sql.Param{{Name: "p0", Value: "x"}}}, []string{"a", "b"}),
		binding("t", sql.Statement{Text: "SELECT", Params: []sql.Param{{Name: "p0", Value: "xa"}}}, []string{"-b"}),
	} {
		if _, ok := readCursor(text, other, 4); ok {
			t.Error("a cursor passes for one of another request")
		}
	}
	// Not one letter can be another.
	for i := range text {
		for _, letter := range "AB_z" {
			changed := text[:i] + string(letter) + text[i+1:]
			if _, ok := readCursor(changed, of, 4); ok && changed != text {
				t.Errorf("%s passes for %s", changed, text)
			}
		}
	}
	for _, changed := range []string{"", text + "A", text + "=", text[1:], " " + text, strings.ToUpper(text), strings.Repeat("A", longestCursor+1)} {
		if _, ok := readCursor(changed, of, 4); ok {
			t.Errorf("%s passes for %s", changed, text)
		}
	}
	long := position{marks: []mark{v(strings.Repeat("x", longestCursor))}}
	if text, ok := long.cursor(of); ok {
		t.Errorf("a cursor of %d letters", len(text))
	}
}

// Whatever is read as a cursor is written as the same text.
func FuzzCursor(f *testing.F) {
	of := binding("t", sql.Statement{Text: "SELECT"}, nil)
	for _, p := range []position{somewhere, {}, {marks: []mark{v("9223372036854775807")}}, {marks: []mark{v("\xff"), v("-0"), {kind: isNaN}}, alike: mostAlike}} {
		text, _ := p.cursor(of)
		b, _ := base64.RawURLEncoding.DecodeString(text)
		f.Add(b[:len(b)-checksumSize], len(p.marks))
	}
	f.Add([]byte{cursorVersion, 0x80, 0x00}, 0)
	f.Add([]byte{cursorVersion, 0, 'v', 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1}, 1)
	f.Fuzz(func(t *testing.T, content []byte, columns int) {
		if columns < 0 || columns > 100 {
			return
		}
		for _, text := range []string{
			base64.RawURLEncoding.EncodeToString(append(bytes.Clone(content), checksum(of, content)...)), // a forged one
			string(content),
		} {
			p, ok := readCursor(text, of, columns)
			if !ok {
				continue
			}
			if len(p.marks) != columns {
				t.Fatalf("%d marks of %d columns", len(p.marks), columns)
			}
			again, ok := p.cursor(of)
			if read, readable := readCursor(again, of, columns); !ok || !readable || read.alike != p.alike || !slices.Equal(read.marks, p.marks) {
				t.Fatalf("%q is written as %q", text, again)
			}
		}
	})
}

// A cursor goes with its filter and order, and with any limit and columns. A forged one whose
// values a column cannot hold is refused and never reaches ClickHouse.
func TestCursorIsBound(t *testing.T) {
	t.Parallel()
	s := bank(t)
	first, err := planned(t, s, "balances", "day=2026-03-22&order=rate&limit=1")
	if err != nil {
		t.Fatal(err)
	}
	cursor := func(marks ...mark) string {
		text, _ := position{marks, 1}.cursor(first.binding)
		return text
	}
	for _, test := range []struct {
		request, cursor string
		fits            bool
	}{
		{"day=2026-03-22&order=rate&limit=7&select=day", cursor(v("1"), v("2")), true},
		{"day=2026-03-22&order=rate", cursor(mark{kind: isNull}, v("2")), true},
		{"day=2026-03-22&order=rate", cursor(mark{kind: isNaN}, v("2")), true},
		{"day=2026-03-23&order=rate", cursor(v("1"), v("2")), false},
		{"order=rate", cursor(v("1"), v("2")), false},
		{"day=2026-03-22&order=-rate", cursor(v("1"), v("2")), false},
		{"day=2026-03-22&order=rate.nullsfirst", cursor(v("1"), v("2")), false},
		{"day=2026-03-22&order=rate,id&group=rate,id", cursor(v("1"), v("2")), false},
		{"day=2026-03-22&order=rate", cursor(v("1")), false},
		{"day=2026-03-22&order=rate", cursor(v("1"), v("-1")), false},
		{"day=2026-03-22&order=rate", cursor(v("1"), mark{kind: isNull}), false},
		{"day=2026-03-22&order=rate", cursor(v("1"), mark{kind: isNaN}), false},
		{"day=2026-03-22&order=rate", cursor(v("1) OR (1"), v("2")), false},
	} {
		_, err := planned(t, s, "balances", test.request+"&cursor="+test.cursor)
		if test.fits && err != nil {
			t.Errorf("%s: %v", test.request, err)
		}
		if e := contracts.AsError(err); !test.fits && (err == nil || e.Code != contracts.CodeInvalidRequest || e.Issues[0].Location != "query.cursor") {
			t.Errorf("%s with another's cursor: %v", test.request, err)
		}
	}
}

// Orders that read alike are orders all the same.
func TestCursorsOfOddNames(t *testing.T) {
	t.Parallel()
	database := storetest.Database(t)
	storetest.Exec(t, database, "CREATE TABLE odd (id UInt8, x Nullable(Int32), `x.nullsfirst` Int32, y Int32, `-y` Int32) ORDER BY id")
	storetest.Exec(t, database, "INSERT INTO odd SELECT number, number, -number, number, number FROM numbers(9)")
	s := service(t, database, "tables: {odd: {key: [id]}}")
	for _, orders := range [][2]Order{
		{{Column: "x", NullsFirst: true}, {Column: "x.nullsfirst"}},
		{{Column: "y", Descending: true}, {Column: "-y"}},
	} {
		q := Query{Table: "odd", Limit: 2, Order: orders[:1]}
		f, err := catalogtest.Run(t.Context())(s.Rows(q))
		if err != nil {
			t.Fatal(err)
		}
		cells(t, f)
		q.Cursor = f.Meta.Tabular.NextCursor
		if f, err = catalogtest.Run(t.Context())(s.Rows(q)); err != nil {
			t.Fatal(err)
		}
		f.Close()
		q.Order = orders[1:]
		if f, err = catalogtest.Run(t.Context())(s.Rows(q)); err == nil {
			f.Close()
			t.Errorf("the cursor of %v goes with %v", orders[0], orders[1])
		}
	}
}

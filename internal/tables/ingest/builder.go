package ingest

import (
	"bytes"
	"errors"
	"fmt"
	"hash/maphash"
	"slices"
	"strings"
	"unicode/utf8"

	"framehouse/internal/catalog"
	"framehouse/internal/contracts"
)

// builder takes rows cell by cell, checks them, and gathers what is wrong with them.
type builder struct {
	table   *catalog.Table
	columns []column // the key first
	byName  map[string]int
	closed  map[string]string
	limits  Limits

	rows    *Rows
	row     int    // number of the current row, from 1
	scratch []byte // cells of the current row
	cells   []cell
	line    []byte
	faulty  bool // the current row

	// keys finds a second row with a key. Its seeds are secret, so that nobody can make keys
	// that pass for the same.
	keys   map[[2]uint64]int
	seeds  [2]maphash.Seed
	issues []contracts.Issue
	failed error // of ours
}

// column is one that a row may give.
type column struct {
	name     string
	encode   encoder
	key      bool
	required bool
	nullable bool
	// alike means that all rows give the column or none: null would be a value of it, and
	// is not what ClickHouse puts in for one that is left out.
	alike   bool
	omitted bool // by the first row, and therefore by all
}

type cell struct {
	row        int // that gave it
	start, end int // in scratch
}

// mostIssues is how many bad rows are reported. The first few tell what is wrong with all.
const mostIssues = 10

var errEnough = errors.New("enough is wrong")

func newBuilder(table *catalog.Table, limits Limits, budget *Budget) *builder {
	b := &builder{
		table: table, byName: map[string]int{}, closed: closedColumns(table), limits: limits, rows: &Rows{budget: budget},
	}
	for _, isKey := range []bool{true, false} {
		for _, w := range table.Write.Columns {
			if key := slices.Contains(table.Key, w.Name); key == isKey {
				b.byName[w.Name] = len(b.columns)
				b.columns = append(b.columns, column{
					name: w.Name, encode: encoderOf(w.Type), key: key, required: w.Required(table.Key),
					nullable: w.Type.Nullable, alike: w.Default && w.Type.Nullable,
				})
			}
		}
	}
	b.cells = make([]cell, len(b.columns))
	if table.Write.Mode == catalog.Upsert {
		b.keys = map[[2]uint64]int{}
		b.seeds = [2]maphash.Seed{maphash.MakeSeed(), maphash.MakeSeed()}
	}
	return b
}

// begin begins a row.
func (b *builder) begin() error {
	b.row++
	b.faulty = false
	b.scratch = b.scratch[:0]
	if b.row > b.limits.Rows {
		b.failed = tooLarge(b.limits)
		return b.failed
	}
	return nil
}

// fault reports what is wrong with the current row. One fault of a row is enough.
func (b *builder) fault(column, value, hint, format string, args ...any) {
	if b.faulty {
		return
	}
	b.faulty = true
	message := fmt.Sprintf(format, args...)
	issue := contracts.Issue{Location: fmt.Sprintf("body.row[%d]", b.row), Hint: hint}
	if column == "" {
		issue.Message = fmt.Sprintf("Row %d %s.", b.row, message)
	} else {
		issue.Location += "." + column
		issue.Message = fmt.Sprintf("Row %d, column %s: %s.", b.row, column, message)
	}
	if value != "" {
		issue.Value = shown(value)
	}
	b.issues = append(b.issues, issue)
}

// shown is a value as it can be repeated in a message.
func shown(text string) string { return cut(text, 100) }

func cut(text string, most int) string {
	text = strings.ToValidUTF8(text[:min(len(text), 4*most)], "\uFFFD")
	if n := 0; utf8.RuneCountInString(text) > most {
		for i := range text {
			if n++; n > most {
				return text[:i] + "…"
			}
		}
	}
	return text
}

// find returns the column of a name, or reports that there is none that a row may give.
func (b *builder) find(name []byte) (int, bool) {
	if i, ok := b.byName[string(name)]; ok {
		return i, true
	}
	message, hint := b.unknown(string(name))
	b.fault(shown(string(name)), "", hint, "%s", message)
	return 0, false
}

// unknown says why a name is none of a column that a row may give.
func (b *builder) unknown(name string) (message, hint string) {
	if reason := b.closed[name]; reason != "" {
		return reason, ""
	}
	names := make([]string, len(b.table.Write.Columns))
	for i, w := range b.table.Write.Columns {
		names[i] = w.Name
	}
	hint = "Columns are " + strings.Join(names, ", ") + "."
	if near := contracts.Nearest(name, names); near != "" {
		hint = fmt.Sprintf("Did you mean %q? %s", near, hint)
	}
	return b.table.Name + " has no such column", hint
}

// headerFault is a fault of a column rather than of a row.
func (b *builder) headerFault(name, hint, message string) error {
	b.issues = append(b.issues, contracts.Issue{
		Location: "body.column[" + shown(name) + "]", Message: fmt.Sprintf("The column %q %s.", shown(name), message), Hint: hint,
	})
	return errEnough
}

// set gives the current row a cell.
func (b *builder) set(i int, v value) {
	if b.faulty {
		return
	}
	c := &b.columns[i]
	if b.cells[i].row == b.row {
		b.fault(c.name, "", "", "is given twice")
		return
	}
	start := len(b.scratch)
	if v.kind == null {
		if !c.nullable {
			hint := "Leave the column out for its default."
			if c.required {
				hint = "Give it a value; an empty text is written \"\"."
			}
			b.fault(c.name, "", hint, "must not be null")
			return
		}
		b.scratch = append(b.scratch, "null"...)
	} else {
		var err error
		if b.scratch, err = c.encode(b.scratch, v); err != nil {
			b.fault(c.name, string(v.shown()), "", "%s", err)
			return
		}
	}
	b.cells[i] = cell{b.row, start, len(b.scratch)}
}

// end ends a row. An error means that there is no point in reading on.
func (b *builder) end() error {
	b.line = append(b.line[:0], '[')
	keyEnd := 1
	for i := range b.columns {
		if b.faulty {
			break
		}
		c, given := &b.columns[i], b.cells[i].row == b.row
		switch {
		case !given && c.required:
			b.fault(c.name, "", "Each row must give it.", "is missing")
		case c.alike && b.row == 1:
			c.omitted = !given
		case c.alike && given == c.omitted:
			b.fault(c.name, "", "Give it in all rows or in none: left out it has its default, which null is not.", "is given in some rows and left out in others")
		}
		if c.alike && c.omitted {
			continue
		}
		if len(b.line) > 1 {
			b.line = append(b.line, ',')
		}
		if given {
			b.line = append(b.line, b.scratch[b.cells[i].start:b.cells[i].end]...)
		} else {
			b.line = append(b.line, "null"...)
		}
		if c.key {
			keyEnd = len(b.line)
		}
	}
	if !b.faulty && b.keys != nil {
		b.once(b.line[1:keyEnd])
	}
	if len(b.issues) >= mostIssues {
		return errEnough
	}
	if len(b.issues) > 0 {
		return nil // nothing will be stored; the rest is read for its faults
	}
	b.failed = b.rows.add(b.line, keyEnd)
	return b.failed
}

// once makes sure that a key is that of one row.
func (b *builder) once(key []byte) {
	id := [2]uint64{maphash.Bytes(b.seeds[0], key), maphash.Bytes(b.seeds[1], key)}
	if first, ok := b.keys[id]; ok {
		b.fault("", string(key), "Send one row for each key.", "has the key of row %d, (%s)", first, shown(string(bytes.ReplaceAll(key, []byte{','}, []byte(", ")))))
		return
	}
	b.keys[id] = b.row
}

// done names the columns of the lines, when all rows are there.
func (b *builder) done() error {
	for _, c := range b.columns {
		if !c.alike || !c.omitted {
			b.rows.Columns = append(b.rows.Columns, c.name)
		}
	}
	return nil
}

// refusal is the error for what was found wrong; err is what ended the reading, if it did
// not come to its end.
func (b *builder) refusal(err error) error {
	var ours *contracts.Error
	if errors.As(err, &ours) {
		return ours
	}
	e := &contracts.Error{Code: contracts.CodeInvalidRequest, Issues: b.issues}
	if err != nil && !errors.Is(err, errEnough) {
		location, message := "body", err.Error()
		if b.row > 0 {
			location = fmt.Sprintf("body.row[%d]", b.row)
		}
		e.Issues = append(e.Issues, contracts.Issue{Location: location, Message: cut(message, 300)})
	}
	e.Detail = e.Issues[0].Message + " Nothing was stored."
	if !strings.HasSuffix(e.Issues[0].Message, ".") {
		e.Detail = e.Issues[0].Message + "; nothing was stored."
	}
	return e
}

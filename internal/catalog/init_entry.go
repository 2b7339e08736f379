package catalog

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"framehouse/internal/contracts"
)

const draftHead = `# What framehouse found in the database %s. Types, comments and keys come from ClickHouse each time the catalog is
# read, so what stands here is what ClickHouse does not know. A comment such as "# unit: USD" or "# price: {unit: USD}"
# is a suggestion: take "# " away to accept it. key: [column, …] says what identifies a row, where the sorting key does
# not. Delete what is not to be published, then run framehouse catalog check.
`

// write writes the draft down.
func (d *draft) write() *Draft {
	w := &draftWriter{draft: d}
	w.line(0, strings.TrimSuffix(fmt.Sprintf(draftHead, remark(d.database)), "\n"))
	if len(d.tables) > 0 {
		w.line(0, "\ntables:")
	}
	result := &Draft{Tables: len(d.tables)}
	all := map[*found]*series{}
	for _, f := range d.tables {
		w.table(f)
		all[f] = f.series()
	}
	sections := 0
	for _, certain := range []bool{true, false} {
		for _, f := range d.tables {
			s := all[f]
			if s == nil || s.certain != certain {
				continue
			}
			if sections++; sections == 1 {
				w.line(0, "\nnodes:")
			}
			w.node(f, s)
			if certain {
				result.Nodes++
			}
		}
	}
	if len(d.left) > 0 {
		w.line(0, "\n# Left out:")
		for _, left := range d.left {
			w.line(0, "#   "+scalar(left.name)+": "+left.why)
		}
	}
	result.Text = []byte(w.text.String())
	return result
}

// draftWriter writes lines, each at a depth.
type draftWriter struct {
	*draft
	text   strings.Builder
	prefix string // begins each line after its indentation; for entries that are only suggested
}

func (w *draftWriter) line(depth int, text string) {
	w.text.WriteString(strings.Repeat("  ", depth))
	w.text.WriteString(w.prefix)
	w.text.WriteString(text)
	w.text.WriteByte('\n')
}

// head writes what tables and nodes begin with.
func (w *draftWriter) head(f *found) {
	name := w.names[f.name]
	if f.name != name || w.qualified {
		table := f.name
		if w.qualified || strings.Contains(f.name, ".") || !listable(f.name) {
			table = w.database + "." + f.name
		}
		w.line(2, "table: "+scalar(table))
	}
	if label := strings.TrimSpace(remark(contracts.Titled(f.name))); label != "" {
		w.line(2, "label: "+labelScalar(label))
	}
}

func (w *draftWriter) table(f *found) {
	w.line(0, "")
	w.line(1, scalar(w.names[f.name])+":")
	if f.comment != "" {
		w.line(2, "# "+remark(f.comment))
	}
	w.head(f)
	w.key(f)
	w.references(f)
	w.columns(f, false, func(foundColumn) bool { return true })
}

// key writes the key where ClickHouse sees to it that no two rows share it, and suggests it
// where its name says so.
func (w *draftWriter) key(f *found) {
	key := f.plainKey()
	engine := remark(f.engine)
	switch {
	case f.inner && f.replaces:
		w.line(2, fmt.Sprintf("final: true # the view keeps its rows in a %s, which merges those with the same key only in time", engine))
		if len(key) > 0 {
			w.line(2, fmt.Sprintf("key: %s # unique: the %s merges rows by its sorting key", list(key), engine))
		}
	case f.replaces && len(key) > 0:
		w.line(2, fmt.Sprintf("key: %s # unique: %s has one row for each sorting key, and reads leave out the others", list(key), engine))
	case len(key) == 1 && likelyIdentifier(f.name, f.column(key[0])):
		w.line(2, fmt.Sprintf("# key: %s # if no two rows share it; %s sorts by it, but takes any number of rows", list(key), engine))
	case f.sorted != "":
		w.line(2, fmt.Sprintf("# Sorted by (%s), which rows may share.", remark(f.sorted)))
	default:
		w.line(2, "# "+ofEngine(engine)+" has no sorting key.")
	}
}

func ofEngine(engine string) string {
	if engine == "View" {
		return "A view"
	}
	return "The engine " + engine
}

// likelyIdentifier tells whether a column is called like what identifies a row of its table.
func likelyIdentifier(table string, c *foundColumn) bool {
	words := words(c.Name)
	if len(words) == 1 {
		return slices.Contains([]string{"id", "uuid", "code", "key", "symbol"}, words[0])
	}
	return slices.ContainsFunc(likelyParents(c.Name), func(parent string) bool { return parent == strings.ToLower(table) })
}

// references suggests the tables that columns such as customer_id refer to.
func (w *draftWriter) references(f *found) {
	var lines []string
	taken := map[string]bool{}
	for _, c := range f.columns {
		if c.hidden != "" || !listable(c.Name) {
			continue
		}
		for _, name := range likelyParents(c.Name) {
			parent := w.parent(name)
			if parent == nil || parent == f {
				continue
			}
			key := parent.plainKey()
			relation := strings.Join(words(c.Name)[:len(words(c.Name))-1], "_")
			if len(key) != 1 || !c.typ.Matches(parent.column(key[0]).typ) || !(likelyIdentifier(parent.name, parent.column(key[0])) || key[0] == c.Name) ||
				taken[relation] || !relationName.MatchString(relation) || slices.Contains(reservedRelations, relation) ||
				slices.ContainsFunc(f.columns, func(c foundColumn) bool { return c.Name == relation }) {
				continue
			}
			taken[relation] = true
			lines = append(lines, fmt.Sprintf("#   %s: {columns: %s, table: %s}", relation, list([]string{c.Name}), scalar(w.names[parent.name])))
			break
		}
	}
	if len(lines) > 0 {
		w.line(2, "# references:")
		for _, line := range lines {
			w.line(2, line)
		}
	}
}

// parent is the table of a name in small letters, if it is sorted by a single column.
func (w *draftWriter) parent(lower string) *found {
	i := slices.IndexFunc(w.tables, func(f *found) bool { return !f.inner && strings.ToLower(f.name) == lower })
	if i < 0 {
		return nil
	}
	return w.tables[i]
}

func (w *draftWriter) node(f *found, s *series) {
	w.line(0, "")
	if !s.certain {
		w.prefix = "# "
	}
	w.line(1, scalar(w.names[f.name])+":")
	w.prefix = ""
	if s.certain {
		w.line(2, "# A time series: "+remark(s.why)+".")
	} else {
		w.line(2, "# Perhaps a time series: "+remark(s.why)+".")
		w.prefix = "# "
	}
	w.head(f)
	if f.inner && f.replaces {
		w.line(2, "final: true")
	}
	w.line(2, "time: "+scalar(s.time.Name))
	switch {
	case len(s.dimensions) > 0:
		w.line(2, "dimensions: "+list(s.dimensions)+" # the rest of the sorting key; they tell series apart")
	case !s.certain:
		w.line(2, "dimensions: [] # the columns that tell series apart, if there are several series")
	}
	if s.value != "" {
		w.line(2, "value: "+scalar(s.value))
	}
	if s.frequency != "" && s.certain {
		w.line(2, "# frequency: "+s.frequency+" # if that is how often there is an observation")
	}
	if s.certain {
		w.columns(f, true, func(c foundColumn) bool { return c.Name != s.time.Name && !slices.Contains(s.dimensions, c.Name) })
	} else {
		w.hide(f)
	}
	w.prefix = ""
}

// hide hides the columns of a suggested node that cannot be published.
func (w *draftWriter) hide(f *found) {
	var hidden []string
	for _, c := range f.columns {
		if hide, _ := hides(c, true); hide {
			hidden = append(hidden, quotedScalar(c.Name)+": {hidden: true}")
		}
	}
	if len(hidden) > 0 {
		w.line(2, "columns: {"+strings.Join(hidden, ", ")+"}")
	}
}

// hides tells whether a column cannot be published, of a node or of a table, and why.
func hides(c foundColumn, node bool) (bool, string) {
	if c.hidden == "" && node && strings.HasPrefix(c.Name, reservedPrefix) {
		return true, "framehouse needs names that begin so for itself"
	}
	return c.hidden != "", c.hidden
}

// widestColumn is where the types of columns stand below each other, unless a name is longer.
const widestColumn = 48

// columns writes the columns that are wanted, with their types. They are comments, since
// every column is published anyway, and one that is dropped later is then no fault.
func (w *draftWriter) columns(f *found, node bool, wanted func(foundColumn) bool) {
	type row struct{ left, right string }
	var rows []row
	width := 0
	for _, c := range f.columns {
		hide, why := hides(c, node)
		if !hide && !wanted(c) {
			continue
		}
		left, right := "# "+scalar(c.Name)+": {}", typeRemark(c)
		switch unit := likelyUnit(c); {
		case hide:
			left, right = scalar(c.Name)+": {hidden: true}", right+"; "+why
		case unit != "":
			left = "# " + scalar(c.Name) + ": {unit: \"" + unit + "\"}"
		}
		if c.Comment != "" {
			right += " · " + remark(c.Comment)
		}
		rows = append(rows, row{left, right})
		if n := utf8.RuneCountInString(left); n <= widestColumn {
			width = max(width, n)
		}
	}
	if len(rows) == 0 {
		return
	}
	w.line(2, "columns:")
	for _, r := range rows {
		w.line(3, r.left+strings.Repeat(" ", max(0, width-utf8.RuneCountInString(r.left)))+" # "+r.right)
	}
}

// typeRemark is a column's type for a reader; of an Enum its names count.
func typeRemark(c foundColumn) string {
	names := c.typ.EnumNames()
	if names == nil {
		return remark(c.Type)
	}
	text := c.typ.Name
	if c.typ.Nullable {
		text += " or null"
	}
	return remark(text + ", one of " + strings.Join(names, ", "))
}

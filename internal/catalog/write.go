package catalog

import (
	"regexp"
	"slices"
	"strings"

	"framehouse/internal/store"
)

// The ways in which a table can be written.
const (
	// Upsert writes rows by the key: a later row takes the place of one with the same key.
	Upsert = "upsert"
	// Append adds rows.
	Append = "append"
)

// Write says how the rows of a table are written.
type Write struct {
	Mode    string
	Columns []Writable // that a row may give, in the order of the table
	// Stored are the columns that an INSERT can name.
	Stored []string
	// Version and Deleted are columns of an upsert table that tell which of its rows with a
	// key counts, and whether it stands for none. They are never published.
	Version, Deleted Filled
	// The columns that tell when and by whom a row was first and last written.
	CreatedAt, CreatedBy, UpdatedAt, UpdatedBy Filled
	// Partition is the partition key as ClickHouse writes it; rows of a request must lie in
	// one partition. Empty when there is but one.
	Partition string
}

// Writable is a column that a row may give.
type Writable struct {
	*Column
	Default bool // ClickHouse has a value for a row that leaves it out
}

// Required tells whether each row must give the column.
func (w Writable) Required(key []string) bool {
	return slices.Contains(key, w.Name) || !w.Default && !w.Type.Nullable
}

// Filled is a column that the server fills. Its name is empty when there is none.
type Filled struct {
	Name string
	Type store.Type
}

// Filled are the columns that the server fills and that are published.
func (w *Write) Filled() []Filled {
	return slices.DeleteFunc([]Filled{w.CreatedAt, w.CreatedBy, w.UpdatedAt, w.UpdatedBy}, func(f Filled) bool { return f.Name == "" })
}

// writeEntry is how a table is written, as it stands in the file.
type writeEntry struct {
	mode                                       text
	createdAt, createdBy, updatedAt, updatedBy text
}

func (e *writeEntry) keys(d *decoder, known keys) {
	known["write"] = d.text(&e.mode)
	known["created_at"] = d.text(&e.createdAt)
	known["created_by"] = d.text(&e.createdBy)
	known["updated_at"] = d.text(&e.updatedAt)
	known["updated_by"] = d.text(&e.updatedBy)
}

func (e *writeEntry) check(d *decoder) {
	if mode := e.mode.value; mode != "" && mode != Upsert && mode != Append {
		d.fault(e.mode.line, "write is %q; it must be upsert (rows are replaced by their key) or append", mode)
	}
	for _, column := range []text{e.createdAt, e.createdBy, e.updatedAt, e.updatedBy} {
		if column.value != "" && e.mode.value == "" {
			d.fault(column.line, "the column %q can be filled only where a table is written; add write: upsert or write: append", column.value)
		}
	}
}

// mergeTreeArgs are the arguments of a MergeTree engine, less the place and name of a
// replica, which stand first and are quoted.
func mergeTreeArgs(info store.TableInfo) []string {
	engine, _, _ := strings.Cut(info.EngineFull, ")")
	name, inner, found := strings.Cut(engine, "(")
	if !found || strings.TrimSpace(name) != info.Engine {
		return nil
	}
	var args []string
	for arg := range strings.SplitSeq(inner, ",") {
		if arg = strings.TrimSpace(arg); !strings.HasPrefix(arg, "'") {
			args = append(args, strings.Trim(arg, "`"))
		}
	}
	return args
}

// serverOwn are the columns of an upsert table that nobody else fills or sees.
func serverOwn(mode string, info store.TableInfo) []string {
	if mode == Upsert && strings.HasSuffix(info.Engine, "ReplacingMergeTree") {
		if args := mergeTreeArgs(info); len(args) == 2 {
			return args
		}
	}
	return nil
}

// windowText is the setting with which ClickHouse remembers insertions, where it is set.
var windowText = regexp.MustCompile(`\b(non_)?replicated_deduplication_window = (\d+)`)

// write holds how a table is to be written against what ClickHouse can keep of it.
func (v *verifier) write(t *Table, info store.TableInfo) {
	e := v.entry.write
	line := e.mode.line
	if e.mode.value == "" || v.entry.faulty {
		return
	}
	w := &Write{Mode: e.mode.value, Partition: info.Partition}
	faults := len(v.file.faults)
	if !strings.HasSuffix(info.Engine, "MergeTree") {
		v.fault(line, "write needs a table of the MergeTree family; %s is a %s", t.Source.Name, info.Engine)
		return
	}
	replicated := strings.HasPrefix(info.Engine, "Replicated") || strings.HasPrefix(info.Engine, "Shared")
	window, prefix := windowText.FindStringSubmatch(info.EngineFull), ""
	if !replicated {
		prefix = "non_"
	}
	if window == nil && !replicated || window != nil && window[1] == prefix && window[2] == "0" {
		v.fault(line, "write needs ClickHouse to remember insertions, so that one can be repeated safely; ALTER TABLE %s.%s MODIFY SETTING %sreplicated_deduplication_window = 1000",
			t.Source.Database, t.Source.Name, prefix)
	}
	if w.Mode == Upsert {
		v.upsert(t, w, info)
	} else if info.Merges() {
		v.fault(line, "write: append needs an engine that keeps all rows, such as MergeTree; %s is a %s", t.Source.Name, info.Engine)
	}
	if len(v.file.faults) > faults {
		return
	}
	w.CreatedAt = v.filled(t, "created_at", e.createdAt, true)
	w.CreatedBy = v.filled(t, "created_by", e.createdBy, false)
	w.UpdatedAt = v.filled(t, "updated_at", e.updatedAt, true)
	w.UpdatedBy = v.filled(t, "updated_by", e.updatedBy, false)
	seen := map[string]bool{}
	for _, f := range w.Filled() {
		if seen[f.Name] {
			v.fault(line, "the column %q is filled with two things", f.Name)
		}
		seen[f.Name] = true
	}
	for _, i := range info.Columns {
		if i.Default == "MATERIALIZED" || i.Default == "ALIAS" {
			if slices.Contains(t.Key, i.Name) {
				v.fault(line, "write needs a key that can be given; %q is %s", i.Name, i.Default)
			}
			continue
		}
		w.Stored = append(w.Stored, i.Name)
		if seen[i.Name] || i.Name == w.Version.Name || i.Name == w.Deleted.Name {
			continue
		}
		typ, err := store.ParseType(i.Type)
		c := t.Column(i.Name)
		switch {
		case err == nil && c != nil && typ.Storable():
			w.Columns = append(w.Columns, Writable{c, i.Default == "DEFAULT"})
		case i.Default == "DEFAULT":
		case c != nil:
			v.fault(line, "the column %q is a %s, which cannot be written; give it a DEFAULT", i.Name, i.Type)
		case w.Mode == Upsert:
			v.fault(line, "the column %q is hidden, and its values would be lost when rows are replaced; publish it, or give it a DEFAULT", i.Name)
		case !typ.Nullable:
			v.fault(line, "the column %q is hidden, so that rows cannot give it; publish it, or give it a DEFAULT", i.Name)
		}
	}
	t.Write = w
}

// upsert makes sure that replacing rows is what ClickHouse does with the table.
func (v *verifier) upsert(t *Table, w *Write, info store.TableInfo) {
	line := v.entry.write.mode.line
	ddl := "ENGINE = ReplacingMergeTree(version, is_deleted) ORDER BY (" + strings.Join(t.Key, ", ") +
		") SETTINGS non_replicated_deduplication_window = 1000, with columns version UInt64 and is_deleted UInt8"
	own := serverOwn(Upsert, info)
	if own == nil {
		engine, _, _ := strings.Cut(info.EngineFull, " ")
		v.fault(line, "write: upsert needs %s; %s is a %s", ddl, t.Source.Name, engine)
		return
	}
	for i, target := range []*Filled{&w.Version, &w.Deleted} {
		n := slices.IndexFunc(info.Columns, func(c store.ColumnInfo) bool { return c.Name == own[i] })
		if n < 0 {
			continue
		}
		typ, err := store.ParseType(info.Columns[n].Type)
		if err != nil || info.Columns[n].Default == "MATERIALIZED" || info.Columns[n].Default == "ALIAS" {
			v.fault(line, "write: upsert fills the column %q, which is %s", own[i], info.Columns[n].Default)
			return
		}
		*target = Filled{own[i], typ}
		if details := slices.IndexFunc(v.entry.columns, func(c columnEntry) bool { return c.name == own[i] }); details >= 0 {
			v.fault(v.entry.columns[details].line, "the column %q is the server's own and is never published", own[i])
		}
	}
	if bare := w.Version.Type.String(); bare != "UInt64" && (w.Version.Type.Name != "DateTime64" || w.Version.Type.Precision() != 9 || w.Version.Type.Nullable) {
		v.fault(line, "write: upsert counts nanoseconds in the version, so the column %q must be a UInt64 or DateTime64(9); it is a %s", w.Version.Name, bare)
	}
	sorting := slices.Clone(info.SortingKey)
	key := slices.Clone(t.Key)
	slices.Sort(sorting)
	slices.Sort(key)
	if len(key) == 0 || !slices.Equal(sorting, key) || strings.Count(info.SortedBy, ",")+1 != len(sorting) {
		v.fault(line, "write: upsert replaces rows by the sorting key, which is (%s), while the key is (%s); both must have the same columns: %s",
			info.SortedBy, strings.Join(t.Key, ", "), ddl)
	}
	for _, name := range t.Key {
		if c := t.Column(name); c != nil && (c.Type.Nullable || !c.Type.Comparable() || c.FieldType() == "number" && strings.Contains(c.Type.Name, "Float")) {
			v.fault(line, "write: upsert needs a key that is equal or not, so the column %q must not be a %s", name, c.Type)
		}
	}
	for _, c := range info.Columns {
		if c.InPartition == 1 && !slices.Contains(t.Key, c.Name) {
			v.fault(line, "write: upsert needs a partition key of key columns alone, since rows of two partitions never replace each other; %q is none", c.Name)
		}
	}
	if !t.Final {
		v.fault(line, "write: upsert needs reads that leave out replaced rows; take final: false away")
	}
}

// filled is a column that the server fills with an instant or a name.
func (v *verifier) filled(t *Table, part string, name text, instant bool) Filled {
	c := v.column(t, part, name)
	if c == nil {
		return Filled{}
	}
	switch fits := c.Type.Name == "String"; {
	case instant && c.Type.Name != "DateTime" && c.Type.Name != "DateTime64":
		v.fault(name.line, "%s names the column %q, which is a %s; it must be a DateTime or DateTime64", part, c.Name, c.Type)
	case !instant && !fits:
		v.fault(name.line, "%s names the column %q, which is a %s; it must be a String", part, c.Name, c.Type)
	case slices.Contains(t.Key, c.Name):
		v.fault(name.line, "%s names the column %q, which is part of the key", part, c.Name)
	}
	return Filled{c.Name, c.Type}
}

// WriteDescription is what is told of how a table is written.
type WriteDescription struct {
	Mode         string   `json:"mode" enum:"upsert,append" doc:"upsert: a row takes the place of one with the same key. append: rows are added"`
	Columns      []string `json:"columns" doc:"Columns that a row may give"`
	Required     []string `json:"required" doc:"Columns that each row must give"`
	Filled       []string `json:"filled" doc:"Columns that the server fills; a row must not give them"`
	PartitionKey string   `json:"partitionKey,omitempty" doc:"ClickHouse expression that must be equal for all rows of one request"`
}

// describe is nil for a table that is only read.
func (w *Write) describe(key []string) *WriteDescription {
	if w == nil {
		return nil
	}
	d := &WriteDescription{Mode: w.Mode, Columns: []string{}, Required: []string{}, Filled: []string{}, PartitionKey: w.Partition}
	for _, c := range w.Columns {
		d.Columns = append(d.Columns, c.Name)
		if c.Required(key) {
			d.Required = append(d.Required, c.Name)
		}
	}
	for _, f := range w.Filled() {
		d.Filled = append(d.Filled, f.Name)
	}
	return d
}

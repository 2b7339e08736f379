package catalog

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"framehouse/internal/contracts"
	"framehouse/internal/store"
	"framehouse/internal/store/sql"
)

// Database is what the catalog asks of ClickHouse.
type Database interface {
	Database() string
	Describe(ctx context.Context, tables []sql.Table) (map[sql.Table]store.TableInfo, error)
	// Tables names the tables of the database, for suggestions.
	Tables(ctx context.Context) ([]string, error)
}

var _ Database = (*store.Store)(nil)

// Load reads a catalog file and verifies it against ClickHouse. An error means that
// nothing could be said: the file is no YAML, or ClickHouse did not answer. Everything
// else is in the catalog's Faults.
func Load(ctx context.Context, name string, content []byte, db Database) (*Catalog, error) {
	f, err := parse(name, content)
	if err != nil {
		return nil, err
	}
	known, err := describe(ctx, db, slices.Concat(f.tables, f.nodes))
	if err != nil {
		return nil, err
	}
	return known.verify(f), nil
}

// knowledge is what ClickHouse says of the tables that entries name.
type knowledge struct {
	database string
	infos    map[sql.Table]store.TableInfo
	others   []string // tables of the database; nil when none is missing
}

func describe(ctx context.Context, db Database, entries []*entry) (*knowledge, error) {
	k := &knowledge{database: db.Database()}
	var sources []sql.Table
	for _, e := range entries {
		sources = append(sources, e.source(db.Database()))
	}
	var err error
	if k.infos, err = db.Describe(ctx, sources); err != nil {
		return nil, err
	}
	if slices.ContainsFunc(sources, func(t sql.Table) bool { _, ok := k.infos[t]; return !ok }) {
		if k.others, err = db.Tables(ctx); err != nil {
			return nil, err
		}
	}
	return k, nil
}

// verify makes the catalog of the entries that are without fault.
func (k *knowledge) verify(f *file) *Catalog {
	c := k.each(f)
	c.link(f)
	c.identify()
	c.weigh()
	slices.SortStableFunc(f.faults, func(a, b Fault) int { return a.Line - b.Line })
	c.Faults = f.faults
	return c
}

// each verifies each entry by itself, without what it refers to.
func (k *knowledge) each(f *file) *Catalog {
	c := &Catalog{}
	for _, e := range f.tables {
		v := verifier{decoder{file: f, entry: e}, k.infos, k.others}
		if table := v.table(e.source(k.database)); !e.faulty {
			c.Tables = append(c.Tables, &table)
		}
	}
	for _, e := range f.nodes {
		v := verifier{decoder{file: f, entry: e}, k.infos, k.others}
		if node := v.node(e.source(k.database)); !e.faulty {
			c.Nodes = append(c.Nodes, &node)
		}
	}
	return c
}

// source is the ClickHouse table of the entry.
func (e *entry) source(database string) sql.Table {
	name := e.table.value
	if name == "" {
		name = e.name
	} else if db, table, qualified := strings.Cut(name, "."); qualified {
		return sql.Table{Database: db, Name: table}
	}
	return sql.Table{Database: database, Name: name}
}

// verifier holds an entry against what ClickHouse knows.
type verifier struct {
	decoder
	infos  map[sql.Table]store.TableInfo
	others []string // tables of the database; nil when none is missing
}

func (v *verifier) table(source sql.Table) Table {
	e := v.entry
	t := Table{
		Name: e.name, Label: contracts.Line(e.label.value), Description: contracts.Prose(e.description.value),
		Source: source, MaxRows: e.maxRows, Export: e.export, Limits: e.limits,
	}
	info, ok := v.infos[source]
	if !ok {
		line := e.table.line
		if line == 0 {
			line = e.line
		}
		if near := contracts.Nearest(source.Name, v.others); near != "" && near != source.Name {
			v.fault(line, "ClickHouse has no table %s.%s; did you mean %s?", source.Database, source.Name, near)
		} else {
			v.fault(line, "ClickHouse has no table %s.%s", source.Database, source.Name)
		}
		return t
	}
	if t.Label == "" {
		t.Label = contracts.Titled(e.name)
	}
	if t.Description == "" {
		t.Description = contracts.Prose(info.Comment)
	}
	t.Columns = v.columns(info)
	if len(t.Columns) == 0 {
		v.fault(e.line, "no column is left to publish")
		return t
	}
	for _, name := range e.key {
		if v.column(&t, "key", name) != nil {
			t.Key = append(t.Key, name.value)
		}
	}
	if len(e.key) == 0 {
		t.Key = publishedPart(&t, info.SortingKey)
	}
	t.sorting = info.SortingKey
	if t.Final = info.Merges(); e.final != nil {
		t.Final = *e.final
	}
	t.Unique = len(e.key) > 0 || t.Final && len(t.Key) > 0 && len(t.Key) == len(keyParts(info.SortedBy))
	for _, step := range e.order {
		name, descending := strings.CutPrefix(step.value, "-")
		if v.column(&t, "order", text{name, step.line}) != nil {
			t.Order = append(t.Order, Order{name, descending})
		}
	}
	if len(e.order) == 0 {
		for _, name := range t.Key {
			t.Order = append(t.Order, Order{Column: name})
		}
	}
	v.write(&t, info)
	v.caching(&t, info)
	return t
}

func (v *verifier) columns(info store.TableInfo) []*Column {
	details := map[string]columnEntry{}
	for _, c := range v.entry.columns {
		if !slices.ContainsFunc(info.Columns, func(i store.ColumnInfo) bool { return i.Name == c.name }) {
			v.noColumn(c.line, "columns", c.name, infoNames(info))
		}
		details[c.name] = c
	}
	var columns []*Column
	own := serverOwn(v.entry.write.mode.value, info)
	for _, i := range info.Columns {
		d := details[i.Name]
		if d.hidden || slices.Contains(own, i.Name) {
			continue
		}
		typ, err := store.ParseType(i.Type)
		if err != nil {
			v.fault(max(d.line, v.entry.line), "column %q: %v", i.Name, err)
			continue
		}
		if d.safeInteger && !typ.Wide() {
			v.fault(d.line, "column %q is a %s; safe_integer is for Int64 and UInt64", i.Name, typ)
		}
		v.aggregation(d.agg, typ)
		c := &Column{
			Name: i.Name, Label: contracts.Line(d.label), Description: contracts.Prose(d.description), Unit: contracts.Line(d.unit),
			Type: typ, SafeInteger: d.safeInteger, Agg: d.agg.value, Example: d.example.value,
		}
		v.values(c, d)
		if c.Label == "" {
			c.Label = cmp.Or(contracts.Line(contracts.Titled(i.Name)), i.Name)
		}
		if c.Description == "" {
			c.Description = contracts.Prose(i.Comment)
		}
		columns = append(columns, c)
	}
	return columns
}

// values takes over the values that the catalog lists for a column, and its example. All must
// be such as the column holds.
func (v *verifier) values(c *Column, d columnEntry) {
	if (len(d.values) > 0 || c.Example != "") && !c.Type.Comparable() {
		v.fault(max(d.example.line, d.line), "column %q is a %s, which nothing is filtered by; values and example are for filters", c.Name, c.Type)
		return
	}
	for _, value := range d.values {
		if _, err := c.Type.Literal(value.value); err != nil {
			v.fault(value.line, "values of column %q: %q %v", c.Name, value.value, err)
		} else if slices.Contains(c.Values, value.value) {
			v.fault(value.line, "values of column %q: %q is listed twice", c.Name, value.value)
		}
		c.Values = append(c.Values, value.value)
	}
	if c.Example == "" {
		return
	}
	if _, err := c.Type.Literal(c.Example); err != nil {
		v.fault(d.example.line, "the example of column %q: %q %v", c.Name, c.Example, err)
	} else if c.Values != nil && !slices.Contains(c.Values, c.Example) {
		v.fault(d.example.line, "the example of column %q, %q, is none of its values", c.Name, c.Example)
	}
}

func (v *verifier) node(source sql.Table) Node {
	e := v.entry
	n := Node{Table: v.table(source), Frequency: e.frequency.value, Tolerance: e.cache.tolerance}
	if len(n.Columns) == 0 {
		return n
	}
	for _, c := range n.Columns {
		if strings.HasPrefix(c.Name, reservedPrefix) {
			v.fault(e.line, "the column %q has a name that framehouse needs for itself; hide it", c.Name)
		}
	}
	if n.Time = v.column(&n.Table, "time", e.time); n.Time != nil {
		if !n.Time.Type.Temporal() || n.Time.Type.Nullable {
			v.fault(e.time.line, "the time column %q is a %s; it must be a Date, Date32, DateTime or DateTime64 that is not Nullable", n.Time.Name, n.Time.Type)
		}
		n.Key = []string{n.Time.Name}
		n.Order = []Order{{Column: n.Time.Name}}
		n.timeInKey = slices.Contains(keyParts(v.infos[source].SortedBy), keyPart{n.Time.Name, true})
	}
	for _, name := range e.dimensions {
		if c := v.column(&n.Table, "dimensions", name); c != nil {
			n.Dimensions = append(n.Dimensions, c)
			n.Key = append(n.Key, c.Name)
			n.Order = append(n.Order, Order{Column: c.Name})
		}
	}
	if n.Changed = v.column(&n.Table, "changed", e.changed); n.Changed != nil {
		if t := n.Changed.Type; t.Nullable || !t.Temporal() && (t.Bits() == 0 || t.Bits() > 64) {
			v.fault(e.changed.line, "changed names the column %q, a %s; it must be a time or a whole number that grows with each change, and not Nullable", n.Changed.Name, t)
		}
	}
	if e.value.value != "" {
		n.Value = v.column(&n.Table, "value", e.value)
	} else {
		n.Value = n.firstNumber()
	}
	return n
}

// reservedPrefix begins the names of columns that statements about nodes make for themselves.
const reservedPrefix = "__framehouse_"

// firstNumber is the main value of a node that does not name one.
func (n *Node) firstNumber() *Column {
	for _, c := range n.Columns {
		number := c.FieldType() == contracts.TypeNumber || c.FieldType() == contracts.TypeInteger
		if number && !slices.Contains(n.Dimensions, c) {
			return c
		}
	}
	return nil
}

// column finds a column that a part of the entry names.
func (v *verifier) column(t *Table, part string, name text) *Column {
	if name.value == "" {
		return nil
	}
	c := t.Column(name.value)
	hidden := slices.ContainsFunc(v.entry.columns, func(c columnEntry) bool { return c.name == name.value && c.hidden })
	if c == nil && hidden {
		v.fault(name.line, "%s names the column %q, which is hidden", part, name.value)
	} else if c == nil {
		v.noColumn(name.line, part, name.value, t.ColumnNames())
	}
	return c
}

func (v *verifier) noColumn(line int, part, name string, names []string) {
	if near := contracts.Nearest(name, names); near != "" {
		v.fault(line, "%s names the column %q, which there is not; did you mean %q?", part, name, near)
		return
	}
	v.fault(line, "%s names the column %q, which there is not; there are %s", part, name, strings.Join(names, ", "))
}

func infoNames(info store.TableInfo) []string {
	names := make([]string, len(info.Columns))
	for i, c := range info.Columns {
		names[i] = c.Name
	}
	return names
}

// publishedPart is the beginning of a sorting key, as far as its columns are published.
func publishedPart(t *Table, key []string) []string {
	for i, name := range key {
		if t.Column(name) == nil {
			return key[:i]
		}
	}
	return key
}

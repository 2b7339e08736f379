// Package catalog knows what is published: which tables and nodes, under which names,
// with which columns.
//
// A catalog is a YAML file that the operator writes, completed by what ClickHouse knows
// of the tables: types, comments and keys. It is read strictly. Whatever is wrong with
// it is a Fault with its line; all are found at once. A faulty entry is left out, or
// served as it was before an edit; the others are served.
package catalog

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"framehouse/internal/contracts"
	"framehouse/internal/store"
	"framehouse/internal/store/sql"
)

// Catalog is what is published, verified against ClickHouse.
type Catalog struct {
	Tables []*Table
	Nodes  []*Node
	Faults []Fault

	marks    map[sql.Table][]string // columns of tables that grow with each change
	computed []sql.Table            // tables with columns that are computed when they are read
	uncached []sql.Table            // tables of which no entry allows answers to be kept
}

// Fault is something wrong with a catalog file.
type Fault struct {
	File    string `json:"file"`
	Line    int    `json:"line"`
	Entry   string `json:"entry,omitempty"` // such as tables.airports
	Message string `json:"message"`
}

func (f Fault) String() string {
	entry := ""
	if f.Entry != "" {
		entry = f.Entry + ": "
	}
	return fmt.Sprintf("%s:%d: %s%s", f.File, f.Line, entry, f.Message)
}

// Table is a published table.
type Table struct {
	Name        string
	Label       string
	Description string
	Source      sql.Table
	Columns     []*Column
	Key         []string // columns that identify a row
	Order       []Order  // default order
	MaxRows     int64
	Export      bool // whether all rows may be asked for at once
	// Limits bound what ClickHouse may spend on a query; where they say nothing, those that
	// the program was started with do.
	Limits sql.Limits
	// Unique promises that no two rows have the same key: the catalog declares the key, or
	// ClickHouse replaces rows by it.
	Unique bool
	// Final leaves out rows that a later one replaces or deletes, which some engines keep
	// until they come round to merging them.
	Final     bool
	Relations []*Relation
	sorting   []string // the columns that ClickHouse keeps the rows sorted by
	Write     *Write   // nil when it is only read
	Caching   Caching
	Version   string // a column that grows with each change of the table; empty when none is named
	computed  bool   // whether a column is computed when it is read, perhaps of what is not in the table
	identity  identity
}

// Node is a published time series: a table whose rows are observations.
type Node struct {
	Table
	Time       *Column
	Dimensions []*Column // columns that tell series apart
	Value      *Column   // the main value; nil when there is none
	Frequency  string    // how often an observation is expected; empty when irregular
	// Tolerance is how far ends of ranges may be moved so that requests are alike; zero for not at all.
	Tolerance time.Duration
	timeInKey bool    // whether the time is itself a part of the key by which ClickHouse replaces rows
	Changed   *Column // grows with each insert or change, such as its time; nil when there is none
}

// Column is a published column.
type Column struct {
	Name        string
	Label       string
	Description string
	Unit        string
	Type        store.Type
	// SafeInteger declares that a 64-bit integer stays within ±(2^53-1), so that JSON
	// may carry it as a number.
	SafeInteger bool
	// Agg is how values are put together unless a request says it; one of Aggregations, or
	// empty when the catalog does not care.
	Agg string
	// Values are all that the catalog says there can be, so that a filter by another one is a
	// mistake; nil when it does not say.
	Values []string
	// Example is a value for the documentation to filter by; empty when there is none.
	Example string
}

// Order is one step of an ordering.
type Order struct {
	Column     string
	Descending bool
}

func (o Order) String() string {
	if o.Descending {
		return "-" + o.Column
	}
	return o.Column
}

// DefaultMaxRows bounds an answer when the catalog does not: Command Center's table
// and statistic widgets fail on more than some 125,000 rows.
const DefaultMaxRows = 100_000

// Column returns the published column of a name, or nil.
func (t *Table) Column(name string) *Column {
	i := slices.IndexFunc(t.Columns, func(c *Column) bool { return c.Name == name })
	if i < 0 {
		return nil
	}
	return t.Columns[i]
}

// ColumnNames are the names of the published columns, in order.
func (t *Table) ColumnNames() []string {
	names := make([]string, len(t.Columns))
	for i, c := range t.Columns {
		names[i] = c.Name
	}
	return names
}

// Field describes the column in a frame.
func (c *Column) Field() contracts.Field {
	f := contracts.Field{
		Key:         c.Name,
		Label:       c.Label,
		Description: c.describe(),
		Type:        c.FieldType(),
		Nullable:    c.Type.MayBeNull(),
		NativeType:  c.Type.NativeType(),
		Provenance:  "backend",
	}
	if c.Type.Wide() && c.SafeInteger {
		f.NativeType, f.Safe = c.Type.String(), true
	}
	return f
}

// FieldType is the contract's type of the column's cells.
func (c *Column) FieldType() contracts.FieldType {
	if c.Type.Wide() && c.SafeInteger {
		return contracts.TypeInteger
	}
	return c.Type.FieldType()
}

// describe is the column's description with its unit, and with its ClickHouse type
// where the field may not name it.
func (c *Column) describe() string {
	parts := make([]string, 0, 3)
	if c.Description != "" {
		parts = append(parts, c.Description)
	}
	if c.Unit != "" {
		parts = append(parts, "Unit: "+c.Unit+".")
	}
	if c.Type.NativeType() == "" && !(c.Type.Wide() && c.SafeInteger) {
		parts = append(parts, "ClickHouse type "+c.Type.String()+".")
	}
	return strings.Join(parts, " ")
}

// Table returns the published table of a name.
func (c *Catalog) Table(name string) (*Table, error) {
	i := slices.IndexFunc(c.Tables, func(t *Table) bool { return t.Name == name })
	if i < 0 {
		return nil, c.missing(contracts.CodeUnknownTable, "tables", "path.table", name, c.TableNames())
	}
	return c.Tables[i], nil
}

// Node returns the published node of a name.
func (c *Catalog) Node(name string) (*Node, error) {
	i := slices.IndexFunc(c.Nodes, func(n *Node) bool { return n.Name == name })
	if i < 0 {
		return nil, c.missing(contracts.CodeUnknownNode, "nodes", "path.node", name, c.NodeNames())
	}
	return c.Nodes[i], nil
}

// missing tells an entry that is left out because of a fault from one that never was:
// an outage of ours must not look like a mistake of the client's.
func (c *Catalog) missing(code contracts.Code, section, location, name string, published []string) error {
	for _, f := range c.Faults {
		if f.Entry == section+"."+name {
			return &contracts.Error{
				Code:   contracts.CodeUnavailable,
				Detail: fmt.Sprintf("%q is not served because of a fault in its catalog entry.", name),
				Issues: []contracts.Issue{{Location: location, Message: "left out because of a fault", Value: name, Hint: "GET /ready lists what is not served and why."}},
			}
		}
	}
	return contracts.Unknown(code, location, name, published)
}

// TableNames are the names of the published tables.
func (c *Catalog) TableNames() []string {
	names := make([]string, len(c.Tables))
	for i, t := range c.Tables {
		names[i] = t.Name
	}
	return names
}

// NodeNames are the names of the published nodes.
func (c *Catalog) NodeNames() []string {
	names := make([]string, len(c.Nodes))
	for i, n := range c.Nodes {
		names[i] = n.Name
	}
	return names
}

package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"framehouse/internal/contracts"
	"framehouse/internal/store/sql"
)

// ErrExplained is why a query of a context that is being explained has no records.
var ErrExplained = errors.New("the query was explained and not run")

// Plan is what ClickHouse says it would read for a statement, to the granule: a query that has
// the rows of its limit stops, and one that replaces rows reads where parts meet twice.
type Plan struct {
	Reads []Read
	// Partial tells that the statement also reads what ClickHouse has no estimate for, such as
	// tables of other servers.
	Partial bool
	// Unresolved tells that a condition depends on other rows, which are not looked up for an
	// explanation: it leaves fewer rows than are said here.
	Unresolved bool
	Limits     sql.Limits
}

// Read is what is read of one table.
type Read struct {
	Table   sql.Table
	Rows    int64
	Bytes   int64 // uncompressed, by the average row; zero when it is not known, as of small parts
	Marks   int64 // of the ranges that are read
	Scope         // what the indexes leave
	Indexes []Index
}

// Scope is a share of a table's parts and granules.
type Scope struct {
	Parts, OfParts, Granules, OfGranules int64
}

// Index is what one kind of index leaves of what came before it.
type Index struct {
	Type      string // MinMax, Partition, PrimaryKey or Skip
	Keys      []string
	Condition string // as ClickHouse writes it; empty where it leaves all
	Scope
}

type explainKey struct{}

// Explaining returns a context in which the first query is not run but explained, into plan;
// it fails with ErrExplained. Our own small questions are answered as usual.
func Explaining(ctx context.Context, plan *Plan) context.Context {
	return context.WithValue(ctx, explainKey{}, plan)
}

// resolveSets is the setting by which ClickHouse runs the inner query of a condition to find
// out what its index makes of it, also when it is only asked to explain.
const resolveSets = "use_index_for_in_with_subqueries"

// explain asks for the plan of a statement. It has its turn like the statement itself: a long
// list of parts takes ClickHouse its time.
func (s *Store) explain(ctx context.Context, statement sql.Statement, plan *Plan) error {
	place, err := s.enter(ctx)
	if err != nil {
		return err
	}
	defer place.Leave()
	statement.Settings = append(slices.Clip(statement.Settings), sql.Setting{Name: resolveSets})
	of := func(kind string) sql.Statement {
		explained := statement
		explained.Text = "EXPLAIN " + kind + " " + statement.Text
		return explained
	}
	estimates, err := selectStatement[struct {
		Database string `json:"database"`
		Table    string `json:"table"`
		Rows     int64  `json:"rows,string"`
		Marks    int64  `json:"marks,string"`
	}](ctx, s, of("ESTIMATE"))
	if err != nil {
		return err
	}
	lines, err := selectStatement[struct {
		Explain string `json:"explain"`
	}](ctx, s, of("indexes = 1, header = 1, json = 1"))
	if err != nil {
		return err
	}
	var text strings.Builder
	for _, line := range lines {
		text.WriteString(line.Explain + "\n")
	}
	var trees []struct{ Plan planNode }
	if err := json.Unmarshal([]byte(text.String()), &trees); err != nil {
		return fmt.Errorf("plan of ClickHouse: %w", err)
	}
	*plan = Plan{Limits: s.Limits(statement)}
	for _, e := range estimates {
		plan.Reads = append(plan.Reads, Read{Table: sql.Table{Database: e.Database, Name: e.Table}, Rows: e.Rows, Marks: e.Marks})
	}
	columns := map[sql.Table][]string{}
	for _, tree := range trees {
		plan.gather(tree.Plan, columns)
	}
	return s.weigh(ctx, plan, columns)
}

// planNode is a step of a plan, as EXPLAIN writes it.
type planNode struct {
	Type        string `json:"Node Type"`
	Description string `json:"Description"`
	Header      []struct{ Name string }
	Indexes     []planIndex
	Plans       []planNode
}

type planIndex struct {
	Type            string
	Keys            []string
	Condition       string
	InitialParts    int64 `json:"Initial Parts"`
	Parts           int64 `json:"Selected Parts"`
	InitialGranules int64 `json:"Initial Granules"`
	Granules        int64 `json:"Selected Granules"`
}

// gather adds what a step and those before it read.
func (p *Plan) gather(node planNode, columns map[sql.Table][]string) {
	switch {
	case node.Type == "ReadFromMergeTree":
		p.gatherTable(node, columns)
	case strings.HasPrefix(node.Type, "CreatingSet"), strings.HasPrefix(node.Type, "DelayedCreatingSet"):
		p.Unresolved = true
	case node.Type == "ReadNothing", node.Type == "ReadFromPreparedSource":
		// Known to be empty, or counted by the parts' own word.
	case strings.HasPrefix(node.Type, "Read"):
		p.Partial = true
	}
	for _, inner := range node.Plans {
		p.gather(inner, columns)
	}
}

func (p *Plan) gatherTable(node planNode, columns map[sql.Table][]string) {
	name := strings.ReplaceAll(node.Description, "`", "")
	i := slices.IndexFunc(p.Reads, func(r Read) bool { return r.Table.Database+"."+r.Table.Name == name })
	if i < 0 {
		// Nothing is left to be read of it, so that there is no estimate.
		database, table, _ := strings.Cut(name, ".")
		i, p.Reads = len(p.Reads), append(p.Reads, Read{Table: sql.Table{Database: database, Name: table}})
	}
	r := &p.Reads[i]
	for j, index := range node.Indexes {
		scope := Scope{index.Parts, index.InitialParts, index.Granules, index.InitialGranules}
		if j == 0 {
			r.OfParts, r.OfGranules = r.OfParts+scope.OfParts, r.OfGranules+scope.OfGranules
		}
		if j == len(node.Indexes)-1 {
			r.Parts, r.Granules = r.Parts+scope.Parts, r.Granules+scope.Granules
		}
		if index.Condition == "true" {
			index.Condition = ""
		}
		// Some versions write MinMax, and some Min-Max.
		r.Indexes = append(r.Indexes, Index{strings.ReplaceAll(index.Type, "-", ""), index.Keys, index.Condition, scope})
	}
	for _, c := range node.Header {
		if !slices.Contains(columns[r.Table], c.Name) {
			columns[r.Table] = append(columns[r.Table], c.Name)
		}
	}
}

// columnWeight is what all parts of a table hold of a column.
type columnWeight struct {
	Database string `json:"database"`
	Table    string `json:"table"`
	Name     string `json:"name"`
	Bytes    int64  `json:"bytes,string"`
}

// weigh estimates bytes from what the parts of a table hold of each column. A user who may
// not know that gets none.
func (s *Store) weigh(ctx context.Context, plan *Plan, columns map[sql.Table][]string) error {
	var tables []sql.Table
	for _, r := range plan.Reads {
		if r.Rows > 0 {
			tables = append(tables, r.Table)
		}
	}
	if len(tables) == 0 {
		return nil
	}
	sizes, err := s.Sizes(ctx, tables)
	var weights []columnWeight
	if err == nil {
		where, params := amongTables("table", tables)
		weights, err = selectRows[columnWeight](ctx, s, "SELECT database, table, name, toInt64(data_uncompressed_bytes) AS bytes FROM system.columns WHERE "+where, params...)
	}
	if err != nil {
		if contracts.AsError(err).Code == contracts.CodeInternal {
			return nil
		}
		return err
	}
	for i := range plan.Reads {
		r := &plan.Reads[i]
		bytes := int64(0)
		for _, w := range weights {
			if r.Table == (sql.Table{Database: w.Database, Name: w.Table}) && slices.Contains(columns[r.Table], w.Name) {
				bytes += w.Bytes
			}
		}
		if all := sizes[r.Table].Rows; all > 0 {
			r.Bytes = int64(float64(bytes) * float64(r.Rows) / float64(all))
		}
	}
	return nil
}

package tables

import (
	"fmt"
	"slices"
	"strings"

	"framehouse/internal/catalog"
	"framehouse/internal/contracts"
	"framehouse/internal/store"
	"framehouse/internal/store/sql"
)

// deepestRelation is how many relations a selected column may lie away. Each is a join with
// the whole of another table.
const deepestRelation = 2

// picked is a column that a request names, of the table itself or of one that its relations
// lead to.
type picked struct {
	path   []*catalog.Relation // empty for a column of the table itself
	origin *catalog.Column     // as the table that it belongs to has it
	column *catalog.Column     // as it stands in the frame
}

// pick finds the columns that are named, or all of the table's own when none is. A column
// whose own name has dots comes first.
func pick(table *catalog.Table, location string, names []string) ([]picked, error) {
	var columns []picked
	if len(names) == 0 {
		for _, c := range table.Columns {
			columns = append(columns, picked{nil, c, c})
		}
		return columns, nil
	}
	for _, name := range names {
		c, err := pickOne(table, location, name)
		if err != nil {
			return nil, err
		}
		if slices.ContainsFunc(columns, func(other picked) bool { return other.column.Name == name }) {
			return nil, contracts.Invalid(location, name, "Name each column once.", "The column %q is selected twice.", name)
		}
		columns = append(columns, c)
	}
	return columns, nil
}

func pickOne(table *catalog.Table, location, name string) (picked, error) {
	if c := table.Column(name); c != nil {
		return picked{nil, c, c}, nil
	}
	p := picked{}
	from, rest := table, name
	for {
		relation, further, dotted := strings.Cut(rest, ".")
		r := from.Relation(relation)
		if r == nil || !dotted {
			return p, noColumn(table, from, location, shown(name), shown(rest))
		}
		if r.Many {
			return p, contracts.Invalid(location, shown(name),
				fmt.Sprintf("Filter with it, as in where=%s(), which is true of rows that have one, or read %s itself.", relation, r.Table.Name),
				"A row of %s may have many rows of %q; only columns of the one row that a row refers to can be selected.", from.Name, relation)
		}
		p.path = append(p.path, r)
		if len(p.path) > deepestRelation {
			return p, contracts.Invalid(location, shown(name), "Read "+p.path[0].Table.Name+", which is nearer.", "%q lies more than %d relations away.", shown(name), deepestRelation)
		}
		from, rest = r.Table, further
		if c := from.Column(rest); c != nil {
			p.origin, p.column = c, related(name, p.path, c)
			return p, nil
		}
	}
}

// shown is a name as an error repeats it: one in a body may be as long as the body.
func shown(name string) string {
	const most = 100
	if len(name) <= most {
		return name
	}
	return strings.ToValidUTF8(name[:most], "") + "…"
}

// noColumn names the columns of the table that the name had led to.
func noColumn(table, from *catalog.Table, location, name, rest string) error {
	if from != table {
		err := contracts.AsError(from.NoColumn(location, rest))
		err.Issues[0].Value = name
		return err
	}
	var relations []string
	for _, r := range table.Relations {
		if !r.Many {
			relations = append(relations, r.Name+".…")
		}
	}
	return table.NoColumn(location, name, relations...)
}

// related is a column of another table as it stands in a frame: null where there is no row.
func related(name string, path []*catalog.Relation, c *catalog.Column) *catalog.Column {
	column := *c
	column.Name = name
	column.Type = nullable(c.Type)
	if relation := path[len(path)-1].Name; c.Label != "" {
		column.Label = strings.ToUpper(relation[:1]) + strings.ReplaceAll(relation[1:], "_", " ") + ": " + c.Label
	}
	return &column
}

// nullable is the type with nulls. One that ClickHouse has no such type of is null as text.
func nullable(t store.Type) store.Type {
	if t.Nullable {
		return t
	}
	if !composite(t) {
		text := "Nullable(" + t.Bare() + ")"
		if t.LowCardinality {
			text = "LowCardinality(" + text + ")"
		}
		if with, err := store.ParseType(text); err == nil {
			return with
		}
	}
	t.Nullable = true
	return t
}

// composite tells whether the type reaches a frame as JSON text.
func composite(t store.Type) bool { return t.FieldType() == contracts.TypeJSON }

// joins gathers the joins that bring the columns of related tables into a statement.
type joins struct {
	joined []*joined
}

type joined struct {
	relation *catalog.Relation
	after    *joined // the one before on the path; nil for the table itself
	alias    string
	columns  []*catalog.Column
	presence bool
}

// presence is a column that is there for each row of a joined table.
const presence = "__framehouse_there"

// expr is the column in a statement with the joins.
func (j *joins) expr(p picked) sql.Expr {
	at := j.along(p.path)
	if at == nil {
		return p.origin.Ref()
	}
	at.need(p.origin)
	return sql.Ref{Table: at.alias, Column: p.origin.Name}
}

// wire is the column as it is selected for a frame. A type that has no nulls would be empty
// where there is no row, as if there were one.
func (j *joins) wire(p picked) sql.Expr {
	wire := p.column.Type.Wire(j.expr(p))
	at := j.along(p.path)
	if at == nil || !composite(p.origin.Type) {
		return wire
	}
	at.presence = true
	return sql.Call("if", sql.Call("isNull", sql.Ref{Table: at.alias, Column: presence}), sql.Text("NULL"), wire)
}

// along is the joined table at the end of a path, nil for an empty one.
func (j *joins) along(path []*catalog.Relation) *joined {
	var at *joined
	for _, r := range path {
		i := slices.IndexFunc(j.joined, func(other *joined) bool { return other.relation == r && other.after == at })
		if i < 0 {
			i = len(j.joined)
			j.joined = append(j.joined, &joined{relation: r, after: at, alias: fmt.Sprintf("r%d", i)})
			for _, to := range r.To {
				j.joined[i].need(to)
			}
			if at != nil {
				for _, from := range r.From {
					at.need(from)
				}
			}
		}
		at = j.joined[i]
	}
	return at
}

func (j *joined) need(c *catalog.Column) {
	if !slices.Contains(j.columns, c) {
		j.columns = append(j.columns, c)
	}
}

// sql are the joins. Each row keeps being one: of several rows with the same key, which the
// key should rule out, any is taken.
func (j *joins) sql() []sql.Join {
	var all []sql.Join
	for _, at := range j.joined {
		from := at.relation.Table.Read()
		for _, c := range at.columns {
			from.Columns = append(from.Columns, sql.Column{Expr: c.Ref(), As: c.Name})
		}
		if at.presence {
			from.Columns = append(from.Columns, sql.Column{Expr: sql.Text("1"), As: presence})
		}
		join := sql.Join{From: from, Alias: at.alias}
		left := catalog.Alias
		if at.after != nil {
			left = at.after.alias
		}
		for i, from := range at.relation.From {
			to := at.relation.To[i]
			join.On = append(join.On, sql.Compare{
				Left:     matching(sql.Ref{Table: left, Column: from.Name}, from.Type, to.Type),
				Operator: "=", Right: sql.Ref{Table: at.alias, Column: to.Name},
			})
		}
		all = append(all, join)
	}
	return all
}

// matching is a foreign key as a value of the key's type. A join of integers of different
// types can fail for want of a type that holds both; a value that the key cannot have becomes
// null, which matches nothing.
func matching(column sql.Ref, from, to store.Type) sql.Expr {
	if from.Bare() == to.Bare() {
		return column
	}
	return sql.Call("accurateCastOrNull", column, sql.Text("'"+to.Name+"'")) // whole numbers, whose names are all there is of them
}

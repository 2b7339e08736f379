package catalog

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"unicode"

	"framehouse/internal/contracts"
	"framehouse/internal/store"
	"framehouse/internal/store/sql"
)

// Explorable is a ClickHouse of which nothing is known but a database's name.
type Explorable interface {
	Database
	Databases(ctx context.Context) ([]string, error)
	List(ctx context.Context, database string) ([]store.Listed, error)
}

var _ Explorable = (*store.Store)(nil)

// Draft is a catalog for a database as it is, for a person to go on with. Reading it finds
// no fault for as long as the database stays so, and the same database gives the same text.
type Draft struct {
	Text   []byte
	Tables int
	Nodes  int
}

// Init drafts a catalog of the tables and views of a database. What it merely guesses is a
// comment. It asks ClickHouse for names, types and keys, and never for rows.
func Init(ctx context.Context, db Explorable, database string) (*Draft, error) {
	listed, err := db.List(ctx, database)
	if err != nil {
		return nil, err
	}
	if len(listed) == 0 {
		if err := knownDatabase(ctx, db, database); err != nil {
			return nil, err
		}
	}
	if database != db.Database() && strings.Contains(database, ".") {
		return nil, fmt.Errorf("a catalog cannot name the tables of database %q, since a point divides database and table; let --clickhouse name the database instead", database)
	}
	var sources []sql.Table
	for _, t := range listed {
		sources = append(sources, sql.Table{Database: database, Name: t.Name})
	}
	infos, err := db.Describe(ctx, sources)
	if err != nil {
		return nil, err
	}
	d := &draft{database: database, qualified: database != db.Database()}
	d.find(listed, func(table string) (store.TableInfo, bool) {
		info, ok := infos[sql.Table{Database: database, Name: table}]
		return info, ok
	})
	return d.write(), nil
}

// knownDatabase tells an empty database from one that there is not.
func knownDatabase(ctx context.Context, db Explorable, database string) error {
	databases, err := db.Databases(ctx)
	if err != nil || slices.Contains(databases, database) {
		return err
	}
	hint := "there are " + strings.Join(databases, ", ")
	if near := contracts.Nearest(database, databases); near != "" {
		hint = fmt.Sprintf("did you mean %q?", near)
	}
	return fmt.Errorf("ClickHouse has no database %q, or its user may see none of it; %s", database, hint)
}

// draft is a catalog in the making.
type draft struct {
	database  string
	qualified bool // whether tables are named with their database
	tables    []*found
	names     map[string]string // published names by those in ClickHouse
	left      []leftOut
}

// leftOut is a table that is not in the catalog, and why.
type leftOut struct{ name, why string }

// unreadable are engines of which a SELECT does not give rows, or takes them away.
func unreadable(engine string) string {
	switch engine {
	case "Kafka", "RabbitMQ", "NATS", "S3Queue", "AzureQueue", "FileLog", "Redpanda":
		return "its engine is " + engine + ", where reading takes messages away"
	case "Set", "Null", "TimeSeries", "WindowView", "LiveView":
		return "its engine is " + engine + ", which gives no rows to a SELECT"
	}
	return ""
}

// find sorts out what can be published.
func (d *draft) find(listed []store.Listed, info func(table string) (store.TableInfo, bool)) {
	var names []string
	for _, t := range listed {
		if strings.HasPrefix(t.Name, ".inner") {
			continue // what is behind a view is seen through the view
		}
		about, ok := info(t.Name)
		if !ok {
			continue // dropped in the meantime
		}
		f := &found{name: t.Name, engine: about.Engine, comment: about.Comment, sorted: about.SortedBy}
		f.parts = keyParts(about.SortedBy)
		merges := about
		if t.Engine == "MaterializedView" {
			inner, ok := info(".inner_id." + t.UUID)
			if !ok {
				inner, ok = info(".inner." + t.Name)
			}
			if !ok {
				d.left = append(d.left, leftOut{t.Name, "a materialized view that writes to a table of its own; publish that table"})
				continue
			}
			f.inner, f.engine, f.sorted, f.parts, merges = true, inner.Engine, inner.SortedBy, keyParts(inner.SortedBy), inner
		}
		f.replaces = merges.Merges() && !strings.Contains(merges.Engine, "Collapsing")
		// Spaces before a name survive behind its database; those after it do not.
		if !nameable(t.Name) || strings.TrimRightFunc(t.Name, unicode.IsSpace) != t.Name {
			d.left = append(d.left, leftOut{t.Name, "its name cannot be written in a catalog"})
			continue
		}
		if why := unreadable(t.Engine); why != "" {
			d.left = append(d.left, leftOut{t.Name, why})
			continue
		}
		for _, c := range about.Columns {
			f.columns = append(f.columns, findColumn(c))
		}
		if slices.ContainsFunc(f.columns, func(c foundColumn) bool { return !nameable(c.Name) }) {
			d.left = append(d.left, leftOut{t.Name, "it has a column whose name cannot be written in a catalog"})
			continue
		}
		if !slices.ContainsFunc(f.columns, func(c foundColumn) bool { return c.hidden == "" }) {
			d.left = append(d.left, leftOut{t.Name, "it has no column that can be read"})
			continue
		}
		d.tables = append(d.tables, f)
		names = append(names, t.Name)
	}
	d.names = published(names)
}

func findColumn(info store.ColumnInfo) foundColumn {
	c := foundColumn{ColumnInfo: info}
	typ, err := store.ParseType(info.Type)
	switch {
	case err != nil:
		c.hidden = "its type is not understood"
	case typ.Name == "AggregateFunction":
		c.hidden = "it holds states of an aggregation, not values"
	}
	c.typ = typ
	return c
}

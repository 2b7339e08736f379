// Package demo holds what `framehouse serve --demo` publishes: a catalog, the tables behind it, and how they are loaded
// from the files that scripts/fetch-demo.sh fetches.
//
// It promises that a table that exists under its name is complete, however a load ended, and that loading again does
// only what is missing.
package demo

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Version of the npm package vega-datasets. scripts/fetch-demo.sh fetches the same.
const Version = "3.2.1"

const remedy = "run scripts/fetch-demo.sh"

var (
	//go:embed catalog.yaml
	catalog []byte
	//go:embed schema.sql
	schema string
	//go:embed files.sql
	files string
)

// Catalog is the demo's catalog file.
func Catalog() []byte { return slices.Clone(catalog) }

// Find says where the fetched files are. As in scripts/fetch-demo.sh the cache folder is $XDG_CACHE_HOME, else
// $HOME/.cache, on every platform.
func Find() (string, error) {
	cache := os.Getenv("XDG_CACHE_HOME")
	if cache == "" {
		home, err := os.UserHomeDir()
		if err != nil {
			return "", fmt.Errorf("the demo data has no known place (%w): set XDG_CACHE_HOME or HOME and %s", err, remedy)
		}
		cache = filepath.Join(home, ".cache")
	}
	dir := filepath.Join(cache, "framehouse", "vega-datasets-"+Version)
	if _, err := os.Stat(dir); err != nil {
		return "", fmt.Errorf("the demo data is not there (%w): %s", err, remedy)
	}
	return dir, nil
}

// Database is what loading needs of a ClickHouse. Unqualified names belong to one database of it, the same in each call.
type Database interface {
	// Exec runs a statement that answers nothing.
	Exec(ctx context.Context, statement string) error
	// Insert runs an INSERT with data in a format of ClickHouse's, and returns when all of it is stored.
	Insert(ctx context.Context, statement, format string, data io.Reader) error
	// Tables are the names of the tables of the database.
	Tables(ctx context.Context) ([]string, error)
}

// table is one of schema.sql.
type table struct {
	name   string
	rows   int
	file   string // that its rows come from; empty when schema.sql has them
	format string // ClickHouse's name for the format of file
}

var tables = []table{
	{name: "customers", rows: 2},
	{name: "customer_balances", rows: 2},
	{name: "customer_debts", rows: 2},
	{name: "daily_random_number", rows: 2_922},
	{name: "watchlist", rows: 0},
	{name: "airports", rows: 3_376, file: "airports.csv", format: "CSVWithNames"},
	{name: "sp500", rows: 5_105, file: "sp500-2000.csv", format: "CSVWithNames"},
	{name: "stocks", rows: 560, file: "stocks.csv", format: "CSVWithNames"},
	{name: "seattle_weather", rows: 1_461, file: "seattle-weather.csv", format: "CSVWithNames"},
	{name: "flights", rows: 3_000_000, file: "flights-3m.parquet", format: "Parquet"},
}

// Load makes the tables that are not there yet, from the files in dir, which is not looked at when nothing is missing.
// progress, unless nil, is told of each table before it is loaded. A table of that name which is not ours is left alone.
//
// Two loads must not work on one database at the same time: the later one drops what the earlier one is loading.
func Load(ctx context.Context, db Database, dir string, progress func(message string)) error {
	existing, err := db.Tables(ctx)
	if err != nil {
		return fmt.Errorf("tables of the demo's database: %w", err)
	}
	for _, t := range tables {
		if slices.Contains(existing, t.name) {
			continue
		}
		if progress != nil {
			progress(fmt.Sprintf("loading %s (%s rows)", t.name, grouped(t.rows)))
		}
		if err := t.load(ctx, db, dir); err != nil {
			return fmt.Errorf("demo table %s: %w", t.name, err)
		}
	}
	return nil
}

// load fills a table under another name. The rename is the last step, so that everything before it can be repeated, and
// nothing else of ours is left behind it.
func (t table) load(ctx context.Context, db Database, dir string) error {
	loading, staging := t.name+"_loading", t.name+"_file"
	exec := func(statements ...string) error {
		for _, s := range statements {
			if err := db.Exec(ctx, s); err != nil {
				return err
			}
		}
		return nil
	}
	if err := exec("DROP TABLE IF EXISTS "+loading+" SYNC", "DROP TABLE IF EXISTS "+staging+" SYNC"); err != nil {
		return err
	}
	for _, s := range statements() {
		switch s.table {
		case t.name:
			if err := exec(s.into(loading)); err != nil {
				return err
			}
		case staging:
			if err := exec(s.text); err != nil {
				return err
			}
			if err := t.insert(ctx, db, staging, filepath.Join(dir, t.file)); err != nil {
				return err
			}
		}
	}
	// A file that was cut short or edited would otherwise pass for the real one for ever.
	if err := exec(fmt.Sprintf("SELECT throwIf(count() != %d, 'wrong number of rows') FROM %s FORMAT Null", t.rows, loading)); err != nil {
		return fmt.Errorf("check for %s rows: %w (if a file in %q was changed, remove that folder and %s)", grouped(t.rows), err, dir, remedy)
	}
	return exec("DROP TABLE IF EXISTS "+staging+" SYNC", "RENAME TABLE "+loading+" TO "+t.name)
}

func (t table) insert(ctx context.Context, db Database, into, path string) error {
	data, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("%w: remove its folder and %s", err, remedy)
	} else if err != nil {
		return err
	}
	defer data.Close()
	if err := db.Insert(ctx, "INSERT INTO "+into, t.format, data); err != nil {
		return fmt.Errorf("insert %s: %w", t.file, err)
	}
	return nil
}

// statement is one of schema.sql or files.sql. table is what it makes or fills.
type statement struct{ text, verb, table string }

// into is the statement for a table of another name.
func (s statement) into(table string) string {
	return s.verb + " " + table + strings.TrimPrefix(s.text, s.verb+" "+s.table)
}

var (
	commentLines = regexp.MustCompile(`(?m)^--.*\n`)
	opening      = regexp.MustCompile(`^(CREATE TABLE|INSERT INTO) (\w+)`)
)

// statements are those of both files, in the order in which a table needs them. They keep to what this can read, and a
// test holds them to it: a comment is a line of its own, and a semicolon ends a line only at the end of a statement.
func statements() []statement {
	var all []statement
	for text := range strings.SplitSeq(commentLines.ReplaceAllString(schema+files, ""), ";\n") {
		if text = strings.TrimSpace(text); text == "" {
			continue
		}
		s := statement{text: text}
		if m := opening.FindStringSubmatch(text); m != nil {
			s.verb, s.table = m[1], m[2]
		}
		all = append(all, s)
	}
	return all
}

// grouped writes 3000000 as 3,000,000.
func grouped(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// Package deptest defends the direction of imports. A package that knows what stands
// above it can be understood, tested and replaced only together with it.
package deptest

import (
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "framehouse/"

// Each row may import what stands in the rows before it.
const (
	contracts  = "internal/contracts"
	sql        = "internal/store/sql"
	store      = "internal/store"
	catalog    = "internal/catalog"
	filter     = "internal/tables/filter"
	ingest     = "internal/tables/ingest"
	tables     = "internal/tables"
	timeseries = "internal/timeseries" // in one row with tables: neither knows the other
	routes     = "internal/routes"
	command    = "cmd/framehouse"

	// Below the rows: of the standard library alone, for whoever needs them.
	fair   = "internal/fair"
	timing = "internal/timing"

	// Beside the rows.
	engine       = "internal/store/engine" // a process; knows nothing of what it is asked
	cache        = "internal/cache"        // of bytes; knows nothing of what they say
	demo         = "internal/demo"         // a guest of cmd; may ask, nobody asks it
	storetest    = "internal/store/storetest"
	contracttest = "internal/contracts/contracttest"
	catalogtest  = "internal/catalog/catalogtest"
)

// ours lists what a package may import of this module. A new package gets a line here,
// and with it a place.
var ours = map[string][]string{
	contracts:    {},
	sql:          {},
	engine:       {},
	fair:         {},
	timing:       {},
	cache:        {},
	store:        {contracts, sql, fair, timing},
	catalog:      {contracts, sql, store},
	filter:       {contracts, sql, store, catalog},
	ingest:       {contracts, sql, store, catalog},
	tables:       {contracts, sql, store, catalog, filter, ingest},
	timeseries:   {contracts, sql, store, catalog, filter, timing},
	routes:       {contracts, sql, store, catalog, filter, ingest, tables, timeseries, fair, timing, cache},
	demo:         {contracts, sql, store, catalog},
	command:      {contracts, sql, store, catalog, filter, ingest, tables, timeseries, routes, cache, demo, engine, fair},
	storetest:    {contracts, sql, store, engine},
	contracttest: {contracts},
	catalogtest:  {contracts, sql, store, catalog, storetest},

	"internal/deptest": {},
}

// forTests are imported by tests only, and by tests of every package. A test of routes
// reads the demo's tables, one of the store kills an engine of its own.
var forTests = []string{storetest, contracttest, catalogtest, demo, engine}

// homes lists libraries that one package hides from the others, so that a change of
// library, or of its major version, is a change of one package.
var homes = map[string]string{
	"github.com/ClickHouse/":                store,
	"github.com/danielgtaylor/huma/":        routes,
	"github.com/go-chi/chi/":                routes,
	"github.com/maypok86/otter/":            cache,
	"github.com/ebitengine/purego":          engine,
	"go.yaml.in/yaml/":                      catalog,
	"github.com/alecthomas/kong":            command,
	"github.com/santhosh-tekuri/jsonschema": contracttest,
	"github.com/chromedp/":                  command, // in tests
}

func TestImports(t *testing.T) {
	t.Parallel()
	// Sources are read here rather than by go list: this sees the files of every
	// platform, and go test knows that a cached result is stale when one changes.
	root := filepath.Join("..", "..")
	seen := map[string]bool{}
	for _, top := range []string{"cmd", "internal"} {
		err := filepath.WalkDir(filepath.Join(root, top), func(file string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() || filepath.Ext(file) != ".go" {
				return err
			}
			relative, err := filepath.Rel(root, file)
			if err != nil {
				return err
			}
			relative = filepath.ToSlash(relative)
			parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly)
			if err != nil {
				return err
			}
			seen[path.Dir(relative)] = true
			for _, spec := range parsed.Imports {
				imported, err := strconv.Unquote(spec.Path.Value)
				if err != nil {
					return err
				}
				if reason := refusal(path.Dir(relative), imported, strings.HasSuffix(relative, "_test.go")); reason != "" {
					t.Errorf("%s imports %s: %s", relative, imported, reason)
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, pkg := range slices.Sorted(maps.Keys(ours)) {
		if !seen[pkg] {
			t.Errorf("%s is listed and not there", pkg)
		}
	}
}

// refusal says why a package may not import another, or nothing if it may.
func refusal(pkg, imported string, test bool) string {
	if imported, found := strings.CutPrefix(imported, module); found {
		allowed, known := ours[pkg]
		switch {
		case !known:
			return pkg + " has no place yet; give it one in internal/deptest"
		case imported == pkg, slices.Contains(allowed, imported), test && slices.Contains(forTests, imported):
			return ""
		}
		return "it may import only " + strings.Join(append(slices.Clone(allowed), "the standard library and other modules"), ", ")
	}
	for library, home := range homes {
		if strings.HasPrefix(imported, library) && pkg != home {
			return "only " + home + " may know it"
		}
	}
	return ""
}

func TestRefusal(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		pkg, imported string
		test, refused bool
	}{
		{pkg: routes, imported: module + tables},
		{pkg: tables, imported: module + routes, refused: true},
		{pkg: tables, imported: module + timeseries, refused: true},
		{pkg: tables, imported: module + timeseries, test: true, refused: true},
		{pkg: catalog, imported: module + storetest, test: true},
		{pkg: catalog, imported: module + storetest, refused: true},
		{pkg: store, imported: module + engine, refused: true},
		{pkg: command, imported: module + command},
		{pkg: "internal/new", imported: module + contracts, refused: true},
		{pkg: store, imported: "github.com/ClickHouse/clickhouse-go/v2/lib/driver"},
		{pkg: catalog, imported: "github.com/ClickHouse/clickhouse-go/v2", refused: true},
		{pkg: command, imported: "github.com/danielgtaylor/huma/v2", refused: true},
		{pkg: sql, imported: "strings"},
	} {
		if reason := refusal(test.pkg, test.imported, test.test); (reason != "") != test.refused {
			t.Errorf("%s imports %s (test %v): %q", test.pkg, test.imported, test.test, reason)
		}
	}
}

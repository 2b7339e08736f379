package filter

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math/big"
	"math/rand/v2"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"framehouse/internal/catalog"
	"framehouse/internal/catalog/catalogtest"
	"framehouse/internal/contracts"
	"framehouse/internal/store"
	"framehouse/internal/store/sql"
	"framehouse/internal/store/storetest"
)

// world is random data, in ClickHouse and here.
type world struct {
	tables map[string]*catalog.Table
	rows   map[string][]row
	store  *store.Store
}

// row has the text of each cell that is not null. A NaN is none.
type row map[string]string

// domains are the values that columns are given, apart from nulls.
var domains = map[string][]string{
	"word":  {"", "a", "A", "ab", "aB", "éa", "ÉA", "σας", "ΣΑΣ", "a%", "a_b", `a\b`, `'"`, "x\ny\t", "𝄞a", "zero\x00"},
	"tag":   {"a", "A", "b", "ab"},
	"fix":   {"a", "ab", "ABC"},
	"f":     {"-1", "0", "0.5", "2", "inf", "-inf", "nan"},
	"g":     {"-1", "0", "0.5", "2", "inf", "nan"},
	"n":     {"-2", "-1", "0", "3", "7"},
	"d":     {"2020-01-01", "2020-01-02", "2021-01-01"},
	"size":  {"small", "large"},
	"ok":    {"true", "false"},
	"price": {"-0.50", "0.00", "10.00", "12345678901234567890.12"},
	"ip":    {"10.0.0.1", "10.0.0.20", "200.0.0.1"},
	"a":     {"1", "2", "3"},
	"b":     {"x", "y"},
	"item":  {"0", "1", "2", "3", "5", "8", "99"},
}

const worldSchema = `
CREATE TABLE items (id UInt32, word Nullable(String), tag LowCardinality(Nullable(String)), fix FixedString(3), f Float64, g Nullable(Float64), n Nullable(Int32), d Nullable(Date),
	size Nullable(Enum8('small' = 1, 'large' = 2)), ok Bool, price Decimal(38, 2), ip Nullable(IPv4), a Nullable(UInt64), b Nullable(String))
	ORDER BY (f, id) SETTINGS index_granularity = 4;
CREATE TABLE groups (a Int32, b String, n Nullable(Int32), f Float64) ORDER BY (a, b);
CREATE TABLE parts (id UInt32, item Nullable(Int64), g Nullable(Float64), word String) ORDER BY id;
`

const worldCatalog = `
tables:
  items: {key: [id], references: {group: {columns: [a, b], table: groups, inverse: items}}}
  groups: {key: [a, b]}
  parts: {key: [id], references: {whole: {columns: item, table: items, inverse: parts}}}
`

func newWorld(t *testing.T, random *rand.Rand) *world {
	t.Helper()
	database := storetest.Database(t)
	storetest.Exec(t, database, worldSchema)
	w := &world{tables: map[string]*catalog.Table{}, rows: map[string][]row{}}
	var live *catalog.Live
	w.store, live = catalogtest.Load(t, database, worldCatalog)
	current, err := live.Current()
	if err != nil {
		t.Fatal(err)
	}
	for _, size := range []struct {
		name string
		n    int
	}{{"items", 80}, {"groups", 5}, {"parts", 60}} {
		name, n := size.name, size.n
		i := slices.IndexFunc(current.Tables, func(t *catalog.Table) bool { return t.Name == name })
		table := current.Tables[i]
		w.tables[name] = table
		var lines []string
		keys := map[string]bool{}
		for id := range n {
			r, cells := row{}, map[string]any{}
			for _, c := range table.Columns {
				if c.Name == "id" {
					r["id"], cells["id"] = strconv.Itoa(id), id
					continue
				}
				v := domains[c.Name][random.IntN(len(domains[c.Name]))]
				if c.Type.Nullable && random.IntN(4) == 0 {
					cells[c.Name] = nil
					continue
				}
				cells[c.Name] = v
				if c.Name == "ok" {
					cells[c.Name] = v == "true"
				}
				if v != "nan" {
					r[c.Name] = v
				}
			}
			if key := r["a"] + "/" + r["b"]; name == "groups" {
				if keys[key] {
					continue // a key refers to one row
				}
				keys[key] = true
			}
			w.rows[name] = append(w.rows[name], r)
			line, err := json.Marshal(cells)
			if err != nil {
				t.Fatal(err)
			}
			lines = append(lines, string(line))
		}
		storetest.Exec(t, database, "INSERT INTO "+name+" FORMAT JSONEachRow\n"+strings.Join(lines, "\n"))
	}
	return w
}

// holds is the meaning of a filter, one row at a time.
func (w *world) holds(table *catalog.Table, r row, e Expr) bool {
	switch e := e.(type) {
	case And:
		return !slices.ContainsFunc(e, func(part Expr) bool { return !w.holds(table, r, part) })
	case Or:
		return slices.ContainsFunc(e, func(part Expr) bool { return w.holds(table, r, part) })
	case Not:
		return !w.holds(table, r, e.Expr)
	case Has:
		relation := table.Relation(e.Relation)
		return slices.ContainsFunc(w.rows[relation.Table.Name], func(other row) bool {
			for i, from := range relation.From {
				key, ok := r[from.Name]
				if to, there := other[relation.To[i].Name]; !ok || !there || key != to {
					return false
				}
			}
			return w.holds(relation.Table, other, e.Where)
		})
	case Condition:
		v, ok := r[e.Column]
		if !ok {
			return e.Operator == catalog.NotEqual || e.Operator == catalog.NotIn || e.Operator == catalog.IsNull && e.Values[0] == "true"
		}
		return satisfies(table.Column(e.Column), v, e.Operator, e.Values)
	}
	return true
}

func satisfies(column *catalog.Column, v string, o Operator, values []string) bool {
	order := strings.Compare
	if column.Type.Float() || column.Type.Bits() > 0 {
		order = func(a, b string) int {
			x, _ := strconv.ParseFloat(a, 64)
			y, _ := strconv.ParseFloat(b, 64)
			return cmp.Compare(x, y)
		}
	} else if column.Type.Name == "Decimal" {
		order = func(a, b string) int {
			x, _ := new(big.Rat).SetString(a)
			y, _ := new(big.Rat).SetString(b)
			return x.Cmp(y)
		}
	} else if column.Type.Name == "IPv4" {
		order = func(a, b string) int {
			var x, y [4]int
			fmt.Sscanf(a, "%d.%d.%d.%d", &x[0], &x[1], &x[2], &x[3])
			fmt.Sscanf(b, "%d.%d.%d.%d", &y[0], &y[1], &y[2], &y[3])
			return slices.Compare(x[:], y[:])
		}
	}
	folded := func(s string) string { return strings.ToUpper(strings.ToLower(s)) }
	switch first := values[0]; o {
	case catalog.Equal:
		return order(v, first) == 0
	case catalog.NotEqual:
		return order(v, first) != 0
	case catalog.Less:
		return order(v, first) < 0
	case catalog.LessOrEqual:
		return order(v, first) <= 0
	case catalog.Greater:
		return order(v, first) > 0
	case catalog.GreaterOrEqual:
		return order(v, first) >= 0
	case catalog.Between:
		return order(v, first) >= 0 && order(v, values[1]) <= 0
	case catalog.In:
		return slices.ContainsFunc(values, func(x string) bool { return order(v, x) == 0 })
	case catalog.NotIn:
		return !slices.ContainsFunc(values, func(x string) bool { return order(v, x) == 0 })
	case catalog.Contains:
		return strings.Contains(v, first)
	case catalog.StartsWith:
		return strings.HasPrefix(v, first)
	case catalog.EndsWith:
		return strings.HasSuffix(v, first)
	case catalog.Like:
		return like([]rune(v), []rune(first))
	case catalog.EqualFold:
		return folded(v) == folded(first)
	case catalog.ContainsFold:
		return strings.Contains(folded(v), folded(first))
	case catalog.StartsWithFold:
		return strings.HasPrefix(folded(v), folded(first))
	case catalog.EndsWithFold:
		return strings.HasSuffix(folded(v), folded(first))
	case catalog.LikeFold:
		return like([]rune(folded(v)), []rune(folded(first)))
	case catalog.IsNull:
		return first == "false"
	}
	panic(o)
}

func like(text, pattern []rune) bool {
	switch {
	case len(pattern) == 0:
		return len(text) == 0
	case pattern[0] == '%':
		return like(text, pattern[1:]) || len(text) > 0 && like(text[1:], pattern)
	case len(text) == 0:
		return false
	case pattern[0] == '\\':
		return text[0] == pattern[1] && like(text[1:], pattern[2:])
	}
	return (pattern[0] == '_' || pattern[0] == text[0]) && like(text[1:], pattern[1:])
}

// random makes a filter on a table.
func random(r *rand.Rand, table *catalog.Table, depth, relations int) Expr {
	switch kind := r.IntN(10); {
	case kind < 5 || depth == 0:
		c := table.Columns[r.IntN(len(table.Columns))]
		operators := catalog.Operators(c.Type)
		o := operators[r.IntN(len(operators))]
		value := func() string {
			domain := domains[c.Name]
			if c.Name == "id" {
				return strconv.Itoa(r.IntN(80))
			}
			for {
				if v := domain[r.IntN(len(domain))]; !strings.HasSuffix(v, "nan") && !strings.HasSuffix(v, "inf") {
					return v
				}
			}
		}
		condition := Condition{Column: c.Name, Operator: o, Values: []string{value()}}
		switch o {
		case catalog.IsNull:
			condition.Values = []string{strconv.FormatBool(r.IntN(2) == 0)}
		case catalog.In, catalog.NotIn:
			for r.IntN(3) > 0 {
				condition.Values = append(condition.Values, value())
			}
		case catalog.Between:
			condition.Values = append(condition.Values, value())
			if satisfies(c, condition.Values[0], catalog.Greater, condition.Values[1:]) {
				slices.Reverse(condition.Values)
			}
		case catalog.Like, catalog.LikeFold:
			condition.Values[0] = []string{"%", "a%", "%b", "_", "__", "%a_", `a\%`, `a\_b`, `a\\b`, "%Σ%", "é%", "%\n%"}[r.IntN(12)]
		}
		return condition
	case kind < 7:
		and := And{}
		for range r.IntN(4) {
			and = append(and, random(r, table, depth-1, relations))
		}
		return and
	case kind == 7:
		or := Or{}
		for range r.IntN(4) {
			or = append(or, random(r, table, depth-1, relations))
		}
		return or
	case kind == 8 || len(table.Relations) == 0 || relations == 0:
		return Not{random(r, table, depth-1, relations)}
	}
	relation := table.Relations[r.IntN(len(table.Relations))]
	if r.IntN(6) == 0 {
		return Has{Relation: relation.Name}
	}
	return Has{Relation: relation.Name, Where: random(r, relation.Table, depth-1, relations-1)}
}

// found are the ids of the rows that a filter leaves.
func (w *world) found(t *testing.T, table *catalog.Table, e Expr) []string {
	t.Helper()
	conditions, err := Compile(table, e)
	if err != nil {
		t.Fatalf("%s: %v", text(e), err)
	}
	query := table.Read()
	query.Columns = []sql.Column{{Expr: sql.Call("toString", table.Column("id").Ref()), As: "id"}}
	query.Where = conditions
	query.OrderBy = []sql.Order{{Expr: table.Column("id").Ref()}}
	records, err := w.store.Query(t.Context(), query.Build())
	if err != nil {
		t.Fatalf("%s: %v\n%s", text(e), err, query.Build().Text)
	}
	rows, err := contracts.Rows[struct{ ID string }](contracts.NewFrame([]contracts.Field{{Key: "id", Type: contracts.TypeString}}, records, contracts.NoLimit))
	if err != nil {
		t.Fatalf("%s: %v", text(e), err)
	}
	ids := []string{}
	for _, r := range rows {
		ids = append(ids, r.ID)
	}
	return ids
}

// A filter finds the rows of which it is true, its negation the others, and either comes back
// the same from the forms that it is written in.
func TestMeaning(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(4, 2))
	w := newWorld(t, r)
	var some, all int
	for range 400 {
		for _, name := range []string{"items", "parts"} {
			table := w.tables[name]
			e := random(r, table, 4, 2)
			var is, isNot []string
			for _, r := range w.rows[name] {
				if w.holds(table, r, e) {
					is = append(is, r["id"])
				} else {
					isNot = append(isNot, r["id"])
				}
			}
			if got := w.found(t, table, e); !slices.Equal(got, is) {
				t.Errorf("%s\n got %s\nwant %s", text(e), got, is)
			}
			if got := w.found(t, table, Not{e}); !slices.Equal(got, isNot) {
				t.Errorf("not %s\n got %s\nwant %s", text(e), got, isNot)
			}
			if len(is) > 0 && len(isNot) > 0 {
				some++
			}
			all++
			sameAgain(t, table, e)
		}
	}
	if some < all/3 {
		t.Errorf("%d of %d filters find some rows and not all", some, all)
	}
}

// sameAgain makes sure that a filter survives being written and read.
func sameAgain(t *testing.T, table *catalog.Table, e Expr) {
	t.Helper()
	want, err := Resolve(table, e)
	if err != nil {
		t.Fatal(err)
	}
	statement := func(e Expr) sql.Statement {
		conditions, err := Compile(table, e)
		if err != nil {
			t.Fatal(err)
		}
		return read(table, conditions).Build()
	}
	same := func(form, written string, got Expr, err error) {
		t.Helper()
		if err != nil {
			t.Errorf("%s %s: %v", form, written, err)
			return
		}
		got, err = Resolve(table, got)
		if err != nil || !reflect.DeepEqual(placeless(got), placeless(want)) {
			t.Errorf("%s %s of %s\n got %s\nwant %s", form, written, text(e), text(got), text(want))
		} else if !reflect.DeepEqual(statement(got), statement(want)) {
			t.Errorf("%s %s is another statement", form, written)
		}
	}
	for _, e := range []Expr{e, want} {
		parameters := Query(e, "n", "where")
		got, err := FromQuery(table, parameters, nil)
		same("query", parameters.Encode(), got, err)
		written, err := json.Marshal(Tree{e})
		if !utf8.ValidString(text(e)) {
			if err == nil {
				t.Errorf("what is no Unicode is written as %s", written)
			}
			continue
		} else if err != nil {
			t.Fatal(err)
		}
		var tree Tree
		err = json.Unmarshal(written, &tree)
		same("body", string(written), tree.Expr, err)
	}
}

func placeless(e Expr) Expr {
	switch e := e.(type) {
	case And:
		all := And{}
		for _, part := range e {
			all = append(all, placeless(part))
		}
		return all
	case Or:
		all := Or{}
		for _, part := range e {
			all = append(all, placeless(part))
		}
		return all
	case Not:
		return Not{placeless(e.Expr)}
	case Has:
		return Has{Relation: e.Relation, Where: placeless(e.Where)}
	case Condition:
		e.place = place{}
		return e
	}
	return e
}

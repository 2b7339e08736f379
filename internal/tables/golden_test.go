package tables

import (
	"flag"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"framehouse/internal/catalog"
	"framehouse/internal/contracts"
	"framehouse/internal/store/sql"
	"framehouse/internal/store/storetest"
	"framehouse/internal/tables/filter"
)

var update = flag.Bool("update", false, "write the golden files")

// bank has tables that refer to each other, two steps deep, and columns of types that joins
// and aggregates treat in ways of their own.
func bank(t *testing.T) *Service {
	t.Helper()
	database := storetest.Database(t)
	storetest.Exec(t, database, `
CREATE TABLE customers (id UInt32, name String, region LowCardinality(String), tags Array(String), since Date) ENGINE = ReplacingMergeTree ORDER BY id;
CREATE TABLE balances (id UInt32, customer_id Nullable(Int64), day Date, balance_usd Decimal(18, 2), rate Nullable(Float64), note Nullable(String), big Int64, tags Array(String), kind Enum8('z' = 1, 'a' = 2)) ORDER BY (day, id) SETTINGS index_granularity = 16;
CREATE TABLE debts (id UInt32, balance_id UInt32, debt_usd Decimal(38, 4)) ORDER BY id;
CREATE TABLE log (day Date, text String, v Float64, tags Array(String)) ORDER BY day;
CREATE TABLE heap (v UInt8, w UInt8) ORDER BY tuple();
INSERT INTO customers VALUES (1, 'Acme', 'US', ['a'], '2020-01-01'), (2, 'Beta', 'EU', [], '2021-01-01');
INSERT INTO customers VALUES (2, 'Beta Treasury', 'EU', ['b', 'c'], '2021-01-01');
INSERT INTO balances VALUES (1, 1, '2026-03-22', 150000.5, 0.5, 'x', 9223372036854775807, ['p'], 'z'), (2, 2, '2026-03-22', 91250, nan, NULL, 9223372036854775807, [], 'a'), (3, NULL, '2026-03-23', -1, NULL, 'y', -5, [], 'a'), (4, 99, '2026-03-24', 0, -0., 'x', 1, [], 'z'), (5, -1, '2026-03-24', 7.25, 0, '', 1, [], 'a');
INSERT INTO debts VALUES (1, 1, 15000), (2, 2, 6500.1234), (3, 3, 1), (4, 77, 2);
CREATE VIEW view AS SELECT * FROM balances;
INSERT INTO heap VALUES (1, 1), (1, 1), (1, 2);`)
	return service(t, database, `
tables:
  customers: {}
  balances: {key: [id], order: [-day], references: {customer: {columns: customer_id, table: customers, inverse: balances}}}
  debts: {key: [id], references: {balance: {columns: balance_id, table: balances, inverse: debts}}}
  log: {}
  heap: {}
  view: {key: [id]}
`)
}

// request is a query in the words of a URL.
func request(t *testing.T, s *Service, table, text string) (Query, error) {
	t.Helper()
	parameters, err := url.ParseQuery(text)
	if err != nil {
		t.Fatal(err)
	}
	take := func(name string) []string {
		value := parameters.Get(name)
		delete(parameters, name)
		if value == "" {
			return nil
		}
		return strings.Split(value, ",")
	}
	q := Query{Table: table, Select: take("select"), Order: OrderBy(take("order")...), Group: take("group"), Aggregates: take("agg")}
	q.Cursor, q.Count = strings.Join(take("cursor"), ""), strings.Join(take("count"), "")
	if limit := take("limit"); limit != nil {
		if _, err := fmt.Sscan(limit[0], &q.Limit); err != nil {
			t.Fatal(err)
		}
	}
	having := url.Values{}
	for name, values := range parameters {
		if strings.HasPrefix(name, "having") {
			having[name] = values
			delete(parameters, name)
		}
	}
	if q.Having, err = s.Having(q, having); err != nil {
		return q, err
	}
	of, err := s.Table(table)
	if err != nil {
		return q, err
	}
	q.Where, err = filter.FromQuery(of, parameters, nil)
	return q, err
}

func planned(t *testing.T, s *Service, table, text string) (*plan, error) {
	t.Helper()
	q, err := request(t, s, table, text)
	if err != nil {
		return nil, err
	}
	of, err := s.Table(table)
	if err != nil {
		t.Fatal(err)
	}
	return newPlan(of, q)
}

// at makes the plan that of the page after a row.
func (p *plan) at(alike int64, marks ...mark) *plan {
	p.begin = position{marks, alike}
	return p
}

func v(text string) mark { return mark{isValue, text} }

// Each statement is what the file says, and one that ClickHouse understands.
func TestStatements(t *testing.T) {
	t.Parallel()
	s := bank(t)
	rows := func(table, request string, begin ...mark) sql.Statement {
		t.Helper()
		p, err := planned(t, s, table, request)
		if err != nil {
			t.Fatal(err)
		}
		if begin != nil {
			p = p.at(2, begin...)
		}
		query, err := p.query()
		if err != nil {
			t.Fatal(err)
		}
		return query.Build()
	}
	values := func(q ValuesQuery) sql.Statement {
		t.Helper()
		table, err := s.Table(q.Table)
		if err != nil {
			t.Fatal(err)
		}
		p, err := newValues(table, q)
		if err != nil {
			t.Fatal(err)
		}
		query, err := p.query()
		if err != nil {
			t.Fatal(err)
		}
		return query.Build()
	}
	plain := func(request string) *plan {
		p, err := planned(t, s, "balances", request)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	var text strings.Builder
	for _, c := range []struct {
		name      string
		statement sql.Statement
	}{
		{"everything by default", rows("customers", "")},
		{"a filter, columns, an order", rows("balances", "day=2026-03-22&select=balance_usd&order=-balance_usd,note.nullsfirst&limit=2")},
		{"a key that tells rows apart", rows("balances", "select=id&order=day", v("2026-03-22"), v("7"))},
		{"descending, with nulls", rows("balances", "select=id&order=-note", v("it's\ta\\b"), v("7"))},
		{"behind a null", rows("balances", "select=id&order=note", mark{kind: isNull}, v("7"))},
		{"nulls first, behind a null", rows("balances", "select=id&order=note.nullsfirst", mark{kind: isNull}, v("7"))},
		{"a float behind NaN", rows("balances", "select=id&order=rate", mark{kind: isNaN}, v("7"))},
		{"a float behind NaN, nulls first", rows("balances", "select=id&order=-rate.nullsfirst", mark{kind: isNaN}, v("7"))},
		{"a float behind infinity", rows("balances", "select=id&order=rate", v("inf"), v("7"))},
		{"a key that does not tell rows apart", rows("log", "select=text", v("2026-03-22"), v("x"), v("-0"))},
		{"no key", rows("heap", "")},
		{"no key, but an order", rows("heap", "order=-w", v("1"), v("2"))},
		{"a related column", rows("balances", "select=customer.name,balance_usd&order=-balance_usd&limit=3")},
		{"two steps away, and one that has no nulls", rows("debts", "select=debt_usd,balance.customer.name,balance.tags&debt_usd=1", v("2"))},
		{"groups", rows("balances", "group=day&agg=count,sum:balance_usd,max:day&where.note=x")},
		{"related groups, with a condition on them", rows("balances", "group=customer.region,rate&agg=count,sum:big,mean:rate,median:rate,distinct:rate,count:rate,min:kind&having.sum_big.gte=100&having.count=1&order=-sum_big")},
		{"groups behind a group", rows("balances", "group=rate,kind&agg=count&order=count", v("3"), mark{kind: isNull}, v("a"))},
		{"all rows as one", rows("balances", "agg=count,sum:id,min:rate")},
		{"distinct combinations", rows("balances", "group=kind,day")},
		{"values", values(ValuesQuery{Table: "customers", Column: "region"})},
		{"values that contain a text", values(ValuesQuery{Table: "balances", Column: "rate", Search: "5'", Limit: 7})},
		{"a count", plain("note=x&limit=1").counted().Build()},
		{"a count of groups", plain("note=x&group=day&limit=1").counted().Build()},
		{"an estimate", plain("note=x&limit=1").estimated().Statement()},
	} {
		table, err := s.Table("heap")
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&text, "-- %s\n%s\n", c.name, strings.ReplaceAll(c.statement.Text, table.Source.Database, "db"))
		for _, p := range c.statement.Params {
			fmt.Fprintf(&text, "--   %s %s %q\n", p.Name, p.Type, p.Value)
		}
		text.WriteString("\n")
		for _, prefix := range []string{"EXPLAIN ", ""} {
			if strings.HasPrefix(c.statement.Text, "EXPLAIN") && prefix != "" {
				continue
			}
			records, err := s.Store.Query(t.Context(), sql.Statement{Text: prefix + c.statement.Text, Params: c.statement.Params})
			if err != nil {
				t.Errorf("%s: %v", c.name, contracts.AsError(err).Cause)
				continue
			}
			records.Close()
		}
	}
	file := filepath.Join("testdata", "statements.sql")
	if *update {
		if err := os.WriteFile(file, []byte(text.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got := text.String(); got != string(want) {
		t.Errorf("%s is not what is sent; go test -update writes it anew:\n%s", file, got)
	}
}

// What cannot be is said with its place.
func TestRefusals(t *testing.T) {
	t.Parallel()
	s := bank(t)
	for _, test := range []struct{ table, request, location, message, hint string }{
		{"balances", "limit=100001", "query.limit", "between 1 and 100000", "filter"},
		{"balances", "limit=-2", "query.limit", "between", ""},
		{"balances", "select=ids", "query.select", `no column "ids"`, `Did you mean "id"?`},
		{"balances", "select=id,id", "query.select", "twice", "once"},
		{"balances", "select=customer.nam", "query.select", `customers has no column "nam"`, `Did you mean "name"?`},
		{"balances", "select=custmer.name", "query.select", "no column", "customer."},
		{"balances", "select=debts.debt_usd", "query.select", "many rows", "where=debts()"},
		{"debts", "select=balance.customer.balances.id", "query.select", "many rows", "read balances"},
		{"balances", "order=dy", "query.order", "no column", `Did you mean "day"?`},
		{"balances", "order=-tags", "query.order", `"tags", which is a Array(String)`, "plain value"},
		{"balances", "order=customer.name", "query.order", "another table", "balances itself"},
		{"balances", "order=day,-day", "query.order", "twice", "once"},
		{"balances", "cursor=abc", "query.cursor", "does not belong", "first page"},
		{"heap", "cursor=abc", "query.cursor", "does not belong", "first page"},
		{"balances", "group=tags", "query.group", "Array(String)", "plain value"},
		{"balances", "group=debts.id", "query.group", "many rows", ""},
		{"balances", "group=day,day", "query.group", `two columns of the answer`, "Leave one"},
		{"balances", "agg=totl", "query.agg", "no aggregate", "Aggregates are"},
		{"balances", "agg=cont", "query.agg", "no aggregate", `"count"`},
		{"balances", "agg=sum", "query.agg", "needs a column", "sum:column"},
		{"balances", "agg=sum:", "query.agg", "needs a column", "sum:column"},
		{"balances", "agg=sum:note", "query.agg", "Nullable(String)", "count:note"},
		{"balances", "agg=min:tags", "query.agg", "Array(String)", "count:tags"},
		{"balances", "agg=sum:nothing", "query.agg", "no column", "Columns are"},
		{"balances", "agg=count,count", "query.agg", "two columns", ""},
		{"balances", "agg=count&select=id", "query.select", "no column", "count"},
		{"balances", "agg=count&order=id", "query.order", "no column", "count"},
		{"balances", "having.count.gte=1", "query.having", "there are none", "group or agg"},
		{"balances", "agg=count&having.cont.gte=1", "query.having.cont.gte", "no column", "count"},
		{"balances", "agg=count&having.count.gte=x", "query.having.count.gte", "whole number", ""},
	} {
		t.Run(test.request, func(t *testing.T) {
			_, err := planned(t, s, test.table, test.request)
			if err == nil {
				t.Fatal("no error")
			}
			e := contracts.AsError(err)
			if e.Code != contracts.CodeInvalidRequest || len(e.Issues) == 0 {
				t.Fatalf("error %v", err)
			}
			got := e.Issues[0]
			if got.Location != test.location || !strings.Contains(strings.ToLower(got.Message), strings.ToLower(test.message)) || !strings.Contains(got.Hint, test.hint) {
				t.Errorf("%+v, want %+v", got, test)
			}
		})
	}
}

// A column whose name looks like an order is meant before what the name would mean.
func TestOrderNames(t *testing.T) {
	t.Parallel()
	column := func(name string) *catalog.Column { return &catalog.Column{Name: name, Type: parsed("UInt8")} }
	table := &catalog.Table{Name: "t", Columns: []*catalog.Column{column("a"), column("-a"), column("a.nullsfirst"), column("-b"), column("c.nullslast"), column("d")}}
	for text, want := range map[string]string{
		"a": "a", "-a": "-a", "--a": "--a", "a.nullsfirst": "a.nullsfirst", "-a.nullslast": "-a",
		"-a.nullsfirst": "-a.nullsfirst", "a.nullsfirst.nullsfirst": "a.nullsfirst.nullsfirst",
		"-b": "-b", "--b": "--b", "-c.nullslast": "-c.nullslast", "d.nullsfirst": "d.nullsfirst", "-d.nullsfirst": "-d.nullsfirst", "-d.nullslast": "-d",
	} {
		s, err := Order{Text: text}.find(table, "")
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if got := s.String(); got != want {
			t.Errorf("%s orders by %s, want %s", text, got, want)
		}
		again, err := Order{Text: s.String()}.find(table, "")
		if err != nil || again.String() != s.String() {
			t.Errorf("%s, printed as %s, is read as %v, %v", text, s, again, err)
		}
	}
}

package catalog

import (
	"slices"
	"strings"
	"testing"

	"framehouse/internal/store"
	"framehouse/internal/store/sql"
)

func bank() *known {
	return &known{tables: map[sql.Table]store.TableInfo{
		{Database: "db", Name: "customers"}: {SortingKey: []string{"id"}, Columns: []store.ColumnInfo{{Name: "id", Type: "UInt32"}, {Name: "region", Type: "String"}}},
		{Database: "db", Name: "balances"}: {SortingKey: []string{"id"}, Columns: []store.ColumnInfo{
			{Name: "id", Type: "UInt32"}, {Name: "customer_id", Type: "Nullable(UInt64)"}, {Name: "day", Type: "Date"}, {Name: "tags", Type: "Array(String)"},
		}},
		{Database: "db", Name: "debts"}: {SortingKey: []string{"id"}, Columns: []store.ColumnInfo{{Name: "id", Type: "UInt32"}, {Name: "balance_id", Type: "UInt32"}}},
	}}
}

// A reference is declared once and leads in both directions.
func TestRelations(t *testing.T) {
	t.Parallel()
	c, err := Load(t.Context(), "c.yaml", []byte(`
tables:
  debts: {references: {balance: {columns: balance_id, table: balances, inverse: debts}}}
  balances: {references: {customer: {columns: [customer_id], table: customers}}}
  customers: {}
`), bank())
	if err != nil || len(c.Faults) > 0 {
		t.Fatal(err, c.Faults)
	}
	var got []string
	for _, table := range c.Tables {
		for _, r := range table.Relations {
			kind := " one "
			if r.Many {
				kind = " many "
			}
			got = append(got, table.Name+"."+r.Name+kind+r.Table.Name+": "+r.From[0].Name+" = "+r.To[0].Name)
		}
	}
	want := []string{
		"debts.balance one balances: balance_id = id",
		"balances.debts many debts: id = balance_id",
		"balances.customer one customers: customer_id = id",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got  %s\nwant %s", strings.Join(got, "\n     "), strings.Join(want, "\n     "))
	}
}

func TestReferenceFaults(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, text string
		want       []string
		served     []string
	}{
		{
			"to nowhere, and to what is left out",
			"tables:\n  customers: {}\n  balances: {references: {customer: {columns: customer_id, table: custmers}}}\n  debts: {references: {balance: {columns: balance_id, table: balances, inverse: debts}}}",
			[]string{
				`3: tables.balances: reference "customer" leads to the table "custmers", which is not published; did you mean "customers"?`,
				`4: tables.debts: reference "balance" leads to the table "balances", which is left out because of a fault`,
			},
			[]string{"customers"},
		},
		{
			"incomplete",
			"tables:\n  balances: {references: {customer: {}}}",
			[]string{
				`2: tables.balances: the reference "customer" needs columns: those of this table that match the other's key`,
				`2: tables.balances: the reference "customer" needs table: the published table that it leads to`,
			},
			nil,
		},
		{
			"columns that cannot match the key",
			"tables:\n  customers: {}\n  a: {table: balances, references: {customer: {columns: day, table: customers}}}\n  b: {table: balances, references: {customer: {columns: [customer_id, id], table: customers}}}\n  c: {table: balances, references: {customer: {columns: custmer_id, table: customers}}}",
			[]string{
				`3: tables.a: the column "day" is a Date, and customers.id, which it refers to, a UInt32`,
				`4: tables.b: reference "customer" needs the columns that match the key of customers, which is (id)`,
				`5: tables.c: reference customer names the column "custmer_id", which there is not; did you mean "customer_id"?`,
			},
			[]string{"customers"},
		},
		{
			"names that mean something else",
			"tables:\n  customers: {}\n  a: {table: balances, references: {day: {columns: customer_id, table: customers}}}\n  b: {table: balances, references: {or: {columns: customer_id, table: customers}}}\n  c: {table: balances, references: {customer: {columns: customer_id, table: customers, inverse: region}}}\n  d: {table: balances, references: {my.customer: {columns: customer_id, table: customers}}}",
			[]string{
				`3: tables.a: the relation "day" of a has the name of a column; give it another`,
				`4: tables.b: "or" cannot name a relation; use letters, digits and '_', and none of and, or, not, where, having`,
				`5: tables.c: the relation "region" of customers has the name of a column; give it another`,
				`6: tables.d: "my.customer" cannot name a relation; use letters, digits and '_', and none of and, or, not, where, having`,
			},
			[]string{"customers"},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			c, err := Load(t.Context(), "c.yaml", []byte(test.text), bank())
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, f := range c.Faults {
				got = append(got, strings.TrimPrefix(f.String(), "c.yaml:"))
			}
			if !slices.Equal(got, test.want) {
				t.Errorf("got  %s\nwant %s", strings.Join(got, "\n     "), strings.Join(test.want, "\n     "))
			}
			if names := c.TableNames(); !slices.Equal(names, test.served) && len(names)+len(test.served) > 0 {
				t.Errorf("served %q, want %q", names, test.served)
			}
		})
	}
}

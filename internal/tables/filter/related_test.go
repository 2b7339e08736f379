package filter

import (
	"fmt"
	"net/url"
	"testing"
	"time"

	"framehouse/internal/catalog/catalogtest"
	"framehouse/internal/store/storetest"
)

// Balances of March 2026, of customers in the US, that carry a margin debt of at least 10,000.
func TestThreeTables(t *testing.T) {
	t.Parallel()
	database := storetest.Database(t)
	storetest.Exec(t, database, `
		CREATE TABLE customers (id UInt32, customer_code String, name String, region LowCardinality(String)) ORDER BY id;
		CREATE TABLE customer_balances (id UInt32, customer_id UInt32, as_of_date Date, balance_usd Decimal(18, 2)) ORDER BY id;
		CREATE TABLE customer_debts (id UInt32, balance_id UInt32, debt_type LowCardinality(String), debt_usd Decimal(18, 2)) ORDER BY id;
		INSERT INTO customers VALUES (1, 'ACME', 'Acme Capital', 'US'), (2, 'BETA', 'Beta Treasury', 'EU');
		INSERT INTO customer_balances VALUES (1, 1, '2026-03-22', 150000.00), (2, 2, '2026-03-22', 91250.00);
		INSERT INTO customer_debts VALUES (1, 1, 'margin', 15000.00), (2, 2, 'fx_credit', 6500.00);
	`)
	s, live := catalogtest.Load(t, database, `
tables:
  customers: {key: [id]}
  customer_balances: {key: [id], references: {customer: {columns: customer_id, table: customers, inverse: balances}}}
  customer_debts: {key: [id], references: {balance: {columns: balance_id, table: customer_balances, inverse: debts}}}
`)
	current, err := live.Current()
	if err != nil {
		t.Fatal(err)
	}
	balances, err := current.Table("customer_balances")
	if err != nil {
		t.Fatal(err)
	}
	day := func(d int) time.Time { return time.Date(2026, 3, d, 0, 0, 0, 0, time.UTC) }
	inGo := And{
		Date("as_of_date").Between(day(1), day(31)),
		Related("customer").Has(Text("region").Eq("US")),
		Related("debts").Has(Text("debt_type").Eq("margin"), Decimal("debt_usd").Gte("10000")),
	}
	parameters, err := url.ParseQuery("as_of_date.between=2026-03-01,2026-03-31&customer.region=US&debts.debt_type=margin&debts.debt_usd.gte=10000")
	if err != nil {
		t.Fatal(err)
	}
	inURL, err := FromQuery(balances, parameters, nil)
	if err != nil {
		t.Fatal(err)
	}
	inBody, err := FromJSON("body.where", []byte(`{"and": [
		{"column": "as_of_date", "op": "between", "value": ["2026-03-01", "2026-03-31"]}, {"column": "customer.region", "value": "US"},
		{"has": "debts", "where": {"and": [{"column": "debt_type", "value": "margin"}, {"column": "debt_usd", "op": "gte", "value": 10000}]}}]}`))
	if err != nil {
		t.Fatal(err)
	}
	check := func(when string) {
		t.Helper()
		for form, e := range map[string]Expr{"Go": inGo, "a URL": inURL, "a body": inBody} {
			if got, err := ids(t, s, balances, e); err != nil || fmt.Sprint(got) != "[1]" {
				t.Errorf("%s, in %s: %v, want ACME's balance once: %v", when, form, got, err)
			}
		}
	}
	check("as it is")
	storetest.Exec(t, database, `
		INSERT INTO customers VALUES (3, 'CETA', 'Ceta', 'US'), (4, 'DETA', 'Deta', 'US');
		INSERT INTO customer_balances VALUES (3, 3, '2026-03-05', 5), (4, 1, '2026-04-01', 9), (5, 4, '2026-03-31', 7);
		INSERT INTO customer_debts VALUES (3, 1, 'margin', 20000), (4, 1, 'margin', 10000), (5, 1, 'fx_credit', 90000),
			(6, 3, 'margin', 9999.99), (7, 3, 'fx_credit', 50000), (8, 4, 'margin', 50000);
	`)
	check("with rows that joins would multiply, and debts that each satisfy one condition")
	// A related row must satisfy all that one And asks of it, and any of them may satisfy each
	// Has.
	each := And{Related("debts").Has(Text("debt_type").Eq("margin")), Related("debts").Has(Decimal("debt_usd").Gte("10000"))}
	if got, err := ids(t, s, balances, each); err != nil || fmt.Sprint(got) != "[1 3 4]" {
		t.Errorf("each of some debt: %v, %v", got, err)
	}
	if got, err := ids(t, s, balances, Not{Related("debts").Has()}); err != nil || fmt.Sprint(got) != "[5]" {
		t.Errorf("without debts: %v, %v", got, err)
	}
	customers, err := current.Table("customers")
	if err != nil {
		t.Fatal(err)
	}
	if got, err := ids(t, s, customers, Related("balances").Has(Related("debts").Has(Text("debt_type").Eq("fx_credit")))); err != nil || fmt.Sprint(got) != "[1 2 3]" {
		t.Errorf("customers with a balance with a credit: %v, %v", got, err)
	}
}

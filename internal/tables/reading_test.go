package tables

import (
	"slices"
	"strings"
	"testing"

	"framehouse/internal/catalog"
)

// Requests that mean the same have one key, and those that do not have others.
func TestReadingKeys(t *testing.T) {
	t.Parallel()
	s := bank(t)
	keys := map[catalog.Key]string{}
	for _, spellings := range [][]string{
		{"", "limit=1000", "count=none", "order=-day"},
		{"customer_id=2", "customer_id.in=2", "where=customer_id=2"},
		{"customer_id=2&note=x", "note=x&customer_id=2"},
		{"customer_id.in=2,3", "customer_id=2&customer_id=3"},
		{"customer_id=3"},
		{"limit=2"},
		{"limit=2&count=exact"},
		{"limit=2&count=estimate"},
		{"order=-id"},
		{"order=note"},
		{"order=note.nullsfirst"},
		{"select=id,note"},
		{"select=note,id"},
		{"select=id,customer.name"},
		{"customer.region=US"},
		{"group=note"},
		{"group=note&agg=count"},
		{"group=note&agg=count&having=count.gte=2"},
	} {
		var first catalog.Key
		for i, spelling := range spellings {
			q, err := request(t, s, "balances", spelling)
			if err != nil {
				t.Fatal(spelling, err)
			}
			r, err := s.Rows(q)
			if err != nil {
				t.Fatal(spelling, err)
			}
			if i == 0 {
				first = r.Key
			}
			if r.Key != first {
				t.Errorf("%q has another key than %q", spelling, spellings[0])
			}
		}
		if before, twice := keys[first]; twice {
			t.Errorf("%q has the key of %q", spellings[0], before)
		}
		keys[first] = spellings[0]
	}
	values, err := s.Values(ValuesQuery{Table: "balances", Column: "note"})
	if err != nil {
		t.Fatal(err)
	}
	if before, twice := keys[values.Key]; twice {
		t.Errorf("values have the key of %q", before)
	}
}

// A reading knows all the tables that it reads, however it comes to them.
func TestReadingTables(t *testing.T) {
	t.Parallel()
	s := bank(t)
	for _, test := range []struct{ table, request, want string }{
		{"balances", "", "balances"},
		{"balances", "group=note&agg=count", "balances"},
		{"balances", "select=customer.name", "balances customers"},
		{"balances", "group=customer.region", "balances customers"},
		{"balances", "customer.region=US", "balances customers"},
		{"debts", "balance.customer.region=US", "balances customers debts"},
		{"balances", "where=not(customer.region=US)", "balances customers"},
	} {
		q, err := request(t, s, test.table, test.request)
		if err != nil {
			t.Fatal(test, err)
		}
		r, err := s.Rows(q)
		if err != nil {
			t.Fatal(test, err)
		}
		var names []string
		for _, of := range r.Tables {
			names = append(names, of.Name)
		}
		slices.Sort(names)
		if got := strings.Join(names, " "); got != test.want {
			t.Errorf("%s?%s reads %s, not %s", test.table, test.request, got, test.want)
		}
	}
}

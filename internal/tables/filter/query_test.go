package filter

import (
	"net/url"
	"strings"
	"testing"

	"framehouse/internal/catalog"
	"framehouse/internal/contracts"
	"framehouse/internal/store"
)

// debts, balances and customers are the tables of the demo, without a database.
func balances(t testing.TB) *catalog.Table {
	t.Helper()
	column := func(name, typ string) *catalog.Column {
		parsed, err := store.ParseType(typ)
		if err != nil {
			t.Fatal(err)
		}
		return &catalog.Column{Name: name, Type: parsed}
	}
	customers := &catalog.Table{Name: "customers", Columns: []*catalog.Column{column("id", "UInt32"), column("name", "String"), column("region", "LowCardinality(String)")}}
	balances := &catalog.Table{Name: "balances", Columns: []*catalog.Column{
		column("id", "UInt32"), column("customer_id", "UInt32"), column("as_of", "Date"), column("usd", "Decimal(18, 2)"), column("note", "Nullable(String)"),
		column("tags", "Array(String)"), column("limit", "UInt8"), column("rate", "Float64"), column("open", "Bool"),
	}}
	debts := &catalog.Table{Name: "debts", Columns: []*catalog.Column{column("id", "UInt32"), column("balance_id", "UInt32"), column("kind", "String"), column("usd", "Decimal(18, 2)")}}
	relate := func(from *catalog.Table, name, key string, to *catalog.Table, inverse string) {
		f, k := []*catalog.Column{from.Column(key)}, []*catalog.Column{to.Column("id")}
		from.Relations = append(from.Relations, &catalog.Relation{Name: name, Table: to, From: f, To: k})
		to.Relations = append(to.Relations, &catalog.Relation{Name: inverse, Table: from, From: k, To: f, Many: true})
	}
	relate(balances, "customer", "customer_id", customers, "balances")
	relate(debts, "balance", "balance_id", balances, "debts")
	return balances
}

func TestQuery(t *testing.T) {
	t.Parallel()
	table := balances(t)
	for _, test := range []struct{ query, plain, again string }{
		{"", "and()", ""},
		{"usd=1", "usd=1", "usd=1"},
		{"usd=1&usd=2", "usd.in=(1,2)", "usd.in=1%2C2"},
		{"note=a,b", `note="a,b"`, "note=a%2Cb"},
		{"note.in=a,%22b,%20%22%22c%22%22%22,%20d", `note.in=(a,"b, ""c""",d)`, "note.in=a%2C%22b%2C+%22%22c%22%22%22%2Cd"},
		{"note=", `note=""`, "note="},
		{`note.in=""`, `note.in=("")`, "note.in=%22%22"},
		{"where.limit=5", "limit=5", "where.limit=5"},
		{"limit.gte=5", "limit.gte=5", "limit.gte=5"},
		{"customer.region=US&customer.name.icontains=cap", "customer(name.icontains=cap,region=US)", "customer.name.icontains=cap&customer.region=US"},
		{"debts.kind=margin&debts.usd.gte=10000&usd.gt=0", "and(debts(kind=margin,usd.gte=10000),usd.gt=0)", "debts.kind=margin&debts.usd.gte=10000&usd.gt=0"},
		{"debts.kind=margin&where=debts.usd.gte=10000", "and(debts(kind=margin),debts(usd.gte=10000))", "where=debts%28kind%3Dmargin%29%2Cdebts%28usd.gte%3D10000%29"},
		{"where=debts.kind=margin,debts.usd.gte=10000", "debts(kind=margin,usd.gte=10000)", "debts.kind=margin&debts.usd.gte=10000"},
		{"where=or(debts.kind=margin,debts.usd.gte=10000)", "or(debts(kind=margin),debts(usd.gte=10000))", ""},
		{"where=not(not(usd=1))", "usd=1", "usd=1"},
		{"where=and(usd=1,and(rate.lt=2,or(open=true)))", "and(open=true,rate.lt=2,usd=1)", "open=true&rate.lt=2&usd=1"},
		{`where=+or(+usd.in=(+1+,"2"+)+,+"note"+=+"x%20"+)`, `or(usd.in=(1,2),note="x ")`, ""},
		{"where=debts()", "debts()", "where=debts%28%29"},
		{"where=customer.debts()", "!query.where", ""},
		{"where=debts.balance(usd=1)", "debts(balance(usd=1))", "debts.balance.usd=1"},
		{"where=or()", "or()", "where=or%28%29"},
		{"where=or(or(),or())", "or()", ""},
		{"where=and(or(),or(),usd=1)", "and(or(),usd=1)", ""},
		{"where=or(and(),and())", "and()", ""},
		{"where=or(and(),usd=1,and())", "or(and(),usd=1)", ""},
		{"where=not(or(and(),usd=1))", "not(or(and(),usd=1))", ""},
		{"note.isnull=true&where=not(note.isnull=false)", "and(not(note.isnull=false),note.isnull=true)", ""},

		// What is wrong, where, and what would be right.
		{"nonsense=1", "!query.nonsense has no column Columns are", ""},
		{"uds=1", `!query.uds has no column "uds" Did you mean "usd"?`, ""},
		{"usd!=1", "!query.usd! no column usd.ne", ""},
		{"usd>=1", "!query.usd> no column usd.gt", ""},
		{"usd.gtee=1", `!query.usd.gtee There is no operator "gtee". Did you mean "gte"? What fits is eq, ne,`, ""},
		{"usd.neq=1", `!query.usd.neq Did you mean "ne"?`, ""},
		{"usd.ge=1", `!query.usd.ge Did you mean "gte"?`, ""},
		{"usd.not.in=1", `!query.usd.not.in Did you mean "nin"?`, ""},
		{"usd.null=true", "!query.usd.null There is no operator \"null\". What fits", ""},
		{"note.null=true", `!query.note.null Did you mean "isnull"?`, ""},
		{"usd=1,2", "!query.usd A value for usd must be For several values write usd.in=1,….", ""},
		{"usd.ne=1,2", "!query.usd.ne For several values write usd.nin=1,….", ""},
		{"usd=+1", "!query.usd Write %2B for it.", ""},
		// Also where the rest of the filter decides already.
		{"where=or()&usd=x", "!query.usd A value for usd must be", ""},
		{"where=or()&usd.contains=1", "!query.usd.contains does not fit", ""},
		{"where=or(and(),usd.like=1)", "!query.where does not fit", ""},
		{"where=or(and(),debts(usd=x))", "!query.where A value for usd must be", ""},
		{"usd.contains=1", `!query.usd.contains The operator "contains" does not fit usd, which is of type Decimal(18, 2). What fits is eq, ne, lt,`, ""},
		{"open.lt=true", "!query.open.lt does not fit What fits is eq, ne, in, nin.", ""},
		{"usd.isnull=true", "!query.usd.isnull does not fit usd, which is never null.", ""},
		{"tags=x", "!query.tags is of type Array(String), which no filter can ask anything.", ""},
		{"usd=x", "!query.usd A value for usd must be a decimal", ""},
		{"usd=", "!query.usd A value for usd must be", ""},
		{"note.isnull=1", "!query.note.isnull must be true or false", ""},
		{"usd.gt=1&usd.gt=2", "!query.usd.gt given 2 times", ""},
		{"usd.in=1&usd.in=2", "!query.usd.in given 2 times", ""},
		{"usd.in=", "!query.usd.in is empty", ""},
		{"usd.in=1,,2", `!query.usd.in empty item Write ""`, ""},
		{"usd.in=1,2,", "!query.usd.in empty item", ""},
		{`note.in="a`, "!query.note.in quote is not closed", ""},
		{`note.in="a"b`, "!query.note.in follows a quoted value", ""},
		{`note.in=a"b`, "!query.note.in must stand in quotes", ""},
		{"usd.between=1", "!query.usd.between takes two values, and usd.between has 1", ""},
		{"usd.between=1,2,3", "!query.usd.between has 3", ""},
		{"usd.between=10,9", "!query.usd.between the wrong way round", ""},
		{"as_of.between=2026-03-31,2026-03-01", "!query.as_of.between the wrong way round", ""},
		{`note.like=a\`, "!query.note.like backslash", ""},
		{`note.like=a\b`, "!query.note.like backslash", ""},
		{"note.like=%ff", "!query.note.like UTF-8", ""},
		{"note.like=" + strings.Repeat("_", longestPattern+1), "!query.note.like at most 4096 bytes", ""},
		{"customer=1", "!query.customer leads to another table customer.name", ""},
		{"customer.regoin=1", `!query.customer.regoin customers has no column "regoin" Did you mean "region"?`, ""},
		{"customer.region.gtt=1", "!query.customer.region.gtt There is no operator", ""},
		{"debts.balance.customer.region=US", "!query.debts.balance.customer.region can follow 2 relations", ""},
		{"where.nope=1", "!query.where.nope has no column Columns are", ""},
		{"where=", "!query.where is empty", ""},
		{"where=usd", "!query.where condition is missing", ""},
		{"where=usd=1)", "!query.where closed that was not opened", ""},
		{"where=or(usd=1", "!query.where of or is not closed", ""},
		{"where=orr(usd=1)", `!query.where no relation "orr" Did you mean "or"?`, ""},
		{"where=not(usd=1,usd=2)", "!query.where takes one condition and(…,…)", ""},
		{"where=not()", "!query.where takes one condition", ""},
		{"where=or(usd=(1,2))", "!query.where must stand in quotes Lists go with in", ""},
		{`where="usd=1`, "!query.where quote is not closed", ""},
		{`where="nope"=1`, `!query.where no column "nope"`, ""},
		{"where=usd=1&where=usd=2", "!query.where given 2 times", ""},
		{"where=" + strings.Repeat("not(", 40) + "usd=1" + strings.Repeat(")", 40), "!query.where 16 levels", ""},
		{"where=" + strings.Repeat("not(", 200_000), "!query.where 16 levels", ""},
		{"where=" + strings.Repeat("usd=1,", mostConditions) + "usd=1", "!query.where can have 400 conditions", ""},
		{"usd.in=1" + strings.Repeat(",1", mostItems), "!query.usd.in can have 10000 values", ""},
	} {
		name := test.query[:min(60, len(test.query))]
		t.Run(name, func(t *testing.T) {
			parameters, err := url.ParseQuery(test.query)
			if err != nil {
				t.Fatal(err)
			}
			e, err := FromQuery(table, parameters, []string{"limit", "format"})
			if err == nil {
				_, err = Compile(table, e)
			}
			if want, refused := strings.CutPrefix(test.plain, "!"); refused {
				if err == nil {
					t.Fatalf("read as %s", text(e))
				}
				issue := contracts.AsError(err).Issues[0]
				if len(issue.Message)+len(issue.Hint) > 1500 {
					t.Errorf("an error of %d bytes", len(issue.Message)+len(issue.Hint))
				}
				location, rest, _ := strings.Cut(want, " ")
				if issue.Location != location {
					t.Errorf("location %q, want %q", issue.Location, location)
				}
				if all := issue.Message + " " + issue.Hint; !inOrder(all, rest) {
					t.Errorf("says %s\nwant %s", all, rest)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if got := text(e); got != test.plain {
				t.Errorf("means %s, want %s", got, test.plain)
			}
			if got := Query(e, "limit").Encode(); test.again != "" && got != test.again {
				t.Errorf("written again as %s, want %s", got, test.again)
			}
			sameAgain(t, table, e)
		})
	}
}

// What is wrong with a filter is found even if it reads like something that is right.
func TestEqualTexts(t *testing.T) {
	t.Parallel()
	right, wrong := Condition{Column: "a.b", Operator: "eq", Values: []string{"1"}}, Condition{Column: "a", Operator: "b", Values: []string{"1"}}
	if text(right) != text(wrong) {
		t.Fatalf("%s and %s", text(right), text(wrong))
	}
	for _, parts := range [][]Expr{{right, wrong}, {wrong, right}} {
		if got := and(parts).(And); got[0].(Condition).Column == got[1].(Condition).Column {
			t.Errorf("%v became %v", parts, got)
		}
	}
}

// inOrder tells whether a text has words in their order.
func inOrder(text, words string) bool {
	for word := range strings.FieldsSeq(words) {
		i := strings.Index(text, word)
		if i < 0 {
			return false
		}
		text = text[i+len(word):]
	}
	return true
}

func FuzzFromQuery(f *testing.F) {
	for _, seed := range []string{
		"usd=1", "usd.in=1,2", `note.in="a, ""b""",c`, "where=or(usd=1,not(note.like=a%25))", "customer.region=US&debts.usd.gte=1",
		"where.limit=5", `where="usd".gt=1`, "where=debts.balance(),and(),or()", "where=not(", `where="`, "where=)", "note.in=\"", "=", "where.=", ".eq=1", "customer.=1", "where=usd.in=(", "note.between=a,\"b\"",
	} {
		f.Add(seed)
	}
	table := balances(f)
	f.Fuzz(func(t *testing.T, query string) {
		parameters, err := url.ParseQuery(query)
		if err != nil {
			return
		}
		e, err := FromQuery(table, parameters, nil)
		if err != nil {
			checkRefusal(t, err)
			return
		}
		if _, err := Compile(table, e); err != nil {
			checkRefusal(t, err)
			return
		}
		sameAgain(t, table, e)
	})
}

// checkRefusal makes sure that an error is one that a client may see.
func checkRefusal(t *testing.T, err error) {
	t.Helper()
	if e := contracts.AsError(err); e.Code != contracts.CodeInvalidRequest || len(e.Issues) == 0 || e.Cause != nil {
		t.Errorf("error %#v", err)
	}
}

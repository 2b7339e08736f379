package filter

import (
	"encoding/json"
	"strings"
	"testing"

	"framehouse/internal/contracts"
)

func TestFromJSON(t *testing.T) {
	t.Parallel()
	table := balances(t)
	for _, test := range []struct{ body, plain string }{
		{`null`, "and()"},
		{`{"column":"note","value":"US"}`, "note=US"},
		{`{"and":[{"column":"note","op":"in","value":["US","EU"]},{"or":[{"column":"usd","op":"gt","value":12.50},{"not":{"column":"open","value":true}}]}]}`,
			"and(note.in=(US,EU),or(usd.gt=12.50,not(open=true)))"},
		{`{"column":"usd","op":"eq","value":1234567890123456.78}`, "usd=1234567890123456.78"},
		{`{"column":"note","op":"isnull"}`, "note.isnull=true"},
		{`{"column":"note","op":"isnull","value":false}`, "note.isnull=false"},
		{`{"column":"note","value":"\ud83d\ude00\\ud800 \" \u0000"}`, "note=\"😀\\ud800 \"\" \x00\""},
		{`{"has":"debts"}`, "debts()"},
		{`{"has":"debts","where":{"column":"kind","value":"margin"}}`, "debts(kind=margin)"},
		{`{"and":[{"column":"debts.kind","value":"margin"},{"column":"debts.usd","op":"gte","value":"10000"}]}`, "debts(kind=margin,usd.gte=10000)"},
		{`{"and":[{"column":"debts.kind","value":"margin"},{"and":[{"column":"debts.usd","op":"gte","value":"10000"}]}]}`, "and(debts(kind=margin),debts(usd.gte=10000))"},
		{`{"or":[]}`, "or()"},
		{`{"and":[]}`, "and()"},

		{`{}`, "!body.where"},
		{`[]`, "!body.where"},
		{`"x"`, "!body.where"},
		{`{"and":[]`, "!body.where"},
		{`{"and":[]}{}`, "!body.where"},
		{`{"and":{}}`, "!body.where.and"},
		{`{"and":null}`, "!body.where.and"},
		{`{"and":[{"column":"note","op":"in","value":["US"]},{"or":[{"column":"usd","opp":"gt"}]}]}`, "!body.where.and[1].or[0].opp"},
		{`{"and":[{"column":"note","value":"x"},{"column":"usd","op":"contains","value":"x"}]}`, "!body.where.and[1].op"},
		{`{"and":[{"column":"note","value":"x"},{"column":"usd","op":"gtt","value":"x"}]}`, "!body.where.and[1].op"},
		{`{"not":{"column":"uds","value":1}}`, "!body.where.not.column"},
		{`{"not":{"column":"customer.nme","value":1}}`, "!body.where.not.column"},
		{`{"not":null}`, "!body.where.not"},
		{`{"and":[{"or":[]},{"column":"usd","op":"","value":1}]}`, "!body.where.and[1].op"},
		{`{"or":[{"and":[]},{"not":{"column":"usd","value":"x"}}]}`, "!body.where.or[1].not.value"},
		{`{"or":[{"column":"usd","op":"in","value":["1","x"]}]}`, "!body.where.or[0].value[1]"},
		{`{"or":[{"column":"usd","op":"in","value":["1",null]}]}`, "!body.where.or[0].value[1]"},
		{`{"or":[{"column":"usd","op":"in","value":["1",["2"]]}]}`, "!body.where.or[0].value[1]"},
		{`{"column":"usd","op":"in","value":[]}`, "!body.where.value"},
		{`{"column":"usd","op":"in","value":"1"}`, "!body.where.value"},
		{`{"column":"usd","value":[1,2]}`, "!body.where.value"},
		{`{"column":"usd","value":null}`, "!body.where.value"},
		{`{"column":"usd","value":{}}`, "!body.where.value"},
		{`{"column":"usd"}`, "!body.where.value"},
		{`{"column":"usd","value":1e999999999}`, "!body.where.value"},
		{`{"column":"rate","value":1e999999999}`, "!body.where.value"},
		{`{"column":"id","value":99999999999999999999999999999999999999999999999999999999999999999999999999999999999999999}`, "!body.where.value"},
		{`{"column":"usd","op":"between","value":[2,1]}`, "!body.where.value"},
		{`{"column":"usd","op":"eq","op":"ne","value":1}`, "!body.where.op"},
		{`{"column":"usd","op":null,"value":1}`, "!body.where.op"},
		{`{"column":"","value":1}`, "!body.where.column"},
		{`{"column":5,"value":1}`, "!body.where.column"},
		{`{"Column":"usd","value":1}`, "!body.where.Column"},
		{`{"and":[],"or":[]}`, "!body.where.or"},
		{`{"and":[],"where":{}}`, "!body.where.where"},
		{`{"has":"dept"}`, "!body.where.has"},
		{`{"has":5}`, "!body.where.has"},
		{`{"has":"debts","where":{"column":"nope","value":1}}`, "!body.where.where.column"},
		{`{"has":"debts","where":{"has":"balance","where":{"has":"customer"}}}`, "!body.where.where.where.has"},
		{`{"column":"note","value":"\ud800"}`, "!body.where"},
		{`{"column":"note","value":"\udc00\ud800"}`, "!body.where"},
		{"{\"column\":\"note\",\"value\":\"\xff\"}", "!body.where"},
		{strings.Repeat(`{"not":`, 40) + `{"column":"usd","value":1}` + strings.Repeat(`}`, 40), "!body.where" + strings.Repeat(".not", deepest+2)},
		{strings.Repeat(`{"not":`, 200_000), "!body.where"},
	} {
		t.Run(test.body[:min(len(test.body), 60)], func(t *testing.T) {
			e, err := FromJSON("body.where", []byte(test.body))
			if err == nil {
				_, err = Compile(table, e)
			}
			if location, refused := strings.CutPrefix(test.plain, "!"); refused {
				if err == nil {
					t.Fatalf("read as %s", text(e))
				}
				if got := contracts.AsError(err).Issues[0].Location; got != location {
					t.Errorf("location %q, want %q: %v", got, location, err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			sameAgain(t, table, e)
			if e, _ = Resolve(table, e); text(e) != test.plain {
				t.Errorf("means %s, want %s", text(e), test.plain)
			}
		})
	}
}

// A tree inside of another document is read with its own errors.
func TestTree(t *testing.T) {
	t.Parallel()
	var body struct {
		Where Tree `json:"where"`
	}
	err := json.Unmarshal([]byte(`{"where": {"and": [{"colum": "x"}]}}`), &body)
	if err == nil || contracts.AsError(err).Issues[0].Location != "body.where.and[0].colum" {
		t.Errorf("error %v", err)
	}
}

func FuzzFromJSON(f *testing.F) {
	for _, seed := range []string{
		`{"column":"usd","op":"between","value":[1,2]}`, `{"and":[{"or":[]},{"not":{"has":"debts","where":{"column":"kind","op":"in","value":["a"]}}}]}`,
		`{"column":"debts.kind","value":"x"}`, `null`, `{"a":1,"a":2}`, `{"column":"note","value":"\ud83d\ude00"}`, `{"column":"note","op":"isnull"}`, `[`, `{"column":"note","value":"\ud800"}`,
	} {
		f.Add([]byte(seed))
	}
	table := balances(f)
	f.Fuzz(func(t *testing.T, body []byte) {
		e, err := FromJSON("body.where", body)
		if err == nil {
			_, err = Compile(table, e)
		}
		if err != nil {
			checkRefusal(t, err)
			return
		}
		sameAgain(t, table, e)
	})
}

package sql

import (
	"testing"
	"time"
)

func TestSize(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"2GB": "2 GB", "2gib": "2 GiB", "1.5 TB": "1500 GB", "1": "1 B", "1000": "1 kB", "1_048_576": "1 MiB", "1234567": "1234567 B",
		"": "", "GB": "", "-1GB": "", "2 gigs": "", "0": "", "1e3": "", "1.2.3MB": "", "9999999TiB": "", "2GB!": "", "NaN": "", "0.0001kB": "",
	} {
		size, err := ParseSize(text)
		if (err != nil) != (want == "") || err == nil && size.String() != want {
			t.Errorf("%q: %s, %v; want %q", text, size, err, want)
		}
		if want != "" {
			if again, err := ParseSize(want); err != nil || again != size {
				t.Errorf("%q is read again as %d, %v, not %d", want, again, err, size)
			}
		}
	}
	var none Size
	if err := none.UnmarshalText([]byte("0")); err != nil || none.String() != "0" {
		t.Error(none, err)
	}
}

// What a statement is about says what it may cost, and not what it looks up on the way.
func TestLimits(t *testing.T) {
	t.Parallel()
	read := func(limits Limits) Select {
		return Select{Columns: []Column{{Text("1"), "one"}}, From: Table{"d", "t"}, Limits: limits}
	}
	want := Limits{Time: time.Second, Rows: 7, Bytes: Unlimited}
	main, other := read(want), read(Limits{Time: time.Minute, Memory: 5, Rows: Unlimited})
	main.Where = []Expr{InSelect{Exprs: []Expr{Text("1")}, From: other}}
	main.Joins = []Join{{From: other, Alias: "o", On: []Expr{Text("1")}}}
	for name, statement := range map[string]Statement{
		"alone":                 main.Build(),
		"inside of another one": Select{Columns: []Column{{Text("1"), "one"}}, From: Select{From: main, Columns: main.Columns}}.Build(),
		"explained":             Explain{Kind: "ESTIMATE", Query: main}.Statement(),
	} {
		if statement.Limits != want {
			t.Errorf("%s: got %+v, want %+v", name, statement.Limits, want)
		}
	}
	if got, want := (Limits{Rows: Unlimited, Bytes: 3}).Or(Limits{Time: 1, Rows: 4, Bytes: 4}), (Limits{Time: 1, Rows: Unlimited, Bytes: 3}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

package store

import (
	"slices"
	"strings"
	"testing"
)

func TestParseType(t *testing.T) {
	t.Parallel()
	tests := []struct {
		text, name     string
		args           []string
		nullable, low  bool
		bare           string
		precision      int
		enum           []string
		digits, scaled int
	}{
		{text: "Int64", name: "Int64", bare: "Int64"},
		{text: "Nullable(Int64)", name: "Int64", nullable: true, bare: "Int64"},
		{text: "LowCardinality(Nullable(String))", name: "String", nullable: true, low: true, bare: "String"},
		{text: "DateTime64(3, 'Europe/Berlin')", name: "DateTime64", args: []string{"3", "'Europe/Berlin'"}, bare: "DateTime64(3, 'Europe/Berlin')", precision: 3},
		{text: "Time64(6)", name: "Time64", args: []string{"6"}, bare: "Time64(6)", precision: 6},
		{text: "Decimal(38, 10)", name: "Decimal", args: []string{"38", "10"}, bare: "Decimal(38, 10)", digits: 38, scaled: 10},
		{text: "SimpleAggregateFunction(sum, Nullable(Decimal(38, 2)))", name: "Decimal", args: []string{"38", "2"}, nullable: true, bare: "Decimal(38, 2)", digits: 38, scaled: 2},
		{text: `Enum8('a' = 1, 'b, (c' = -2, 'it\'s' = 3, 'x\\' = 4)`, name: "Enum8", args: []string{"'a' = 1", "'b, (c' = -2", `'it\'s' = 3`, `'x\\' = 4`},
			bare: `Enum8('a' = 1, 'b, (c' = -2, 'it\'s' = 3, 'x\\' = 4)`, enum: []string{"a", "b, (c", "it's", `x\`}},
		{text: "Tuple(`a)` Int8, b Array(Tuple(Int8, String)))", name: "Tuple", args: []string{"`a)` Int8", "b Array(Tuple(Int8, String))"}, bare: "Tuple(`a)` Int8, b Array(Tuple(Int8, String)))"},
	}
	for _, test := range tests {
		t.Run(test.text, func(t *testing.T) {
			got, err := ParseType(test.text)
			if err != nil {
				t.Fatal(err)
			}
			if got.Name != test.name || !slices.Equal(got.Args, test.args) || got.Nullable != test.nullable || got.LowCardinality != test.low ||
				got.String() != test.text || got.Bare() != test.bare || got.Precision() != test.precision || !slices.Equal(got.EnumNames(), test.enum) {
				t.Errorf("got %+v, names %q", got, got.EnumNames())
			}
			if precision, scale := got.digits(); got.decimal() && (precision != test.digits || scale != test.scaled) {
				t.Errorf("got %d digits, %d after the point", precision, scale)
			}
		})
	}
	for _, text := range []string{"", "(", "Nullable(", "Array(Int8", "Enum8('a)", "Array(Int8))(", "Tuple(`a)"} {
		if got, err := ParseType(text); err == nil {
			t.Errorf("%q: got %+v", text, got)
		}
	}
}

func FuzzParseType(f *testing.F) {
	for _, text := range []string{"Nullable(Int8)", "Enum8('a' = 1)", "DateTime64(99)", "Decimal(-1, x)", "Nullable(Nullable(", strings.Repeat("Nullable(", 50)} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		typ, err := ParseType(text)
		if err != nil {
			return
		}
		// Whatever the text is, a type can be asked all there is to ask.
		typ.EnumNames()
		typ.FieldType()
		typ.NativeType()
		typ.MayBeNull()
		_, _ = typ.Literal("2026-01-01")
		if typ.Temporal() {
			typ.clock()
		}
	})
}

package store

import (
	"fmt"
	"testing"
)

func TestElements(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"Array(Nullable(Int8))":                       "[:Nullable(Int8)] storable",
		"Map(String, Array(UInt64))":                  "[:String :Array(UInt64)] storable",
		"Tuple(Int8, Decimal(18, 2))":                 "[:Int8 :Decimal(18, 2)] storable",
		"Tuple(a Int8, `b c` DateTime64(3, 'UTC'))":   "[a:Int8 b c:DateTime64(3, 'UTC')] storable",
		"Nested(a Int8, e Enum8('x y' = 1, 'z' = 2))": "[a:Int8 e:Enum8('x y' = 1, 'z' = 2)] storable",
		"Tuple(Enum8('x y' = 1))":                     "[:Enum8('x y' = 1)] storable",
		"Array(Dynamic)":                              "[:Dynamic]",
		"Int8":                                        "none storable",
		"JSON(max_dynamic_paths = 10)":                "none storable",
		"Time64(3)":                                   "none storable",
		"AggregateFunction(sum, Int64)":               "none",
	} {
		typ, err := ParseType(text)
		if err != nil {
			t.Fatal(err)
		}
		got := "none"
		if elements, ok := typ.Elements(); ok {
			var parts []string
			for _, e := range elements {
				parts = append(parts, e.Name+":"+e.Type.String())
			}
			got = fmt.Sprint(parts)
		}
		if typ.Storable() {
			got += " storable"
		}
		if want != "" && got != want {
			t.Errorf("%s: got %s, want %s", text, got, want)
		}
	}
}

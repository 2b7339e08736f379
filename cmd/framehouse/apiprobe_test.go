package main

import (
	"encoding/json"
	"fmt"
	"math/big"
	"regexp"
	"slices"
	"strings"
)

// inside are values that a schema allows: what it shows as examples, each of its choices, its
// bounds.
func (s apiSchema) inside() []any {
	values := slices.Clone(s.Examples)
	if s.Default != nil {
		values = append(values, s.Default)
	}
	values = append(values, s.Enum...)
	for _, bound := range []json.Number{s.Minimum, s.Maximum} {
		if bound != "" {
			values = append(values, bound)
		}
	}
	for _, length := range []*int{s.MinLength, s.MaxLength} {
		if length != nil && *length > 0 && s.Pattern == "" && s.Format == "" && len(s.Enum) == 0 {
			values = append(values, strings.Repeat("x", *length))
		}
	}
	for _, choice := range slices.Concat(s.AnyOf, s.OneOf) {
		values = append(values, choice.inside()...)
	}
	switch {
	case s.Type == "boolean":
		values = append(values, true, false)
	case s.Type == "array" && s.Items != nil && !s.several():
		for _, item := range s.Items.inside() {
			values = append(values, slices.Repeat([]any{item}, max(1, s.MinItems)))
		}
	}
	return values
}

// several tells whether a schema is of lists of choices, as many as one likes.
func (s apiSchema) several() bool {
	return s.Type == "array" && s.Items != nil && len(s.Items.Enum) > 0 && s.MinItems <= 1 && s.MaxItems == nil
}

// lists are all choices of such a schema, in few lists, of which none has two choices that are
// about one column: close:last and close:sum, or name and -name.
func (s apiSchema) lists() [][]any {
	if !s.several() {
		return nil
	}
	about := func(choice any) string {
		column, _, found := strings.Cut(fmt.Sprint(choice), ":")
		all := slices.ContainsFunc(s.Items.Enum, func(other any) bool { return strings.Contains(fmt.Sprint(other), ":") })
		if all && !found {
			return "" // a function for every column
		}
		return strings.TrimSuffix(strings.TrimPrefix(column, "-"), ".nullsfirst")
	}
	var lists [][]any
	seen := map[string]int{}
	for _, choice := range s.Items.Enum {
		i := seen[about(choice)]
		seen[about(choice)]++
		if i == len(lists) {
			lists = append(lists, nil)
		}
		lists[i] = append(lists[i], choice)
	}
	return lists
}

// plain is a value of a type and format, for a schema that shows none.
func (s apiSchema) plain() any {
	formats := map[string]string{
		"date": "2008-08-01", "date-time": "2008-08-01T12:00:00Z", "uuid": "0f8fad5b-d9cb-469f-a165-70867728950e", "time": "12:00:00",
		"ipv4": "192.0.2.1", "ipv6": "2001:db8::1",
	}
	switch {
	case s.Type == "array" && s.Items != nil:
		return slices.Repeat([]any{s.Items.plain()}, max(1, s.MinItems))
	case s.Type == "number", s.Type == "integer":
		return json.Number("1")
	case s.Type == "boolean":
		return true
	case formats[s.Format] != "":
		return formats[s.Format]
	case s.Pattern != "":
		return "1" // of a number as text, which is what patterns are of
	}
	return "x"
}

// outside are values that a schema does not allow, just beyond its bounds where it has some.
func (s apiSchema) outside() []any {
	var values []any
	if len(s.AnyOf)+len(s.OneOf) > 0 {
		return nil // what is outside of one may be inside of another
	}
	for bound, step := range map[json.Number]int64{s.Minimum: -1, s.Maximum: 1} {
		if n, ok := new(big.Int).SetString(bound.String(), 10); ok {
			values = append(values, json.Number(n.Add(n, big.NewInt(step)).String()))
		}
	}
	if s.MaxLength != nil {
		values = append(values, strings.Repeat("x", *s.MaxLength+1))
	}
	if s.MinLength != nil && *s.MinLength > 1 {
		values = append(values, strings.Repeat("x", *s.MinLength-1))
	}
	if s.Pattern != "" {
		if pattern, err := regexp.Compile(s.Pattern); err == nil {
			candidates := []string{"0", "-1", "a", "!", " "}
			if i := slices.IndexFunc(candidates, func(c string) bool { return !pattern.MatchString(c) }); i >= 0 {
				values = append(values, candidates[i])
			}
		}
	}
	switch {
	case len(s.Enum) > 0:
		values = append(values, "no-such-choice")
	case s.Type == "integer":
		values = append(values, "x", json.Number("1.5"))
	case s.Type == "number", s.Type == "boolean", s.Format == "uuid":
		values = append(values, "x")
	case s.Format == "date":
		values = append(values, "2026-02-30")
	case s.Format == "date-time":
		values = append(values, "2026-02-30T00:00:00Z")
	case s.Type == "array" && s.Items != nil:
		for _, item := range s.Items.outside() {
			values = append(values, slices.Repeat([]any{item}, max(1, s.MinItems)))
		}
		for _, n := range []int{s.MinItems - 1, 0} {
			if s.MaxItems != nil && n == 0 {
				n = *s.MaxItems + 1
			}
			if n > 0 {
				values = append(values, slices.Repeat([]any{s.Items.plain()}, n))
			}
		}
	}
	return values
}

// inQuery is a value as it stands in a URL: lists with commas between.
func inQuery(value any) string {
	list, ok := value.([]any)
	if !ok {
		return fmt.Sprint(value)
	}
	var parts []string
	for _, part := range list {
		parts = append(parts, inQuery(part))
	}
	return strings.Join(parts, ",")
}

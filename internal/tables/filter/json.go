package filter

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"framehouse/internal/catalog"
	"framehouse/internal/contracts"
)

// Tree is a filter as the member where of a JSON body:
//
//	{"column": "region", "op": "in", "value": ["US", "EU"]}
//	{"and": […]}   {"or": […]}   {"not": {…}}   {"has": "debts", "where": {…}}
//
// op is eq unless it is given. A value is a text, a number, of which all digits count, or a
// boolean; of in, nin and between a list of these.
type Tree struct{ Expr Expr }

// UnmarshalJSON reads a tree strictly: its error is a *contracts.Error with the place of the
// fault in a body of which the tree is the member where.
func (t *Tree) UnmarshalJSON(data []byte) (err error) {
	t.Expr, err = FromJSON("body.where", data)
	return err
}

// FromJSON reads a tree that stands at a location, such as body.where. null is no filter.
func FromJSON(location string, data []byte) (Expr, error) {
	if !utf8.Valid(data) || loneSurrogate(data) {
		return nil, contracts.Invalid(location, nil, "Send UTF-8, and both halves of a surrogate pair.", "The filter holds text that is no Unicode.")
	}
	if string(bytes.TrimSpace(data)) == "null" {
		return nil, nil
	}
	if !json.Valid(data) {
		return nil, contracts.Invalid(location, nil, "Check brackets, commas and quotes.", "The filter is not JSON.")
	}
	return fromJSON(location, data, 0)
}

// loneSurrogate tells whether JSON escapes half of a character. The decoder would put another
// character in its place.
func loneSurrogate(data []byte) bool {
	escaped := func(i int) rune {
		if i+6 > len(data) || data[i] != '\\' || data[i+1] != 'u' {
			return -1
		}
		n, err := strconv.ParseUint(string(data[i+2:i+6]), 16, 16)
		if err != nil {
			return -1
		}
		return rune(n)
	}
	for i := 0; i < len(data); i++ {
		if data[i] != '\\' {
			continue
		}
		if r := escaped(i); r >= 0 && utf16.IsSurrogate(r) {
			if utf16.DecodeRune(r, escaped(i+6)) == utf8.RuneError {
				return true
			}
			i += 6
		}
		i++ // what is escaped
	}
	return false
}

// forms are the members by which an object says what it is, each with those that go with it.
var forms = []struct {
	name string
	with []string
}{
	{"and", nil}, {"or", nil}, {"not", nil}, {"has", []string{"where"}}, {"column", []string{"op", "value"}},
}

func fromJSON(path string, data []byte, depth int) (Expr, error) {
	if depth > deepest+1 { // an And around all is none of the levels
		return nil, contracts.Invalid(path, nil, "Write it flatter.", "A filter can be %d levels deep, and not deeper.", deepest)
	}
	members, err := object(path, data)
	if err != nil {
		return nil, err
	}
	var form string
	var with []string
	for _, f := range forms {
		if _, ok := members[f.name]; ok && form != "" {
			return nil, contracts.Invalid(path+"."+f.name, nil, `Join them: {"and": [{…}, {…}]}.`, "%s and %s stand in one object.", form, f.name)
		} else if ok {
			form, with = f.name, f.with
		}
	}
	known := append([]string{form}, with...)
	if form == "" {
		known = nil
		for _, f := range forms {
			known = append(append(known, f.name), f.with...)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(members)) {
		if !slices.Contains(known, name) {
			return nil, contracts.Invalid(path+"."+shown(name), nil, suggest(name, known)+"Members here are "+strings.Join(known, ", ")+".", "There is no member %q here.", shown(name))
		}
	}
	at := path + "." + form
	switch form {
	case "and":
		parts, err := listJSON(at, members[form], depth)
		return And(parts), err
	case "or":
		parts, err := listJSON(at, members[form], depth)
		return Or(parts), err
	case "not":
		part, err := fromJSON(at, members[form], depth+1)
		return Not{part}, err
	case "has":
		has := Has{place: place{path: path, body: true}}
		if json.Unmarshal(members[form], &has.Relation) != nil || has.Relation == "" {
			return nil, contracts.Invalid(at, short(members[form]), "", "has must be the name of a relation.")
		}
		if where, ok := members["where"]; ok {
			has.Where, err = fromJSON(path+".where", where, depth+1)
		}
		return has, err
	case "column":
		return conditionJSON(path, members)
	}
	return nil, contracts.Invalid(path, short(data), `A filter is a condition such as {"column": "region", "op": "eq", "value": "US"}, or one of {"and": […]}, {"or": […]}, {"not": {…}} and {"has": "relation", "where": {…}}.`, "The object says nothing.")
}

// object are the members of an object, each once.
func object(path string, data []byte) (map[string]json.RawMessage, error) {
	decoder := json.NewDecoder(bytes.NewReader(data))
	if start, err := decoder.Token(); err != nil || start != json.Delim('{') {
		return nil, contracts.Invalid(path, short(data), `Write a condition such as {"column": "region", "op": "eq", "value": "US"}.`, "A filter must be an object.")
	}
	members := map[string]json.RawMessage{}
	for decoder.More() {
		name, err := decoder.Token()
		if err != nil {
			return nil, contracts.Invalid(path, nil, "", "The filter is not JSON.")
		}
		member := name.(string) // of an object
		if _, twice := members[member]; twice {
			return nil, contracts.Invalid(path+"."+shown(member), nil, "Give it once.", "The member %q is there twice.", shown(member))
		}
		var value json.RawMessage
		if err := decoder.Decode(&value); err != nil {
			return nil, contracts.Invalid(path, nil, "", "The filter is not JSON.")
		}
		members[member] = value
	}
	return members, nil
}

func listJSON(path string, data []byte, depth int) ([]Expr, error) {
	var parts []json.RawMessage
	if err := json.Unmarshal(data, &parts); err != nil || parts == nil {
		return nil, contracts.Invalid(path, short(data), "", "Here must be a list of filters.")
	}
	all := make([]Expr, len(parts))
	for i, part := range parts {
		var err error
		if all[i], err = fromJSON(fmt.Sprintf("%s[%d]", path, i), part, depth+1); err != nil {
			return nil, err
		}
	}
	return all, nil
}

func conditionJSON(path string, members map[string]json.RawMessage) (Expr, error) {
	c := Condition{Operator: catalog.Equal, place: place{path: path, body: true}}
	if json.Unmarshal(members["column"], &c.Column) != nil || c.Column == "" {
		return nil, contracts.Invalid(path+".column", short(members["column"]), "", "column must be the name of a column.")
	}
	if op, ok := members["op"]; ok && (string(op) == "null" || json.Unmarshal(op, &c.Operator) != nil) {
		return nil, contracts.Invalid(path+".op", short(op), "", "op must be the name of an operator.")
	}
	at, value := path+".value", members["value"]
	if value == nil {
		if c.Operator == catalog.IsNull {
			c.Values = []string{"true"}
			return c, nil
		}
		return nil, contracts.Invalid(at, nil, `A condition looks like {"column": "region", "op": "eq", "value": "US"}.`, "The condition on %s has no value.", shown(c.Column))
	}
	if value[0] != '[' {
		text, err := scalar(at, value)
		c.Values = []string{text}
		if err == nil && list(c.Operator) {
			return nil, contracts.Invalid(at, short(value), "Write it in brackets.", "The value of %s must be a list.", c.Operator)
		}
		return c, err
	}
	if !list(c.Operator) && slices.Contains(catalog.AllOperators(), c.Operator) {
		return nil, contracts.Invalid(at, short(value), "Use in to allow several values, or nin to exclude them.", "%s takes one value, not a list.", c.Operator)
	}
	var items []json.RawMessage
	if err := json.Unmarshal(value, &items); err != nil {
		return nil, contracts.Invalid(at, nil, "", "The filter is not JSON.")
	}
	for i, item := range items {
		text, err := scalar(fmt.Sprintf("%s[%d]", at, i), item)
		if err != nil {
			return nil, err
		}
		c.Values = append(c.Values, text)
	}
	return c, nil
}

// scalar is a value as text. A number keeps the digits that it was written with.
func scalar(path string, data []byte) (string, error) {
	switch data[0] {
	case '"':
		var text string
		err := json.Unmarshal(data, &text)
		return text, err
	case 'n':
		return "", contracts.Invalid(path, nil, `Ask for nulls with {"op": "isnull", "value": true}.`, "A value cannot be null.")
	case '{', '[':
		return "", contracts.Invalid(path, short(data), "", "A value must be a text, a number or a boolean.")
	}
	return string(data), nil
}

// short is a part of a body as an error repeats it.
func short(data []byte) any {
	if len(data) == 0 {
		return nil
	}
	return shown(string(data))
}

// MarshalJSON writes the tree as UnmarshalJSON reads it.
func (t Tree) MarshalJSON() ([]byte, error) {
	if t.Expr == nil {
		return []byte("null"), nil
	}
	written, err := json.Marshal(nodeOf(t.Expr))
	if err == nil && !utf8.ValidString(text(t.Expr)) {
		err = errors.New("a filter on bytes that are no UTF-8 cannot be written as JSON")
	}
	return written, err
}

func nodeOf(e Expr) node {
	switch e := e.(type) {
	case And:
		return node{And: nodesOf(e)}
	case Or:
		return node{Or: nodesOf(e)}
	case Not:
		part := nodeOf(e.Expr)
		return node{Not: &part}
	case Has:
		n := node{Has: e.Relation}
		if e.Where != nil {
			where := nodeOf(e.Where)
			n.Where = &where
		}
		return n
	case Condition:
		n := node{Column: e.Column, Op: e.Operator}
		if list(e.Operator) {
			n.Value = append([]string{}, e.Values...)
		} else {
			n.Value = strings.Join(e.Values, "")
		}
		return n
	}
	return node{And: &[]node{}}
}

func nodesOf(parts []Expr) *[]node {
	nodes := make([]node, len(parts))
	for i, part := range parts {
		nodes[i] = nodeOf(part)
	}
	return &nodes
}

// node is a Tree as it is written.
type node struct {
	And    *[]node  `json:"and,omitempty"`
	Or     *[]node  `json:"or,omitempty"`
	Not    *node    `json:"not,omitempty"`
	Has    string   `json:"has,omitempty"`
	Where  *node    `json:"where,omitempty"`
	Column string   `json:"column,omitempty"`
	Op     Operator `json:"op,omitempty"`
	Value  any      `json:"value,omitempty"`
}

package store

import "strings"

// Element is a part of a composite type, with a name where it has one.
type Element struct {
	Name string
	Type Type
}

// Elements are the parts of an Array (its items), a Map (its keys and values), a Tuple or
// a Nested (an Array of Tuples); ok is false for other types.
func (t Type) Elements() (elements []Element, ok bool) {
	named := t.Name == "Nested"
	switch {
	case t.Name == "Array" && len(t.Args) == 1, t.Name == "Map" && len(t.Args) == 2, t.Name == "Tuple", named:
	default:
		return nil, false
	}
	for i, arg := range t.Args {
		name, rest := "", arg
		if t.Name == "Tuple" || named {
			if name, rest = cutName(arg); i == 0 {
				named = name != ""
			}
		}
		typ, err := ParseType(rest)
		if err != nil || named != (name != "") {
			return nil, false
		}
		elements = append(elements, Element{name, typ})
	}
	return elements, true
}

// cutName takes a name that stands before a type apart from it.
func cutName(text string) (name, rest string) {
	if strings.HasPrefix(text, "`") {
		for i := 1; i < len(text); i++ {
			switch text[i] {
			case '\\':
				i++
			case '`':
				return unquote(text[1:i]), strings.TrimSpace(text[i+1:])
			}
		}
	}
	before, after, found := strings.Cut(text, " ")
	if !found || strings.ContainsAny(before, "(,'") {
		return "", text
	}
	return before, after
}

// Storable tells whether values of the type can be checked before they are written. Others,
// such as Dynamic or the states of aggregate functions, ClickHouse alone understands.
func (t Type) Storable() bool {
	if t.Comparable() || t.Name == "Time" || t.Name == "Time64" || t.Name == "JSON" {
		return true
	}
	elements, ok := t.Elements()
	for _, e := range elements {
		ok = ok && e.Type.Storable()
	}
	return ok
}

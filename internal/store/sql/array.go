package sql

import "strings"

// Array is a list of values from outside as one parameter. Items have the text of a Value of
// Type each.
type Array struct {
	Type   string
	Items  []string
	Quoted bool // whether ClickHouse writes such values in quotes inside of an array
}

func (a Array) write(b *builder) {
	var text strings.Builder
	text.WriteByte('[')
	for i, item := range a.Items {
		if i > 0 {
			text.WriteByte(',')
		}
		// The quotes take the place of the escaping around a single value; what is in them is
		// escaped alike.
		if a.Quoted {
			text.WriteString("'" + escape(item) + "'")
		} else {
			text.WriteString(item)
		}
	}
	text.WriteByte(']')
	b.param("Array("+a.Type+")", text.String())
}

package contracts

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Titled makes a label of a name: as_of_date becomes As of date.
func Titled(name string) string {
	label := strings.TrimSpace(strings.ReplaceAll(name, "_", " "))
	if label == "" {
		return name
	}
	first, size := utf8.DecodeRuneInString(label)
	return string(unicode.ToUpper(first)) + label[size:]
}

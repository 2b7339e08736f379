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

// Line is a text that stands in one line, such as a label: line breaks and what nobody can
// read are spaces. Others write it into one line of their own, of a page or of code.
func Line(text string) string {
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.In(r, unicode.Zl, unicode.Zp) {
			return ' '
		}
		return r
	}, text))
}

// Prose is a text of any lines, without the control characters that nobody can read.
func Prose(text string) string {
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		if unicode.IsControl(r) && r != '\n' && r != '\t' {
			return ' '
		}
		return r
	}, strings.ReplaceAll(text, "\r\n", "\n")))
}

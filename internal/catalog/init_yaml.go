package catalog

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// plainScalar needs no quotes in YAML, unless it is a word that YAML reads as something else.
var plainScalar = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_.-]*$`)

var yamlWords = []string{"y", "n", "yes", "no", "on", "off", "true", "false", "null", "nan", "inf"}

// scalar writes a text so that YAML reads that text and nothing else.
func scalar(s string) string {
	if plainScalar.MatchString(s) && !slices.Contains(yamlWords, strings.ToLower(s)) {
		return s
	}
	return quotedScalar(s)
}

// words of a label are plain when they are nothing but letters and spaces between.
var plainLabel = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_]*( [A-Za-z0-9_]+)*$`)

func labelScalar(s string) string {
	if plainLabel.MatchString(s) && !slices.Contains(yamlWords, strings.ToLower(s)) {
		return s
	}
	return quotedScalar(s)
}

func quotedScalar(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case unicode.IsPrint(r):
			b.WriteRune(r)
		case r <= 0xff:
			fmt.Fprintf(&b, `\x%02x`, r)
		case r <= 0xffff:
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			fmt.Fprintf(&b, `\U%08x`, r)
		}
	}
	b.WriteByte('"')
	return b.String()
}

// list writes a list of texts in one line.
func list(texts []string) string {
	quoted := make([]string, len(texts))
	for i, text := range texts {
		quoted[i] = scalar(text)
	}
	return "[" + strings.Join(quoted, ", ") + "]"
}

// longestRemark keeps a comment a line that can be read: an Enum may have thousands of names.
const longestRemark = 160

// remark makes a text one line that can stand in a comment.
func remark(s string) string {
	s = strings.Join(strings.FieldsFunc(s, func(r rune) bool { return unicode.IsSpace(r) || !unicode.IsPrint(r) }), " ")
	if utf8.RuneCountInString(s) > longestRemark {
		s = string([]rune(s)[:longestRemark-1]) + "…"
	}
	return s
}

// nameable tells whether a name comes through a catalog file as it is: ClickHouse allows
// bytes that are no text.
func nameable(name string) bool {
	return name != "" && utf8.ValidString(name) && !strings.ContainsRune(name, utf8.RuneError)
}

// listable tells whether a name can stand as a value, from which the catalog takes spaces
// around it away.
func listable(name string) bool { return nameable(name) && strings.TrimSpace(name) == name }

var notInNames = regexp.MustCompile(`[^A-Za-z0-9_.-]+`)

// published gives each table a name that can stand in a path. One that can already keeps
// its own, whatever the others are called.
func published(tables []string) map[string]string {
	names, taken := map[string]string{}, map[string]bool{}
	for _, table := range tables {
		if publishedName.MatchString(table) {
			names[table], taken[table] = table, true
		}
	}
	for _, table := range tables {
		if names[table] != "" {
			continue
		}
		base := strings.Trim(notInNames.ReplaceAllString(table, "_"), "_.-")
		if base == "" {
			base = "table"
		}
		name := base
		for n := 2; taken[name]; n++ {
			name = fmt.Sprintf("%s_%d", base, n)
		}
		names[table], taken[name] = name, true
	}
	return names
}

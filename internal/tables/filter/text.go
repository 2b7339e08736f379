package filter

import (
	"regexp"
	"slices"
	"strings"

	"framehouse/internal/catalog"
)

// text is an expression as it stands in where=.
func text(e Expr) string {
	var b strings.Builder
	write(&b, e)
	return b.String()
}

func write(b *strings.Builder, e Expr) {
	switch e := e.(type) {
	case nil:
		b.WriteString("and()")
	case And:
		writeAll(b, "and", e)
	case Or:
		writeAll(b, "or", e)
	case Not:
		writeAll(b, "not", []Expr{e.Expr})
	case Has:
		switch where := e.Where.(type) {
		case nil:
			writeAll(b, e.Relation, nil)
		case And:
			if len(where) > 1 {
				writeAll(b, e.Relation, where)
				return
			}
			writeAll(b, e.Relation, []Expr{where})
		default:
			writeAll(b, e.Relation, []Expr{where})
		}
	case Condition:
		writeName(b, e.Column)
		if e.Operator != catalog.Equal {
			b.WriteString("." + string(e.Operator))
		}
		b.WriteString("=")
		if list(e.Operator) {
			b.WriteString("(" + items(e.Values) + ")")
			return
		}
		b.WriteString(items(e.Values))
	}
}

func writeAll(b *strings.Builder, word string, parts []Expr) {
	b.WriteString(word + "(")
	for i, part := range parts {
		if i > 0 {
			b.WriteString(",")
		}
		write(b, part)
	}
	b.WriteString(")")
}

// plainName is what needs no quotes to be read as the name of a column.
var plainName = regexp.MustCompile(`^[\pL_][\pL\pN_]*(\.[\pL_][\pL\pN_]*){0,2}$`)

func writeName(b *strings.Builder, name string) {
	last := name[strings.LastIndex(name, ".")+1:]
	// In quotes nothing is taken for an operator.
	if plainName.MatchString(name) && !(last != name && slices.Contains(catalog.AllOperators(), Operator(last))) {
		b.WriteString(name)
		return
	}
	b.WriteString(quote(name))
}

// items are values as a list.
func items(values []string) string {
	quoted := make([]string, len(values))
	for i, v := range values {
		quoted[i] = v
		if v == "" || strings.ContainsAny(v, "(),\"") || strings.TrimSpace(v) != v {
			quoted[i] = quote(v)
		}
	}
	return strings.Join(quoted, ",")
}

func quote(s string) string { return `"` + strings.ReplaceAll(s, `"`, `""`) + `"` }

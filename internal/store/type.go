package store

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Type is a ClickHouse data type. Nullable and LowCardinality are properties of a
// column here, not types around it.
type Type struct {
	Name           string   // without arguments, such as DateTime64
	Args           []string // as written, such as 3 and 'UTC'
	Nullable       bool
	LowCardinality bool
	text           string
}

// String is the type as ClickHouse writes it.
func (t Type) String() string { return t.text }

// Bare is the type as ClickHouse writes it, without Nullable and LowCardinality.
func (t Type) Bare() string {
	if len(t.Args) == 0 {
		return t.Name
	}
	return t.Name + "(" + strings.Join(t.Args, ", ") + ")"
}

// ParseType reads a type as ClickHouse writes it.
func ParseType(text string) (Type, error) {
	t := Type{text: text}
	rest := text
	for {
		name, args, err := splitType(rest)
		if err != nil {
			return Type{}, fmt.Errorf("ClickHouse type %q: %w", text, err)
		}
		switch {
		case name == "LowCardinality" && len(args) == 1:
			t.LowCardinality = true
		case name == "Nullable" && len(args) == 1:
			t.Nullable = true
		case name == "SimpleAggregateFunction" && len(args) == 2:
			// Stored and read like its value.
			args = args[1:]
		default:
			t.Name, t.Args = name, args
			return t, nil
		}
		rest = args[0]
	}
}

// splitType takes Name(a, b(c, 'd')) apart into Name and its outermost arguments.
func splitType(text string) (name string, args []string, err error) {
	name, inner, found := strings.Cut(strings.TrimSpace(text), "(")
	if name == "" {
		return "", nil, fmt.Errorf("no name")
	}
	if !found {
		return name, nil, nil
	}
	inner, closed := strings.CutSuffix(inner, ")")
	if !closed {
		return "", nil, fmt.Errorf("a parenthesis is not closed")
	}
	depth, quoted, start := 0, byte(0), 0
	for i := 0; i < len(inner); i++ {
		c := inner[i]
		switch {
		case quoted != 0 && c == '\\':
			i++
		case quoted != 0:
			if c == quoted {
				quoted = 0
			}
		case c == '\'' || c == '`':
			quoted = c
		case c == '(':
			depth++
		case c == ')':
			depth--
		case c == ',' && depth == 0:
			args = append(args, strings.TrimSpace(inner[start:i]))
			start = i + 1
		}
	}
	if depth != 0 || quoted != 0 {
		return "", nil, fmt.Errorf("a parenthesis or quote is not closed")
	}
	return name, append(args, strings.TrimSpace(inner[start:])), nil
}

// Precision is the number of digits after the second that a DateTime64 or Time64
// holds, and zero for every other type.
func (t Type) Precision() int {
	if (t.Name == "DateTime64" || t.Name == "Time64") && len(t.Args) > 0 {
		p, _ := strconv.Atoi(t.Args[0])
		return min(max(p, 0), 9)
	}
	return 0
}

// digits returns a Decimal's precision and scale.
func (t Type) digits() (precision, scale int) {
	numbers := make([]int, len(t.Args))
	for i, arg := range t.Args {
		numbers[i], _ = strconv.Atoi(arg)
	}
	fixed := map[string]int{"Decimal32": 9, "Decimal64": 18, "Decimal128": 38, "Decimal256": 76}
	if p, ok := fixed[t.Name]; ok && len(numbers) == 1 {
		return p, numbers[0]
	}
	if len(numbers) == 2 {
		return numbers[0], numbers[1]
	}
	return 10, 0
}

// EnumNames returns the names that an Enum may hold, in declared order, and nil for
// every other type.
func (t Type) EnumNames() []string {
	if t.Name != "Enum8" && t.Name != "Enum16" {
		return nil
	}
	var names []string
	for _, arg := range t.Args {
		if end := strings.LastIndex(arg, "'"); end > 0 && arg[0] == '\'' {
			names = append(names, unquote(arg[1:end]))
		}
	}
	return names
}

// unquoted has the escapes that ClickHouse writes in a quoted name.
var unquoted = strings.NewReplacer(
	`\\`, `\`, `\'`, `'`, `''`, `'`, "\\`", "`", `\n`, "\n", `\t`, "\t", `\r`, "\r", `\b`, "\b", `\f`, "\f", `\0`, "\x00",
)

func unquote(s string) string {
	return unquoted.Replace(s)
}

// Temporal tells whether the type can be a node's time.
func (t Type) Temporal() bool {
	return slices.Contains([]string{"Date", "Date32", "DateTime", "DateTime64"}, t.Name)
}

// Matches tells whether values of the two types can be equal, so that a column of one can
// refer to a column of the other.
func (t Type) Matches(other Type) bool {
	whole := func(t Type) bool { return strings.HasPrefix(strings.TrimPrefix(t.Name, "U"), "Int") }
	return t.Comparable() && (t.Bare() == other.Bare() || whole(t) && whole(other))
}

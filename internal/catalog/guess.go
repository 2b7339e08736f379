package catalog

import (
	"slices"
	"strings"
	"unicode"

	"framehouse/internal/contracts"
	"framehouse/internal/store"
)

// found is a table as it was found, with what can be guessed of it. A guess never reads rows.
type found struct {
	name    string // in ClickHouse
	engine  string
	comment string
	sorted  string // the sorting key as ClickHouse writes it
	parts   []keyPart
	columns []foundColumn
	// replaces tells that a table, read with FINAL, has one row for each value of its
	// sorting key.
	replaces bool
	// inner tells that the key and engine are those of the table behind a materialized
	// view, which ClickHouse does not tell of the view.
	inner bool
}

// foundColumn is a column with its type, as far as that can be read.
type foundColumn struct {
	store.ColumnInfo
	typ    store.Type
	hidden string // why it cannot be published; empty when it can
}

func (f *found) column(name string) *foundColumn {
	i := slices.IndexFunc(f.columns, func(c foundColumn) bool { return c.Name == name && c.hidden == "" })
	if i < 0 {
		return nil
	}
	return &f.columns[i]
}

// keyPart is one step of a sorting key: a column, or an expression that is made of one.
type keyPart struct {
	column string // empty when an expression is not made of one column
	plain  bool   // the column itself
}

// keyParts takes a sorting key apart as ClickHouse writes it.
func keyParts(key string) []keyPart {
	var parts []keyPart
	for _, text := range splitTop(key) {
		part := keyPart{column: unquotedName(text)}
		if part.column != "" {
			part.plain = true
		} else if _, inner, ok := strings.Cut(text, "("); ok {
			// toDate(time), toStartOfInterval(time, toIntervalHour(1))
			if arguments := splitTop(strings.TrimSuffix(inner, ")")); len(arguments) > 0 {
				part.column = unquotedName(arguments[0])
			}
		}
		parts = append(parts, part)
	}
	return parts
}

// unquotedName is the column that an expression is, or nothing when it is more than one.
func unquotedName(text string) string {
	if len(text) > 1 && text[0] == '`' && text[len(text)-1] == '`' {
		return strings.NewReplacer("\\`", "`", `\\`, `\`).Replace(text[1 : len(text)-1])
	}
	if strings.ContainsFunc(text, func(r rune) bool { return r != '_' && !unicode.IsLetter(r) && !unicode.IsDigit(r) && r != '.' }) {
		return ""
	}
	return text
}

// splitTop splits a list at the commas that no parenthesis or quote encloses.
func splitTop(list string) []string {
	var parts []string
	depth, quoted, start := 0, byte(0), 0
	for i := 0; i < len(list); i++ {
		switch c := list[i]; {
		case quoted != 0 && c == '\\':
			i++
		case quoted != 0:
			if c == quoted {
				quoted = 0
			}
		case c == '\'' || c == '`':
			quoted = c
		case c == '(' || c == '[':
			depth++
		case c == ')' || c == ']':
			depth--
		case c == ',' && depth == 0:
			parts = append(parts, strings.TrimSpace(list[start:i]))
			start = i + 1
		}
	}
	if last := strings.TrimSpace(list[min(start, len(list)):]); last != "" {
		parts = append(parts, last)
	}
	return parts
}

// plainKey is the sorting key, where each part of it is a column that can tell rows apart.
func (f *found) plainKey() []string {
	var key []string
	for _, part := range f.parts {
		c := f.column(part.column)
		if !part.plain || c == nil || !c.typ.Comparable() || c.typ.Float() || !listable(c.Name) {
			return nil
		}
		key = append(key, c.Name)
	}
	return key
}

// series is what a table looks like when it is read as a time series.
type series struct {
	time       *foundColumn
	dimensions []string
	value      string // empty when no column looks like one
	frequency  string // empty when nothing tells
	// why is what speaks for it; certain, that it is enough.
	why     string
	certain bool
}

// series returns nil when no column can be the time of an observation. A sorting key that
// holds one is enough; without, it is no more than a suggestion.
func (f *found) series() *series {
	s := &series{}
	for _, part := range f.parts {
		c := f.column(part.column)
		if c == nil || !canBeTime(c) {
			continue
		}
		// Of an event's date and its time, both in the key, the time tells more.
		if s.time == nil || isDate(s.time.typ) && !isDate(c.typ) {
			s.time, s.certain = c, true
		}
	}
	if s.certain {
		s.why = "the sorting key (" + f.sorted + ") holds the " + s.time.typ.Name + " column " + s.time.Name
		for _, part := range f.parts {
			c := f.column(part.column)
			if part.plain && c != nil && !c.typ.Temporal() && c.typ.Comparable() && !c.typ.Float() && inNodes(c.Name) {
				s.dimensions = append(s.dimensions, c.Name)
			}
		}
	} else if s.time = f.likelyTime(); s.time == nil {
		return nil
	} else if len(f.parts) == 0 {
		s.why = "it has the " + s.time.typ.Name + " column " + s.time.Name + ", but no sorting key that tells which columns tell series apart"
	} else {
		s.why = "it has the " + s.time.typ.Name + " column " + s.time.Name + ", but is not sorted by it"
	}
	s.value = f.likelyValue(s)
	if s.value == "" && !s.certain {
		return nil
	}
	s.frequency = likelyFrequency(f.name, s.time)
	return s
}

func canBeTime(c *foundColumn) bool {
	return c.typ.Temporal() && !c.typ.Nullable && inNodes(c.Name)
}

// inNodes tells whether a part of a node can name a column.
func inNodes(column string) bool {
	return listable(column) && !strings.HasPrefix(column, reservedPrefix)
}

func isDate(t store.Type) bool { return t.Name == "Date" || t.Name == "Date32" }

// likelyTime is the column that is most likely when something happened, rather than when a
// row was written.
func (f *found) likelyTime() *foundColumn {
	var first *foundColumn
	for i := range f.columns {
		c := &f.columns[i]
		if c.hidden != "" || !canBeTime(c) {
			continue
		}
		switch words := words(c.Name); {
		case slices.ContainsFunc(words, in("created", "updated", "modified", "deleted", "inserted", "ingested", "birth", "expires", "until")):
		case slices.ContainsFunc(words, in("time", "timestamp", "ts", "date", "day", "hour", "month")):
			return c
		case first == nil:
			first = c
		}
	}
	return first
}

// likelyValue is the column that was most likely observed: one that is called like a value,
// else a fraction, else any number that does not tell rows apart.
func (f *found) likelyValue(s *series) string {
	best, bestRank := "", 0
	for _, c := range f.columns {
		if c.hidden != "" || !c.typ.Numeric() || !inNodes(c.Name) || c.typ.Temporal() || slices.Contains(s.dimensions, c.Name) {
			continue
		}
		words := words(c.Name)
		number := c.typ.FieldType() == contracts.TypeNumber
		rank := 1
		switch {
		case len(words) == 0 || slices.ContainsFunc(words, in("id", "uuid", "key", "code", "version", "sign", "is", "has", "flag", "deleted", "year", "month", "day", "hour", "minute", "nth", "rank", "index")):
			continue
		case slices.Contains(words, "close"):
			rank = 5
		case slices.ContainsFunc(words, in("price", "value", "amount", "total", "rate", "measurement", "reading")):
			rank = 4
		case number:
			rank = 3
		case c.typ.FieldType() == contracts.TypeInteger:
			rank = 2
		}
		if rank > bestRank {
			best, bestRank = c.Name, rank
		}
	}
	return best
}

func in(list ...string) func(string) bool {
	return func(word string) bool { return slices.Contains(list, word) }
}

// words takes a name apart, in small letters: priceUsd and price_usd are price and usd.
func words(name string) []string {
	var words []string
	var word strings.Builder
	end := func() {
		if word.Len() > 0 {
			words = append(words, word.String())
			word.Reset()
		}
	}
	lower := false
	for _, r := range name {
		switch {
		case !unicode.IsLetter(r) && !unicode.IsDigit(r):
			end()
			lower = false
			continue
		case unicode.IsUpper(r) && lower:
			end()
		}
		lower = unicode.IsLower(r) || unicode.IsDigit(r)
		word.WriteRune(unicode.ToLower(r))
	}
	end()
	return words
}

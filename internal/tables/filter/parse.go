package filter

import (
	"fmt"
	"slices"
	"strings"

	"framehouse/internal/catalog"
	"framehouse/internal/contracts"
)

// parse reads the value of where=: conditions with commas between them, all of which must
// hold.
//
//	part      = "and(" parts ")" | "or(" parts ")" | "not(" part ")" | relation "(" parts ")" | condition
//	condition = column [ "." operator ] "=" value
//	value     = text | '"' text '"' | "(" value "," value … ")"
//
// A text or name in quotes may hold anything, a quote doubled; without, no comma, quote or
// parenthesis, and spaces around it do not count.
func parse(table *catalog.Table, location, text string) (Expr, error) {
	p := parser{text: text, location: location}
	if strings.TrimSpace(text) == "" {
		return nil, contracts.Invalid(location, text, "Leave it out, or give it a condition such as or(region=US,region=EU).", "where is empty.")
	}
	parts := p.parts(table, 0)
	if p.fault == nil && p.at < len(p.text) {
		p.fail("A parenthesis is closed that was not opened.", "")
	}
	if p.fault != nil {
		return nil, p.fault
	}
	return And(parts), nil
}

// parser reads text from at on. After the first fault it reads nothing more.
type parser struct {
	text     string
	at       int
	location string
	fault    error
}

func (p *parser) fail(message, hint string) {
	if p.fault == nil {
		around := p.text[min(p.at, len(p.text)):]
		p.fault = contracts.Invalid(p.location, shown(around), hint, "%s (at byte %d)", message, p.at+1)
		p.at = len(p.text)
	}
}

func (p *parser) spaces() {
	for p.at < len(p.text) && p.text[p.at] == ' ' {
		p.at++
	}
}

// next tells whether the byte follows, and if so passes it.
func (p *parser) next(c byte) bool {
	p.spaces()
	if p.at < len(p.text) && p.text[p.at] == c {
		p.at++
		return true
	}
	return false
}

// word reads up to one of the bytes that end it.
func (p *parser) word(ends string) string {
	p.spaces()
	start := p.at
	if i := strings.IndexAny(p.text[start:], ends); i >= 0 {
		p.at += i
	} else {
		p.at = len(p.text)
	}
	return strings.TrimRight(p.text[start:p.at], " ")
}

// quoted reads a text in quotes, of which the first has been passed.
func (p *parser) quoted() string {
	var b strings.Builder
	for {
		i := strings.IndexByte(p.text[p.at:], '"')
		if i < 0 {
			p.at--
			p.fail("A quote is not closed.", `A quote inside of a quoted text is doubled: "a ""b"" c".`)
			return ""
		}
		b.WriteString(p.text[p.at : p.at+i])
		p.at += i + 1
		if p.at == len(p.text) || p.text[p.at] != '"' {
			return b.String()
		}
		b.WriteByte('"')
		p.at++
	}
}

// parts reads parts up to the parenthesis that closes them, or to the end.
func (p *parser) parts(table *catalog.Table, depth int) []Expr {
	parts := []Expr{}
	if p.spaces(); p.at < len(p.text) && p.text[p.at] == ')' {
		return parts
	}
	for {
		parts = append(parts, p.part(table, depth))
		if p.fault != nil || !p.next(',') {
			return parts
		}
	}
}

func (p *parser) part(table *catalog.Table, depth int) Expr {
	if depth > deepest {
		p.fail(fmt.Sprintf("A filter can be %d levels deep, and not deeper.", deepest), "Write it flatter.")
		return nil
	}
	start := p.at
	if p.next('"') {
		c := Condition{Column: p.quoted(), Operator: catalog.Equal, place: place{path: p.location}}
		if p.fault == nil && table.Column(c.Column) == nil {
			p.fault = noColumn(table, p.location, c.Column, nil)
		}
		if suffix := p.word(`=(),"`); strings.HasPrefix(suffix, ".") {
			c.Operator = Operator(suffix[1:])
		} else if suffix != "" {
			p.fail("Something follows a quoted name.", `A condition looks like "name of the column".gte=5.`)
		}
		return p.value(c)
	}
	name := p.word(`=(),"`)
	if p.next('(') {
		return p.group(table, name, depth)
	}
	if p.at == len(p.text) || p.text[p.at] != '=' {
		p.at = start
		p.fail("A condition is missing.", "A condition looks like region=US or balance_usd.gte=100; and, or and not have theirs in parentheses.")
		return nil
	}
	c, ok := split(table, name)
	if !ok && p.fault == nil {
		p.fault = noColumn(table, p.location, name, nil)
	}
	c.place = place{path: p.location}
	return p.value(c)
}

// group reads what stands in parentheses after a word.
func (p *parser) group(table *catalog.Table, word string, depth int) Expr {
	inside := table
	var relations []*catalog.Relation
	if !slices.Contains([]string{"and", "or", "not"}, word) {
		for name := range strings.SplitSeq(word, ".") {
			relation := inside.Relation(name)
			if relation == nil {
				p.fault = noGroup(inside, p.location, name)
				return nil
			}
			if relations = append(relations, relation); len(relations) > deepestRelation {
				p.fault = tooFar(p.location, word)
				return nil
			}
			inside = relation.Table
		}
	}
	parts := p.parts(inside, depth+1)
	if p.fault != nil {
		return nil
	}
	if !p.next(')') {
		p.fail("A parenthesis of "+word+" is not closed.", "")
		return nil
	}
	switch word {
	case "and":
		return And(parts)
	case "or":
		return Or(parts)
	case "not":
		if len(parts) != 1 {
			p.fail("not takes one condition.", "Join several by and(…,…) or or(…,…).")
			return nil
		}
		return Not{parts[0]}
	}
	var e Expr = And(parts)
	for _, relation := range slices.Backward(relations) {
		e = Has{relation.Name, e, place{path: p.location}}
	}
	return e
}

func noGroup(table *catalog.Table, location, word string) error {
	err := contracts.AsError(noRelation(table, location, word))
	err.Issues[0].Hint = suggest(word, append(relations(table), "and", "or", "not")) + "Before a parenthesis stands and, or, not or a relation. " + err.Issues[0].Hint
	return err
}

// value reads the value of a condition, whose = follows.
func (p *parser) value(c Condition) Expr {
	if !p.next('=') {
		p.fail("A condition has no value.", "A condition looks like region=US or balance_usd.gte=100.")
		return nil
	}
	if list(c.Operator) && p.next('(') {
		c.Values = p.items(")")
		if p.fault == nil && !p.next(')') {
			p.fail("A list is not closed.", "A list looks like (AK,HI).")
		}
		return c
	}
	if p.next('"') {
		c.Values = []string{p.quoted()}
	} else {
		c.Values = []string{p.word(`(),"`)}
		if p.at < len(p.text) && strings.IndexByte(`("`, p.text[p.at]) >= 0 {
			p.fail("A value with a quote or parenthesis in it must stand in quotes.", `Write name="Capital, Inc"; a quote inside is doubled. Lists go with in, nin and between.`)
		}
	}
	return c
}

// items reads a list up to the byte that ends it, or to the end.
func (p *parser) items(end string) []string {
	values := []string{}
	p.spaces()
	if rest := p.text[p.at:]; rest == "" || end != "" && rest[0] == end[0] {
		return values // which is refused where its column is known
	}
	for {
		if p.next('"') {
			values = append(values, p.quoted())
		} else {
			start := p.at
			value := p.word(`,"` + end)
			if value == "" {
				p.at = start
				p.fail("A list has an empty item.", `Write "" for an empty text.`)
			}
			values = append(values, value)
			if p.at < len(p.text) && p.text[p.at] == '"' {
				p.fail("A value with a quote in it must stand in quotes.", `A quote inside is doubled: "a ""b"" c".`)
			}
		}
		if p.fault != nil {
			return nil
		}
		if p.next(',') {
			continue
		}
		p.spaces()
		if p.at < len(p.text) && (end == "" || p.text[p.at] != end[0]) {
			p.fail("Something follows a quoted value.", "Separate values with commas.")
			return nil
		}
		return values
	}
}

package main

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
)

// prober calls an operation.
type prober struct {
	*testing.T
	document *apiDocument
	op       apiOperation
	url      string
	refill   func(*testing.T) // fills what is written to
	none     string           // a filter that no row of what is written to fits
}

// call is a request that a document describes.
type call struct {
	query, path, header map[string]string
	mediaType           string // of the body
	body                []byte
}

// String shows the parameters as one would type them.
func (c call) String() string {
	var parts []string
	for _, set := range []map[string]string{c.path, c.query, c.header} {
		for _, name := range slices.Sorted(maps.Keys(set)) {
			value := set[name]
			parts = append(parts, fmt.Sprintf("%s=%s", name, value[:min(len(value), 100)]))
		}
	}
	if c.body != nil {
		parts = append(parts, fmt.Sprintf("%s %s", c.mediaType, c.body[:min(len(c.body), 300)]))
	}
	return strings.Join(parts, " ")
}

// with is the call with other values of parameters; none leaves a parameter out.
func (c call) with(in string, values map[string]string) call {
	set := map[string]*map[string]string{"query": &c.query, "path": &c.path, "header": &c.header}[in]
	changed := maps.Clone(*set)
	if changed == nil {
		changed = map[string]string{}
	}
	maps.Copy(changed, values)
	*set = changed
	return c
}

func (c call) without(in, name string) call {
	c = c.with(in, nil)
	delete(map[string]map[string]string{"query": c.query, "path": c.path, "header": c.header}[in], name)
	return c
}

// company is the call with what a parameter goes with.
func (p *prober) company(c call, name string) call {
	values := map[string]string{}
	for _, key := range []string{name, strings.TrimSpace(p.op.kind() + " " + name), p.op.method + " " + strings.TrimPrefix(p.op.path, "/v1/") + " " + name} {
		for other, value := range company[key] {
			values[other] = inQuery(value)
		}
	}
	return c.with("query", values)
}

// described holds the document itself to account: what is not described is not documented.
func (p *prober) described() {
	if p.op.OperationID == "" || p.op.Summary == "" || len(p.op.Tags) == 0 {
		p.Errorf("operation id %q, summary %q, tags %q", p.op.OperationID, p.op.Summary, p.op.Tags)
	}
	for _, parameter := range p.op.parameters {
		if parameter.Description == "" {
			p.Errorf("the parameter %s has no description", parameter.Name)
		}
	}
}

func (p *prober) probe() {
	base := p.required()
	p.good(base)
	base = p.small(base)
	p.accepts(base)
	p.bad(base.with("query", map[string]string{"no_such_parameter": "1"}), http.StatusUnprocessableEntity)
	for _, parameter := range p.op.parameters {
		if parameter.Required && parameter.In == "query" {
			p.bad(base.without(parameter.In, parameter.Name), http.StatusUnprocessableEntity)
		}
		if parameter.In == "path" {
			p.bad(base.with("path", map[string]string{parameter.Name: "no-such-name"}), 0)
		}
	}
	p.singly(base)
	p.together(base)
	p.bodies(base)
}

// required is the call with what an operation requires, and nothing else.
func (p *prober) required() call {
	c := call{}
	for _, parameter := range p.op.parameters {
		if parameter.Required {
			c = c.with(parameter.In, map[string]string{parameter.Name: inQuery(p.values(parameter, c)[0])})
		}
	}
	for _, mediaType := range slices.Sorted(maps.Keys(p.op.bodies)) {
		if b := p.op.bodies[mediaType]; len(b.examples) > 0 && c.body == nil {
			c.mediaType, c.body = mediaType, bodyText(b.examples[0])
		}
	}
	if len(p.op.bodies) > 0 && c.body == nil {
		p.Fatal("the body has no example")
	}
	if p.op.method == http.MethodDelete {
		name, value, _ := strings.Cut(p.none, "=") // there must be a filter, the document says
		c = c.with("query", map[string]string{name: value})
	}
	return c
}

// values are what a parameter may be.
func (p *prober) values(parameter apiParameter, base call) []any {
	var values []any
	if parameter.Example != nil {
		values = append(values, parameter.Example)
	}
	for _, example := range parameter.Examples {
		values = append(values, example.Value)
	}
	values = append(values, parameter.schema.inside()...)
	// A mark comes from an answer; no example could hold for long.
	marks := map[string]func(frame map[string]any) any{
		"cursor": func(tabular map[string]any) any { return tabular["nextCursor"] },
		"since":  func(tabular map[string]any) any { return tabular["tailCursor"] },
	}
	if mark := marks[parameter.Name]; mark != nil && len(values) == 0 {
		var answer struct {
			Meta struct {
				Tabular map[string]any `json:"tabular"`
			} `json:"meta"`
		}
		p.refill(p.T)
		response := p.send(base.with("query", map[string]string{"limit": "1"}))
		if err := json.Unmarshal(response.body, &answer); err != nil || mark(answer.Meta.Tabular) == nil {
			p.Fatalf("no %s in %s", parameter.Name, response.body)
		}
		values = append(values, mark(answer.Meta.Tabular))
	}
	if parameter.schema.several() {
		return values
	}
	if len(values) == 0 && p.document.filter(p.op, parameter) {
		values = append(values, parameter.schema.plain()) // filters on columns: there are too many for an example each
	}
	if len(values) == 0 && !strings.Contains(p.op.path, "{table}") && !strings.Contains(p.op.path, "{node}") && !parameter.Required {
		return nil // of a table or node for which the catalog gives no examples
	}
	if len(values) == 0 {
		p.Fatalf("the parameter %s has no example", parameter.Name)
	}
	return values
}

// singly tries the values of one parameter after the other.
func (p *prober) singly(base call) {
	for _, parameter := range p.op.parameters {
		if p.document.filter(p.op, parameter) || parameter.In == "path" {
			continue
		}
		c := p.company(base, parameter.Name)
		for _, value := range p.values(parameter, base) {
			p.good(c.with(parameter.In, map[string]string{parameter.Name: inQuery(value)}))
		}
		for _, choices := range parameter.schema.lists() {
			whole := c.with(parameter.In, map[string]string{parameter.Name: inQuery(choices)})
			if response := p.send(whole); response.status/100 == 2 {
				p.conforms(whole, response)
				continue
			}
			for _, choice := range choices {
				p.good(c.with(parameter.In, map[string]string{parameter.Name: inQuery(choice)}))
			}
		}
		for _, value := range parameter.schema.outside() {
			p.bad(c.with(parameter.In, map[string]string{parameter.Name: inQuery(value)}), cmp.Or(refusals[parameter.Name], http.StatusUnprocessableEntity))
		}
	}
}

// batch is how many filters are tried in one request.
const batch = 30

// together tries the filters on columns, of which there are hundreds and which do not
// depend on each other, many in one request. Only if that fails they are tried one by one,
// to see which it is.
func (p *prober) together(base call) {
	inside, outside := []map[string]string{}, []map[string]string{}
	add := func(rounds *[]map[string]string, name string, values []any) {
		for i, value := range values {
			if i == len(*rounds) {
				*rounds = append(*rounds, map[string]string{})
			}
			(*rounds)[i][name] = inQuery(value)
		}
	}
	for _, parameter := range p.op.parameters {
		if p.document.filter(p.op, parameter) {
			values := p.values(parameter, base)
			for _, choices := range parameter.schema.lists() {
				values = append(values, choices)
			}
			add(&inside, parameter.Name, values)
			add(&outside, parameter.Name, parameter.schema.outside())
		}
	}
	each := func(rounds []map[string]string, try func(map[string]string)) {
		for _, round := range rounds {
			for names := range slices.Chunk(slices.Sorted(maps.Keys(round)), batch) {
				some := map[string]string{}
				for _, name := range names {
					some[name] = round[name]
				}
				try(some)
			}
		}
	}
	each(inside, func(some map[string]string) {
		c := base.with("query", some)
		if response := p.send(c); response.status/100 == 2 {
			p.conforms(c, response)
			return
		}
		failed := p.Failed()
		for name, value := range some {
			p.good(p.company(base, name).with("query", map[string]string{name: value}))
		}
		if p.Failed() == failed {
			p.good(c)
		}
	})
	each(outside, func(some map[string]string) {
		c := base.with("query", some)
		response := p.send(c)
		p.conforms(c, response)
		var refused struct {
			Errors []struct {
				Location string `json:"location"`
			} `json:"errors"`
		}
		_ = json.Unmarshal(response.body, &refused) // it conforms, or has failed
		for _, fault := range refused.Errors {
			delete(some, strings.TrimPrefix(fault.Location, "query."))
		}
		for name, value := range some {
			p.bad(p.company(base, name).with("query", map[string]string{name: value}), http.StatusUnprocessableEntity)
		}
	})
}

// accepts asks for each media type that the answer is said to have.
func (p *prober) accepts(base call) {
	for mediaType := range p.op.responses["200"] {
		if strings.HasPrefix(mediaType, "application/vnd.framehouse.") {
			continue // a parameter asks for it
		}
		c := base.with("header", map[string]string{"Accept": mediaType})
		response := p.good(c)
		if got := response.header.Get("Content-Type"); got != mediaType {
			p.Errorf("%s: the answer is %s", c, got)
		}
	}
	p.bad(base.with("header", map[string]string{"Accept": "text/x-nobody-writes-this"}), http.StatusNotAcceptable)
}

// bodies tries each example of a body, and of a JSON object each member as a parameter.
func (p *prober) bodies(base call) {
	const tooLarge = 1<<20 + 1 // for a query; the rows of a write may be more than a test should send
	for mediaType, b := range p.op.bodies {
		c := base
		c.mediaType = mediaType
		for _, example := range b.examples {
			c.body = bodyText(example)
			if err := p.document.schemas.ValidateValue(bodyValue(mediaType, example), b.place...); err != nil {
				p.Errorf("%s: the example is not what the document describes: %v", c, err)
			}
			p.good(c)
		}
		if mediaType == "application/json" {
			c.body = []byte(`{"no_such_member": 1}`)
			p.bad(c, http.StatusUnprocessableEntity)
			c.body = []byte(`{`)
			p.bad(c, http.StatusUnprocessableEntity)
		}
		for name, schema := range b.schema.Properties {
			with := func(value any) call {
				members := map[string]any{name: value}
				maps.Copy(members, company[name])
				maps.Copy(members, company[p.op.kind()+" "+name])
				c.body = bodyText(members)
				return c
			}
			for _, value := range schema.inside() {
				if !slices.Contains(elsewhere, name+"="+inQuery(value)) {
					p.good(with(value))
				}
			}
			for _, value := range schema.outside() {
				p.bad(with(value), http.StatusUnprocessableEntity)
			}
			p.bad(with(map[string]any{"no_such_member": true}), http.StatusUnprocessableEntity)
		}
		if len(b.schema.Properties) > 0 {
			c.body = bytes.Repeat([]byte(" "), tooLarge)
			p.bad(c, http.StatusRequestEntityTooLarge)
		}
	}
	if len(p.op.bodies) > 0 {
		base.mediaType = "text/x-nobody-reads-this"
		p.bad(base, http.StatusUnsupportedMediaType)
	}
}

// bodyText is an example as it is sent: a text as it is, all else as JSON.
func bodyText(example any) []byte {
	if text, ok := example.(string); ok {
		return []byte(text)
	}
	text, _ := json.Marshal(example) // it came from JSON
	return text
}

// bodyValue is an example as a schema sees it.
func bodyValue(mediaType string, example any) any {
	if text, ok := example.(string); ok && mediaType == "application/json" {
		_ = json.Unmarshal([]byte(text), &example) // what it is not stays a text
	}
	return example
}

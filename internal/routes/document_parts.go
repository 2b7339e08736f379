package routes

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"
)

// parts are what operations of a document share: described once, and referred to.
type parts struct {
	parameters map[string]*huma.Param
	responses  map[string]*huma.Response
	headers    map[string]*huma.Header
	texts      map[string]string // of each part, by its reference
	types      map[string]string // what is called so in Go: a parameter by its key, or something else
}

// newParts are no parts yet, in a document with schemas.
func newParts(schemas map[string]*huma.Schema) *parts {
	s := &parts{map[string]*huma.Param{}, map[string]*huma.Response{}, map[string]*huma.Header{}, map[string]string{}, map[string]string{}}
	for name := range schemas {
		s.types[goIdentifier(name)] = schemaPlace + name
	}
	for status := http.StatusBadRequest; status < 600; status++ {
		s.types[goIdentifier(http.StatusText(status))] = responsePlace
	}
	return s
}

// ownType tells whether a parameter may have a key: generators of Go make a type of each, which
// must not be called like another one, or like a schema of a dataset that may yet come.
func (s *parts) ownType(key string) bool {
	name := goIdentifier(key)
	for _, suffix := range []string{rowSuffix, frameSuffix, inputSuffix} {
		if strings.HasSuffix(name, suffix) {
			return false
		}
	}
	if other, taken := s.types[name]; taken && other != key {
		return false
	}
	s.types[name] = key
	return true
}

// Places of parts in a document.
const (
	schemaPlace    = "#/components/schemas/"
	parameterPlace = "#/components/parameters/"
	responsePlace  = "#/components/responses/"
	headerPlace    = "#/components/headers/"
)

// key is the name under which a part is shared: the first of names that is free, or that an
// equal part has.
func (s *parts) key(place string, part any, names ...string) (key string, found bool) {
	text, err := json.Marshal(part)
	if err != nil {
		panic(err) // parts are made of what the library can write
	}
	for _, name := range names {
		if place == parameterPlace && !s.ownType(name) {
			continue
		}
		if known, taken := s.texts[place+name]; !taken || known == string(text) {
			s.texts[place+name] = string(text)
			return name, true
		}
	}
	return "", false
}

// parameter shares a parameter of an operation. One of the path stays where it is.
func (s *parts) parameter(operation string, p *huma.Param) *huma.Param {
	shared := described(p)
	if p.In == "path" {
		return shared
	}
	if key, ok := s.key(parameterPlace, shared, p.Name, operation+"."+p.Name); ok {
		s.parameters[key] = shared
		return &huma.Param{Ref: parameterPlace + key}
	}
	return shared
}

// described is a parameter as a document has it: described once, and with its example where
// readers look for it.
func described(p *huma.Param) *huma.Param {
	c := *p
	if p.Schema == nil {
		return &c
	}
	schema := *p.Schema
	if c.Description == "" {
		c.Description = schema.Description
	}
	if c.Example == nil && len(c.Examples) == 0 && len(schema.Examples) > 0 {
		c.Example = schema.Examples[0]
	}
	schema.Description, schema.Examples = "", nil
	c.Schema = &schema
	return &c
}

// statuses are those of an operation's responses, failures first: of headers that have one
// name the first is shared, and most are those of failures.
func statuses(op *huma.Operation) []string {
	sorted := slices.Sorted(maps.Keys(op.Responses))
	slices.Reverse(sorted)
	return sorted
}

// response shares a response, and its headers.
func (s *parts) response(status string, r *huma.Response) *huma.Response {
	shared := *r
	shared.Headers = map[string]*huma.Header{}
	for name, header := range r.Headers {
		shared.Headers[name] = header
		if key, ok := s.key(headerPlace, header, name); ok {
			s.headers[key] = header
			shared.Headers[name] = &huma.Header{Ref: headerPlace + key}
		}
	}
	var code int
	if _, err := fmt.Sscan(status, &code); err != nil || code < http.StatusBadRequest {
		return &shared
	}
	if key, ok := s.key(responsePlace, &shared, strings.ReplaceAll(http.StatusText(code), " ", "")); ok {
		s.responses[key] = &shared
		return &huma.Response{Ref: responsePlace + key}
	}
	return &shared
}

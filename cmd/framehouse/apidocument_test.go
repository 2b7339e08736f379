package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"framehouse/internal/contracts/contracttest"
)

// apiDocument is the OpenAPI document as a client team reads it: as JSON, by what stands in
// it alone.
type apiDocument struct {
	root       any
	schemas    *contracttest.Document
	operations []apiOperation // by path and method
}

// apiOperation is a method of a path.
type apiOperation struct {
	path, method string

	OperationID string   `json:"operationId"`
	Summary     string   `json:"summary"`
	Tags        []string `json:"tags"`

	parameters []apiParameter
	bodies     map[string]apiBody             // by media type
	responses  map[string]map[string]apiPlace // by status, then media type, or "" without a body: where the schema is
	headers    map[string]map[string]apiPlace // by status, then canonical name: where the schema is
}

// apiPlace is the names on the way to a place in the document.
type apiPlace []string

// apiParameter is a parameter of an operation.
type apiParameter struct {
	Name        string `json:"name"`
	In          string `json:"in"`
	Required    bool   `json:"required"`
	Description string `json:"description"`
	Explode     *bool  `json:"explode"`
	Example     any    `json:"example"`
	Examples    map[string]struct {
		Value any `json:"value"`
	} `json:"examples"`

	schema apiSchema
}

// apiSchema is what we read of a schema.
type apiSchema struct {
	Type       apiType              `json:"type"`
	Format     string               `json:"format"`
	Pattern    string               `json:"pattern"`
	Enum       []any                `json:"enum"`
	Examples   []any                `json:"examples"`
	Default    any                  `json:"default"`
	Minimum    json.Number          `json:"minimum"`
	Maximum    json.Number          `json:"maximum"`
	MinLength  *int                 `json:"minLength"`
	MaxLength  *int                 `json:"maxLength"`
	MinItems   int                  `json:"minItems"`
	MaxItems   *int                 `json:"maxItems"`
	Items      *apiSchema           `json:"items"`
	Properties map[string]apiSchema `json:"properties"`
	AnyOf      []apiSchema          `json:"anyOf"`
	OneOf      []apiSchema          `json:"oneOf"`
}

// apiType is the type of a schema: of several, the first that is not null.
type apiType string

// UnmarshalJSON implements json.Unmarshaler.
func (t *apiType) UnmarshalJSON(text []byte) error {
	var several []string
	if json.Unmarshal(text, &several) != nil {
		return json.Unmarshal(text, (*string)(t))
	}
	for _, name := range slices.Backward(several) {
		if name != "null" {
			*t = apiType(name)
		}
	}
	return nil
}

// apiBody is a body of a request.
type apiBody struct {
	place    apiPlace // of the schema
	schema   apiSchema
	examples []any
}

func readDocument(t *testing.T, text []byte) *apiDocument {
	t.Helper()
	schemas, err := contracttest.OpenDocument(text)
	if err != nil {
		t.Fatal(err)
	}
	d := &apiDocument{schemas: schemas}
	d.decode(t, json.RawMessage(text), &d.root)
	paths := d.names(apiPlace{"paths"})
	for _, path := range paths {
		for _, method := range d.names(apiPlace{"paths", path}) {
			d.operations = append(d.operations, d.operation(t, path, method))
		}
	}
	if len(d.operations) == 0 {
		t.Fatal("the document has no operations")
	}
	return d
}

func (d *apiDocument) operation(t *testing.T, path, method string) apiOperation {
	at := apiPlace{"paths", path, method}
	op := apiOperation{
		path: path, method: strings.ToUpper(method),
		bodies: map[string]apiBody{}, responses: map[string]map[string]apiPlace{}, headers: map[string]map[string]apiPlace{},
	}
	d.decode(t, d.value(at), &op)
	list, _ := d.value(at.to("parameters")).([]any)
	for i := range list {
		place := d.follow(at.to("parameters", fmt.Sprint(i)))
		p := apiParameter{}
		d.decode(t, d.value(place), &p)
		d.decode(t, d.value(d.follow(place.to("schema"))), &p.schema)
		op.parameters = append(op.parameters, p)
	}
	body := d.follow(at.to("requestBody"))
	for _, mediaType := range d.names(body.to("content")) {
		content := body.to("content", mediaType)
		b := apiBody{place: d.follow(content.to("schema"))}
		d.decode(t, d.value(b.place), &b.schema)
		if example := d.value(content.to("example")); example != nil {
			b.examples = append(b.examples, example)
		}
		for _, name := range d.names(content.to("examples")) {
			b.examples = append(b.examples, d.value(d.follow(content.to("examples", name)).to("value")))
		}
		op.bodies[mediaType] = b
	}
	for _, status := range d.names(at.to("responses")) {
		response := d.follow(at.to("responses", status))
		op.responses[status], op.headers[status] = map[string]apiPlace{}, map[string]apiPlace{}
		for _, mediaType := range d.names(response.to("content")) {
			op.responses[status][mediaType] = response.to("content", mediaType, "schema")
		}
		for _, name := range d.names(response.to("headers")) {
			op.headers[status][http.CanonicalHeaderKey(name)] = d.follow(response.to("headers", name)).to("schema")
		}
	}
	return op
}

// kind is what an operation does whichever table or node it is about: GET tables/rows.
func (op apiOperation) kind() string {
	parts := strings.Split(strings.TrimPrefix(op.path, "/v1/"), "/")
	if len(parts) > 2 {
		parts = []string{parts[0], parts[2]}
	}
	return op.method + " " + strings.Join(parts, "/")
}

// filter tells whether a parameter is a condition on a column: those of a table or node by
// name have some that those of every table or node have not.
func (d *apiDocument) filter(op apiOperation, parameter apiParameter) bool {
	i := slices.IndexFunc(d.operations, func(other apiOperation) bool {
		return other.kind() == op.kind() && (strings.Contains(other.path, "{table}") || strings.Contains(other.path, "{node}"))
	})
	return parameter.In == "query" && i >= 0 &&
		!slices.ContainsFunc(d.operations[i].parameters, func(p apiParameter) bool { return p.Name == parameter.Name })
}

// to is a place below.
func (p apiPlace) to(names ...string) apiPlace { return slices.Concat(p, names) }

// value is what stands at a place, or nil.
func (d *apiDocument) value(place apiPlace) any {
	at := d.root
	for _, name := range place {
		switch v := at.(type) {
		case map[string]any:
			at = v[name]
		case []any:
			var i int
			if _, err := fmt.Sscan(name, &i); err != nil || i >= len(v) {
				return nil
			}
			at = v[i]
		default:
			return nil
		}
	}
	return at
}

// names are the members of the object at a place, in order.
func (d *apiDocument) names(place apiPlace) []string {
	object, _ := d.value(place).(map[string]any)
	return slices.Sorted(maps.Keys(object))
}

// follow is the place that a reference at a place leads to, or the place itself.
func (d *apiDocument) follow(place apiPlace) apiPlace {
	object, _ := d.value(place).(map[string]any)
	ref, ok := object["$ref"].(string)
	if !ok {
		return place
	}
	unescape := strings.NewReplacer("~1", "/", "~0", "~")
	var target apiPlace
	for _, name := range strings.Split(strings.TrimPrefix(ref, "#/"), "/") {
		target = append(target, unescape.Replace(name))
	}
	return d.follow(target)
}

// decode reads a value of the document into a Go value, numbers with all their digits.
func (d *apiDocument) decode(t *testing.T, value, into any) {
	t.Helper()
	text, err := json.Marshal(value)
	if err == nil {
		decoder := json.NewDecoder(strings.NewReader(string(text)))
		decoder.UseNumber()
		err = decoder.Decode(into)
	}
	if err != nil {
		t.Fatalf("the document cannot be read: %v\n%s", err, text)
	}
}

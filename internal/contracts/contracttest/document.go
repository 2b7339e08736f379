package contracttest

import (
	"bytes"
	"fmt"
	"net/url"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// Document is an OpenAPI 3.1 document, whose schemas values are held against.
type Document struct {
	compiler *jsonschema.Compiler
	compiled map[string]*jsonschema.Schema // by pointer; the same few are asked for again and again
}

// documentURL names the document for the references in it. Nothing is asked there.
const documentURL = "urn:document"

// OpenDocument reads a document. It may be used by one test at a time.
func OpenDocument(text []byte) (*Document, error) {
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		return nil, fmt.Errorf("not JSON: %w", err)
	}
	d := &Document{jsonschema.NewCompiler(), map[string]*jsonschema.Schema{}}
	// In OpenAPI 3.1 a format is a promise like a type.
	d.compiler.AssertFormat()
	return d, d.compiler.AddResource(documentURL, value)
}

// Validate says where the JSON text departs from the schema at a place in the document,
// which is given as the names on the way there.
func (d *Document) Validate(text []byte, place ...string) error {
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		return fmt.Errorf("not JSON: %w", err)
	}
	return d.ValidateValue(value, place...)
}

// ValidateValue is Validate for what is no text: a text that stands for itself.
func (d *Document) ValidateValue(value any, place ...string) error {
	pointer := ""
	for _, name := range place {
		pointer += "/" + url.PathEscape(strings.NewReplacer("~", "~0", "/", "~1").Replace(name))
	}
	schema := d.compiled[pointer]
	if schema == nil {
		var err error
		if schema, err = d.compiler.Compile(documentURL + "#" + pointer); err != nil {
			return err
		}
		d.compiled[pointer] = schema
	}
	return schema.Validate(value)
}

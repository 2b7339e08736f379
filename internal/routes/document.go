package routes

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/yaml"
	"github.com/klauspost/compress/gzip"

	"framehouse/internal/catalog"
	"framehouse/internal/contracts"
)

// documents are what describe the API over the catalog that is served. They are written
// when they are asked for, once for each catalog.
type documents struct {
	writing sync.Mutex // guards what follows
	of      *catalog.Catalog
	known   bool // whether they were written
	written
}

// page is the same bytes for everybody, until the catalog changes.
type page struct {
	mediaType string
	plain     []byte
	gzipped   []byte
	checksum  string // SHA-256, in hexadecimal
	tag       string // its entity tag: as much of the checksum as tells pages apart
}

func newPage(mediaType string, content []byte) (page, error) {
	sum := sha256.Sum256(content)
	checksum := hex.EncodeToString(sum[:])
	p := page{mediaType: mediaType, plain: content, checksum: checksum, tag: checksum[:32]}
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	if _, err := w.Write(content); err != nil {
		return p, err
	}
	err := w.Close()
	p.gzipped = packed.Bytes()
	return p, err
}

// Document describes the API: the routes for every table and node, and each published table
// and node with parameters and rows of its own. Without a catalog it describes the former.
func (a *API) Document() (*huma.OpenAPI, error) {
	d, err := a.described()
	if err != nil {
		return nil, err
	}
	return d.openAPI, nil
}

// written are documents that nobody changes any more.
type written struct {
	openAPI  *huma.OpenAPI
	json     page
	yaml     func() (page, error)
	contract page // the discovery document of Command Center
}

// described are the documents over the catalog as it is now.
func (a *API) described() (written, error) {
	var current *catalog.Catalog
	if a.Catalog != nil {
		var err error
		if current, err = a.Catalog.Current(); err != nil {
			return written{}, err
		}
	}
	d := &a.documents
	d.writing.Lock()
	defer d.writing.Unlock()
	if !d.known || d.of != current {
		if err := a.write(current); err != nil {
			return written{}, err
		}
		d.of, d.known = current, true
	}
	return d.written, nil
}

func (a *API) write(c *catalog.Catalog) error {
	d := &a.documents
	d.openAPI = a.describe(c)
	text, err := json.Marshal(d.openAPI)
	if err != nil {
		return err
	}
	if d.json, err = newPage("application/json", text); err != nil {
		return err
	}
	// Few ask for it, and the library's own way would write the JSON twice more.
	d.yaml = sync.OnceValues(func() (page, error) {
		var lines bytes.Buffer
		if err := yaml.Convert(&lines, bytes.NewReader(text)); err != nil {
			return page{}, err
		}
		return newPage("application/yaml", lines.Bytes())
	})
	contract, err := json.Marshal(a.discovery(d.openAPI, d.json.checksum))
	if err != nil {
		return err
	}
	d.contract, err = newPage("application/json", contract)
	return err
}

// describe is the document over a catalog. What was registered is copied, since the library
// answers requests by it.
func (a *API) describe(c *catalog.Catalog) *huma.OpenAPI {
	base := a.huma.OpenAPI()
	document := *base
	d := &describer{
		document: &document, schemas: maps.Clone(base.Components.Schemas.Map()), generic: map[string]*huma.Operation{},
		taken: map[string]bool{}, examples: examplesOf(c),
	}
	d.schemas[frameSchema] = huma.SchemaFromType(base.Components.Schemas, documentType)
	d.parts = newParts(d.schemas)
	document.Paths = map[string]*huma.PathItem{}
	for _, path := range slices.Sorted(maps.Keys(base.Paths)) {
		for _, op := range operations(base.Paths[path]) {
			d.generic[op.OperationID] = op
			d.taken[op.OperationID] = true
		}
	}
	for _, path := range slices.Sorted(maps.Keys(base.Paths)) {
		for _, op := range operations(base.Paths[path]) {
			if has, ok := op.Metadata[describedWith].(func(*catalog.Catalog) bool); ok && c != nil && !has(c) {
				continue // it would only say that there is no such table
			}
			d.add(path, d.copied(op))
		}
	}
	if c != nil {
		d.catalog(c)
		document.Tags = []*huma.Tag{
			{Name: tableGroup, Description: "Each table with its own parameters and rows"},
			{Name: nodeGroup, Description: "Each time series with its own parameters and rows"},
		}
	}
	document.Tags = append(document.Tags,
		&huma.Tag{Name: "Tables", Description: "Every published table, by name"},
		&huma.Tag{Name: "Nodes", Description: "Every published time series, by name"},
		&huma.Tag{Name: "Tutorial", Description: "Routes written by hand, as examples"},
		&huma.Tag{Name: "Service", Description: "The state of the service"},
	)
	components := *base.Components
	components.Schemas = &registry{base.Components.Schemas, d.schemas}
	components.Parameters, components.Responses, components.Headers = d.parts.parameters, d.parts.responses, d.parts.headers
	document.Components = &components
	return &document
}

// registry is a registry of schemas with others besides.
type registry struct {
	huma.Registry
	schemas map[string]*huma.Schema
}

func (r *registry) Map() map[string]*huma.Schema { return r.schemas }

func (r *registry) MarshalJSON() ([]byte, error) { return json.Marshal(r.schemas) }

// frameSchema is the name of the schema of any frame.
const frameSchema = "TabularFrame"

// describer writes a document.
type describer struct {
	document *huma.OpenAPI
	schemas  map[string]*huma.Schema
	generic  map[string]*huma.Operation // those that are registered, by id
	parts    *parts
	taken    map[string]bool // operation ids that are
	examples *examples
}

// add puts an operation into the document.
func (d *describer) add(path string, op *huma.Operation) {
	item := d.document.Paths[path]
	if item == nil {
		item = &huma.PathItem{}
		d.document.Paths[path] = item
	}
	switch op.Method {
	case http.MethodGet:
		item.Get = op
	case http.MethodPost:
		item.Post = op
	case http.MethodDelete:
		item.Delete = op
	}
}

// copied is an operation whose parts are shared with others.
func (d *describer) copied(op *huma.Operation) *huma.Operation {
	c := *op
	c.Parameters = nil
	for _, p := range op.Parameters {
		c.Parameters = append(c.Parameters, d.parts.parameter(op.OperationID, d.examples.of(op, p)))
	}
	c.RequestBody = d.examples.body(op)
	c.Responses = map[string]*huma.Response{}
	for _, status := range statuses(op) {
		response := op.Responses[status]
		r := *response
		if status == "200" && op.Metadata[frameOperation] != nil {
			r.Content = d.frameContent(frameSchema)
			if explanation := response.Content[explanationType]; explanation != nil {
				r.Content[explanationType] = explanation
			}
			c.Extensions = frameExtensions(c.Extensions)
		}
		c.Responses[status] = d.parts.response(status, &r)
	}
	return &c
}

// frameExtensions mark an operation whose answer is a frame, the way Command Center's own
// providers do.
func frameExtensions(extensions map[string]any) map[string]any {
	extensions = maps.Clone(extensions)
	if extensions == nil {
		extensions = map[string]any{}
	}
	extensions["x-ui-contract"] = frameContract
	extensions["x-ui-output-root"] = "response:$"
	return extensions
}

// serve answers with a page.
func (a *API) serve(choose func(written) (page, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.URL.RawQuery != "" {
			a.answer(w, r, contracts.Invalid("query", r.URL.RawQuery, "Leave out the question mark and what follows.", "This document takes no parameters."))
			return
		}
		documents, err := a.described()
		var p page
		if err == nil {
			p, err = choose(documents)
		}
		if err != nil {
			a.answer(w, r, err)
			return
		}
		content, tag := p.plain, p.tag
		header := w.Header()
		if codingQuality(r.Header.Get("Accept-Encoding"), "gzip") > 0 {
			content, tag = p.gzipped, tag+"-gzip"
			header.Set("Content-Encoding", "gzip")
		}
		header.Set("Content-Type", p.mediaType)
		header.Add("Vary", "Accept-Encoding")
		header.Set("Cache-Control", "no-cache")
		header.Set("ETag", `"`+tag+`"`)
		// It knows If-None-Match, HEAD and ranges.
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(content))
	}
}

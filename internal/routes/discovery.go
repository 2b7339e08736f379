package routes

import (
	"cmp"
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"framehouse/internal/contracts"
)

// The discovery document tells Command Center what can be asked here, once somebody has
// given it our address. It is derived from the OpenAPI document, so that the two cannot
// differ. Only operations that answer a frame are in it, and the one by which Command Center
// sees whether we are alive: it offers whatever it finds for a query.

// frameContract is what the answer of an operation is called there.
const frameContract = "core.tabular_frame@v1"

// discoveryPath is where Command Center looks.
const discoveryPath = "/.well-known/command-center/connection-contract"

type discovery struct {
	ContractVersion     int                  `json:"contractVersion"`
	Adapter             discoveryAdapter     `json:"adapter"`
	OpenAPI             discoveryOpenAPI     `json:"openapi"`
	ConfigVariables     []any                `json:"configVariables"`
	SecretVariables     []discoverySecret    `json:"secretVariables"`
	AvailableOperations []discoveryOperation `json:"availableOperations"`
	Health              discoveryHealth      `json:"health"`
	APIBaseURL          string               `json:"apiBaseUrl,omitempty"`
}

type discoveryAdapter struct {
	Type        string `json:"type"`
	ID          string `json:"id"`
	Title       string `json:"title"`
	Description string `json:"description"`
}

type discoveryOpenAPI struct {
	URL      string `json:"url"`
	Version  string `json:"version"`
	Checksum string `json:"checksum"`
}

type discoverySecret struct {
	Key         string            `json:"key"`
	Label       string            `json:"label"`
	Description string            `json:"description"`
	Type        string            `json:"type"`
	Required    bool              `json:"required"`
	Injection   map[string]string `json:"injection"`
}

type discoveryHealth struct {
	OperationID    string `json:"operationId"`
	ExpectedStatus int    `json:"expectedStatus"`
	TimeoutMs      int    `json:"timeoutMs"`
}

type discoveryOperation struct {
	OperationID       string              `json:"operationId"`
	Label             string              `json:"label"`
	Description       string              `json:"description,omitempty"`
	Method            string              `json:"method"`
	Path              string              `json:"path"`
	Kind              string              `json:"kind"`
	Capabilities      []string            `json:"capabilities"`
	RequiresTimeRange bool                `json:"requiresTimeRange"`
	SupportsVariables bool                `json:"supportsVariables"`
	SupportsMaxRows   bool                `json:"supportsMaxRows"`
	Parameters        discoveryParameters `json:"parameters"`
	RequestBody       *discoveryBody      `json:"requestBody"`
	ResponseContract  string              `json:"responseContract,omitempty"`
	ResponseModel     string              `json:"responseModel,omitempty"`
	Cache             discoveryCache      `json:"cache"`
}

type discoveryParameters struct {
	Path    []discoveryParameter `json:"path"`
	Query   []discoveryParameter `json:"query"`
	Headers []discoveryParameter `json:"headers"`
}

type discoveryParameter struct {
	Key         string               `json:"key"`
	Label       string               `json:"label"`
	Description string               `json:"description,omitempty"`
	Type        string               `json:"type"`
	Required    bool                 `json:"required"`
	Default     any                  `json:"defaultValue,omitempty"`
	Example     any                  `json:"example,omitempty"`
	Options     []discoveryOption    `json:"options,omitempty"`
	Validation  *discoveryValidation `json:"validation,omitempty"`
}

type discoveryOption struct {
	Label string `json:"label"`
	Value string `json:"value"`
}

type discoveryValidation struct {
	Pattern   string   `json:"pattern,omitempty"`
	Min       *float64 `json:"min,omitempty"`
	Max       *float64 `json:"max,omitempty"`
	MinLength *int     `json:"minLength,omitempty"`
	MaxLength *int     `json:"maxLength,omitempty"`
}

type discoveryBody struct {
	Required    bool   `json:"required"`
	ContentType string `json:"contentType"`
	Schema      any    `json:"schema"`
}

type discoveryCache struct {
	Policy         string `json:"policy"`
	TTLMs          int    `json:"ttlMs,omitempty"`
	DedupeInFlight bool   `json:"dedupeInFlight"`
}

// How long Command Center may keep an answer, in milliseconds: less than the 30 seconds of
// its fastest refresh, so that each refresh asks anew; lists change with the catalog alone.
const (
	rowsTTL  = 20_000
	listsTTL = 60_000
)

// healthOperation tells Command Center whether we are alive.
const healthOperation = "getHealth"

// healthTimeout is what Command Center waits for it, in milliseconds.
const healthTimeout = 5_000

// discovery is the discovery document of what an OpenAPI document describes.
func (a *API) discovery(document *huma.OpenAPI, checksum string) discovery {
	d := discovery{
		ContractVersion: 1,
		Adapter: discoveryAdapter{
			Type: "adapter-from-api", ID: "framehouse", Title: document.Info.Title, Description: document.Info.Description,
		},
		OpenAPI:         discoveryOpenAPI{URL: cmp.Or(a.PublicURL, a.BasePath) + "/openapi.json", Version: document.OpenAPI, Checksum: "sha256:" + checksum},
		ConfigVariables: []any{}, SecretVariables: []discoverySecret{},
		Health:     discoveryHealth{healthOperation, http.StatusOK, healthTimeout},
		APIBaseURL: a.PublicURL,
	}
	for _, path := range slices.Sorted(maps.Keys(document.Paths)) {
		for _, op := range operations(document.Paths[path]) {
			if op.OperationID == healthOperation || op.Extensions["x-ui-contract"] == frameContract {
				d.AvailableOperations = append(d.AvailableOperations, offered(document, path, op))
			}
		}
	}
	// Who chooses from the list looks for data first, and for its own before any.
	slices.SortStableFunc(d.AvailableOperations, func(a, b discoveryOperation) int { return cmp.Compare(rank(a), rank(b)) })
	return d
}

// rank orders operations: rows of each dataset, the rest of each, those of any.
func rank(o discoveryOperation) int {
	switch {
	case o.Kind == "resource":
		return 3
	case strings.HasPrefix(o.Path, "/v1/tables/{") || strings.HasPrefix(o.Path, "/v1/nodes/{") || strings.Count(o.Path, "/") < 4:
		return 2
	case strings.HasPrefix(o.OperationID, "read"):
		return 0
	}
	return 1
}

// offered is an operation as Command Center is told of it.
func offered(document *huma.OpenAPI, path string, op *huma.Operation) discoveryOperation {
	o := discoveryOperation{
		OperationID: op.OperationID, Label: op.Summary, Description: op.Description, Method: op.Method, Path: path,
		Kind: "query", Capabilities: []string{"query"}, SupportsVariables: true,
		Parameters:       discoveryParameters{Path: []discoveryParameter{}, Query: []discoveryParameter{}, Headers: []discoveryParameter{}},
		ResponseContract: frameContract, ResponseModel: frameSchema,
		Cache: discoveryCache{Policy: "safe", TTLMs: rowsTTL, DedupeInFlight: true},
	}
	if op.OperationID == healthOperation {
		o.Kind, o.Capabilities, o.SupportsVariables, o.ResponseContract, o.ResponseModel = "resource", []string{"resource"}, false, "", "Health"
		o.Cache = discoveryCache{Policy: "disabled"}
		return o
	}
	if path == "/v1/tables" || path == "/v1/nodes" {
		o.Capabilities, o.Cache.TTLMs = []string{"query", "resource"}, listsTTL
	}
	if schema := op.Responses["200"].Content["application/json"].Schema; schema != nil && schema.Ref != "" {
		o.ResponseModel = strings.TrimPrefix(schema.Ref, "#/components/schemas/")
	}
	for _, p := range op.Parameters {
		if key, shared := strings.CutPrefix(p.Ref, parameterPlace); shared {
			p = document.Components.Parameters[key]
		}
		switch {
		case p.In == "path":
			o.Parameters.Path = append(o.Parameters.Path, offeredParameter(p))
		case p.In == "query" && wanted(p.Name):
			o.Parameters.Query = append(o.Parameters.Query, offeredParameter(p))
			o.SupportsMaxRows = o.SupportsMaxRows || p.Name == "limit"
		}
	}
	if op.RequestBody != nil {
		o.RequestBody = &discoveryBody{Required: true, ContentType: "application/json", Schema: map[string]string{"type": "object"}}
	}
	return o
}

// unwanted are parameters that Command Center has no use for: it reads frames of JSON, whole,
// and each range end under one name.
var unwanted = []string{"format", "compression", "download", "cursor", "explain", "start", "end", "start_date", "end_date"}

// wanted tells whether a parameter is offered. A form with every operator of every column
// would be no help; the others can be written into where.
func wanted(name string) bool {
	if slices.Contains(unwanted, name) {
		return false
	}
	if i := strings.LastIndex(name, "."); i > 0 && !strings.HasPrefix(name, whereParameter+".") {
		return slices.Contains([]string{"gte", "lte", "icontains"}, name[i+1:])
	}
	return true
}

// offeredParameter is a parameter as Command Center's forms know them: several values are one
// text with commas.
func offeredParameter(p *huma.Param) discoveryParameter {
	o := discoveryParameter{Key: p.Name, Label: parameterLabel(p), Description: p.Description, Required: p.Required, Type: "string"}
	schema := p.Schema
	switch schema.Type {
	case huma.TypeInteger, huma.TypeNumber:
		o.Type = "number"
	case huma.TypeBoolean:
		o.Type = "boolean"
	case huma.TypeArray:
		o.Description += ". Several with commas between them"
		if choices := texts(schema.Items.Enum); len(choices) > 0 && len(choices) <= mostListed {
			o.Description += ": " + strings.Join(choices, ", ")
		}
	}
	if p.Name == "limit" {
		// As text it may also be all, which goes with other formats.
		o.Type = "number"
	}
	if choices := texts(schema.Enum); len(choices) > 0 && o.Type == "string" {
		o.Type = "select"
		for _, choice := range choices {
			if strings.TrimSpace(choice) != "" {
				o.Options = append(o.Options, discoveryOption{choice, choice})
			}
		}
	}
	if o.Type == "number" || o.Type == "boolean" || o.Type == "select" {
		o.Default = schema.Default
	}
	if o.Example = p.Example; schema.Type == huma.TypeArray {
		o.Example = joined(p.Example)
	} else if number, ok := o.Example.(string); ok && o.Type == "number" {
		o.Example = json.Number(number)
	}
	v := discoveryValidation{Min: schema.Minimum, Max: schema.Maximum, MinLength: schema.MinLength, MaxLength: schema.MaxLength}
	if o.Type == "string" {
		v.Pattern = schema.Pattern
	}
	if v != (discoveryValidation{}) {
		o.Validation = &v
	}
	return o
}

// mostListed is how many choices a description tells.
const mostListed = 40

// texts are choices as text.
func texts(choices []any) []string {
	var all []string
	for _, choice := range choices {
		if text, ok := choice.(string); ok {
			all = append(all, text)
		}
	}
	return all
}

// joined is an example of several values as one text.
func joined(example any) any {
	var values []any
	switch example := example.(type) {
	case []any:
		values = example
	case []string:
		values = anys(example)
	}
	var all []string
	for _, value := range values {
		text, err := json.Marshal(value)
		if err != nil {
			return nil
		}
		all = append(all, strings.Trim(string(text), `"`))
	}
	if len(all) == 0 {
		return nil
	}
	return strings.Join(all, ",")
}

// parameterLabel is the heading of a parameter in a form: of a condition the label of its
// column, and what it asks.
func parameterLabel(p *huma.Param) string {
	if p.Schema.Title == "" {
		return contracts.Titled(p.Name)
	}
	for suffix, word := range map[string]string{".gte": "at least", ".lte": "at most", ".icontains": "contains"} {
		if strings.HasSuffix(p.Name, suffix) {
			return p.Schema.Title + ": " + word
		}
	}
	return p.Schema.Title
}

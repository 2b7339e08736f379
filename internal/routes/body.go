package routes

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humachi"

	"framehouse/internal/contracts"
)

// JSONBody is the body of a request, still as text. Embedded in an input, it is read before
// the handler runs. It is decoded by us, since a member that is there twice, or that nobody
// would read, is refused with its place.
type JSONBody struct {
	text []byte
	err  error
}

// The bounds of a body: more than any filter needs whose values ClickHouse would accept, and
// the time in which a slow client must have sent it.
const (
	longestBody = 1 << 20
	bodyTime    = 10 * time.Second
)

// longestName is how much of an unknown name an error repeats.
const longestName = 100

// Resolve implements huma.Resolver.
func (b *JSONBody) Resolve(ctx huma.Context) []error {
	r, w := humachi.Unwrap(ctx)
	sent := r.Header.Get("Content-Type")
	if mediaType, _, err := mime.ParseMediaType(sent); sent != "" && (err != nil || mediaType != "application/json") {
		b.err = &contracts.Error{
			Code: contracts.CodeUnsupportedMediaType, Detail: fmt.Sprintf("A body of type %q is not understood here.", sent),
			Issues: []contracts.Issue{{Location: "header.Content-Type", Message: "the body must be JSON", Value: sent, Hint: "Send Content-Type: application/json."}},
		}
		return nil
	}
	controller := http.NewResponseController(w)
	// A connection that knows no deadlines, as in some tests, has none.
	_ = controller.SetReadDeadline(time.Now().Add(bodyTime))
	b.text, b.err = io.ReadAll(io.LimitReader(r.Body, longestBody+1))
	_ = controller.SetReadDeadline(time.Time{})
	switch {
	case b.err != nil:
		b.err = contracts.Invalid("body", nil, "Send it again.", "The body did not arrive whole.")
	case len(b.text) > longestBody:
		b.err = &contracts.Error{
			Code: contracts.CodeBodyTooLarge, Detail: "The body is too large.",
			Issues: []contracts.Issue{{Location: "body", Message: fmt.Sprintf("a query may have %d bytes, which is more than ClickHouse accepts of its values", longestBody), Hint: "Send fewer or shorter values."}},
		}
	}
	return nil
}

// object is a JSON object of a body, with its place there.
type object struct {
	path    string
	members map[string]json.RawMessage
}

// object is the object that the body is.
func (b *JSONBody) object(known []string) (object, error) {
	if b.err != nil {
		return object{}, b.err
	}
	return readObject("body", b.text, known)
}

// readObject reads an object strictly: each member is one that is known, spelt as it is, and
// there once.
func readObject(path string, text []byte, known []string) (object, error) {
	o := object{path, map[string]json.RawMessage{}}
	decoder := json.NewDecoder(bytes.NewReader(text))
	if start, err := decoder.Token(); err != nil || start != json.Delim('{') {
		return o, contracts.Invalid(path, shown(text), "Its members are "+strings.Join(known, ", ")+", of which any may be missing.", "%s must be a JSON object.", path)
	}
	for decoder.More() {
		name, err := decoder.Token()
		var value json.RawMessage
		if err == nil {
			err = decoder.Decode(&value)
		}
		if err != nil {
			return o, notJSON(err)
		}
		member := name.(string) // of an object, where the decoder accepts no other
		if _, twice := o.members[member]; twice {
			return o, contracts.Invalid(path+"."+member, nil, "Give it once.", "The member %q is there twice.", member)
		}
		if !slices.Contains(known, member) {
			member = member[:min(len(member), longestName)] // a name may be as long as the body
			return o, contracts.Invalid(path+"."+member, nil, strings.Replace(parameterHint(member, known), "Parameters", "Members", 1), "There is no member %q.", member)
		}
		o.members[member] = value
	}
	if _, err := decoder.Token(); err != nil {
		return o, notJSON(err)
	}
	if _, err := decoder.Token(); err != io.EOF {
		return o, contracts.Invalid(path, nil, "Send one object.", "Something follows the JSON object.")
	}
	return o, nil
}

func notJSON(err error) error {
	return contracts.Invalid("body", nil, "Check brackets, commas and quotes.", "The body is not JSON: %v.", err)
}

// member decodes a member strictly; one that is not there stays as it is. what says what it
// must be.
func member[T any](o object, name, what string, into *T) error {
	text, ok := o.members[name]
	if !ok {
		return nil
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(into); err != nil || string(text) == "null" {
		return contracts.Invalid(o.path+"."+name, shown(text), "", "%s must be %s.", name, what)
	}
	return nil
}

// membersOf are the names of the members that a type documents.
func membersOf[T any]() []string {
	var names []string
	for i, t := 0, reflect.TypeFor[T](); i < t.NumField(); i++ {
		name, _, _ := strings.Cut(t.Field(i).Tag.Get("json"), ",")
		names = append(names, name)
	}
	return names
}

// shown is a value as an error shows it, unless it is long.
func shown(text json.RawMessage) any {
	if len(text) > 200 || !json.Valid(text) {
		return nil
	}
	return text
}

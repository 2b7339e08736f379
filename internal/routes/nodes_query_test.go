package routes

import (
	"testing"

	"framehouse/internal/contracts"
)

// What a program failed to fill in must not mean everything.
func TestNodeQueryEmpty(t *testing.T) {
	t.Parallel()
	for body, location := range map[string]string{
		`{"from": ""}`:         "body.from",
		`{"end_date": ""}`:     "body.end_date",
		`{"last": ""}`:         "body.last",
		`{"timezone": ""}`:     "body.timezone",
		`{"interval": ""}`:     "body.interval",
		`{"fill": ""}`:         "body.fill",
		`{"since": ""}`:        "body.since",
		`{"identifiers": []}`:  "body.identifiers",
		`{"ranges": []}`:       "body.ranges",
		`{"select": []}`:       "",
		`{"from": 0, "to": 1}`: "",
		`{"ranges": [{"series": {"id": "A"}, "from": ""}]}`: "body.ranges[0].from",
	} {
		in := NodeQueryInput{JSONBody: JSONBody{text: []byte(body)}}
		_, err := in.query(t.Context())
		got := ""
		if err != nil {
			got = contracts.AsError(err).Issues[0].Location
		}
		if got != location {
			t.Errorf("%s: fault at %q, not %q: %v", body, got, location, err)
		}
	}
}

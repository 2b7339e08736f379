package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// ours are the headers that a client may want to act on, so that one which is sent must be
// documented. Others, such as Date and Vary, HTTP explains.
var ours = []string{"Link", "Retry-After", "Allow", "Location", "Etag", "Cache-Control", "Content-Disposition", "Server-Timing"}

// good sends a call that must succeed.
func (p *prober) good(c call) answer {
	p.Helper()
	if p.op.method == http.MethodPost && strings.HasSuffix(p.op.path, "/rows") {
		p.refill(p.T) // mode=insert refuses rows that are there
	}
	response := p.send(c)
	if response.status/100 != 2 {
		p.Errorf("%s: status %d: %s", c, response.status, response.body)
	}
	p.conforms(c, response)
	return response
}

// bad sends a call that must be refused, with a status if the document leaves no choice.
func (p *prober) bad(c call, status int) {
	p.Helper()
	response := p.send(c)
	if response.status/100 != 4 || status != 0 && response.status != status {
		p.Errorf("%s: status %d, not %d: %s", c, response.status, status, response.body[:min(len(response.body), 500)])
	}
	p.conforms(c, response)
}

// conforms holds an answer against the document.
func (p *prober) conforms(c call, response answer) {
	p.Helper()
	status := fmt.Sprint(response.status)
	contents, documented := p.op.responses[status]
	if !documented {
		p.Errorf("%s: the status %s is not documented: %s", c, status, response.body[:min(len(response.body), 500)])
		return
	}
	mediaType := response.header.Get("Content-Type")
	place, documented := contents[mediaType]
	if !documented && (mediaType != "" || len(contents) > 0) {
		p.Errorf("%s: status %s has the media type %q, which is not documented", c, status, mediaType)
		return
	}
	if mediaType == "application/json" || strings.HasSuffix(mediaType, "+json") {
		if err := p.document.schemas.Validate(response.body, place...); err != nil {
			p.Errorf("%s: status %s has another body than documented: %v\n%s", c, status, err, response.body[:min(len(response.body), 1000)])
		}
	}
	headers := p.op.headers[status]
	for name, values := range response.header {
		if place, documented := headers[name]; documented {
			if err := p.headerConforms(values[0], place); err != nil {
				p.Errorf("%s: status %s has the header %s: %s, which is not what is documented: %v", c, status, name, values[0], err)
			}
		} else if strings.HasPrefix(name, "X-") || slices.Contains(ours, name) {
			p.Errorf("%s: status %s has the header %s: %s, which is not documented", c, status, name, values[0])
		}
	}
}

// headerConforms reads a header as the type that it has by the document.
func (p *prober) headerConforms(text string, place apiPlace) error {
	if err := p.document.schemas.ValidateValue(text, place...); err == nil {
		return nil
	}
	return p.document.schemas.Validate([]byte(text), place...)
}

// send sends a call.
func (p *prober) send(c call) answer {
	p.Helper()
	path := p.op.path
	for name, value := range c.path {
		path = strings.ReplaceAll(path, "{"+name+"}", url.PathEscape(value))
	}
	query := url.Values{}
	for name, value := range c.query {
		query.Set(name, value)
	}
	ctx, cancel := context.WithTimeout(p.Context(), 30*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, p.op.method, p.url+path+"?"+query.Encode(), bytes.NewReader(c.body))
	if err != nil {
		p.Fatal(err)
	}
	for name, value := range c.header {
		if name == "Idempotency-Key" {
			value = rand.Text() // one that was used belongs to that request
		}
		request.Header.Set(name, value)
	}
	if c.mediaType != "" {
		request.Header.Set("Content-Type", c.mediaType)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		p.Fatal(err)
	}
	defer response.Body.Close()
	a := answer{status: response.StatusCode, header: response.Header}
	if a.body, err = io.ReadAll(response.Body); err != nil {
		p.Fatalf("%s: %v", c, err)
	}
	maps.Copy(a.header, response.Trailer)
	return a
}

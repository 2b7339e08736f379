package routes

import (
	"bytes"
	_ "embed"
	"html/template"
	"net/http"
	"strings"

	"framehouse/internal/contracts"
)

var (
	//go:embed docs.html
	docsHTML string
	//go:embed landing.html
	landingHTML string

	// The icon stands in the page, so that no browser asks for another.
	pageTemplates = template.Must(template.Must(template.Must(template.New("icon").Parse(
		`<link rel="icon" href="data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E%3Cpath fill='%230a5fb4' d='M1 2h14v3H1zm0 5h6v3H1zm8 0h6v3H9zm-8 5h6v3H1zm8 0h6v3H9z'/%3E%3C/svg%3E">`)).
		New("docs").Parse(docsHTML)).New("landing").Parse(landingHTML))
)

// What the pages may do. The one with docs runs scripts of ours and asks the server that it
// comes from; nothing may be asked of anybody else, so it works without internet.
const (
	landingPolicy = "default-src 'none'; style-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
	docsPolicy    = "default-src 'none'; script-src 'self'; connect-src 'self'; img-src 'self' data:; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)

// registerDocs serves the pages for people. Their links are relative, so that they hold
// behind any prefix.
func (a *API) registerDocs() {
	var err error
	if a.assets, err = readAssets(); err != nil {
		panic(err) // they are part of the program
	}
	a.mux.Get("/docs", func(w http.ResponseWriter, r *http.Request) {
		a.writePage(w, r, "docs", docsPolicy, map[string]any{"Assets": a.assets.path, "Complete": a.assets.complete})
	})
	a.mux.Get("/docs/LICENSE", a.serveLicence)
	a.mux.Get("/docs/{hash}/{file}", a.serveAsset)
	a.mux.Get("/", a.landing)
}

// writePage answers with a page, unless the client wants something else: a program that
// expects JSON is told, rather than sent what it can't read.
func (a *API) writePage(w http.ResponseWriter, r *http.Request, name, policy string, data any) {
	html := []contracts.Format{{Name: "html", MediaType: "text/html"}}
	if _, err := contracts.Negotiate(html, "", strings.Join(r.Header.Values("Accept"), ",")); err != nil {
		message := "This is a page for people, in HTML."
		a.answer(w, r, &contracts.Error{Code: contracts.CodeNotAcceptable, Detail: message, Issues: []contracts.Issue{{
			Location: "header.Accept", Message: message, Value: r.Header.Get("Accept"), Hint: a.at("/openapi.json") + " describes all routes to programs.",
		}}})
		return
	}
	var page bytes.Buffer
	if err := pageTemplates.ExecuteTemplate(&page, name, data); err != nil {
		a.answer(w, r, err)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", policy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cache-Control", "no-store") // what is published changes, and so does the program
	h.Add("Vary", "Accept")
	_, _ = w.Write(page.Bytes()) // a client that left needs no answer
}

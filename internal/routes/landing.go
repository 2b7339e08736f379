package routes

import (
	"net/http"
	"net/url"
	"path"
	"regexp"
	"strings"

	"framehouse/internal/catalog"
)

// listed is how many tables, and how many nodes, the first page names: what fits in a look.
const listed = 24

// landingPage is what the first page says.
type landingPage struct {
	Base     string // leads from the page's own path to the root, relative
	Assets   string
	Version  string
	Warning  string
	Sections []landingSection
	Examples []string // what to give to curl
}

type landingSection struct {
	Title, List string
	Count, More int
	Entries     []landingEntry
}

type landingEntry struct{ Name, Label, Path string }

// landing answers with the first page. It asks ClickHouse for nothing but whether it is
// there, and repeats no error: those are for the log.
func (a *API) landing(w http.ResponseWriter, r *http.Request) {
	page := landingPage{Base: a.relativeBase(r), Assets: a.assets.path, Version: a.Build.Version}
	if a.Catalog == nil {
		a.writePage(w, r, "landing", landingPolicy, page)
		return
	}
	if _, err := a.ping(r.Context()); err != nil {
		page.Warning = "ClickHouse cannot be reached at the moment, so requests for data are answered with 503."
	}
	published, err := a.Catalog.Current()
	switch {
	case err != nil:
		page.Warning = "ClickHouse cannot be reached yet, so it is not known what is published. Requests for data are answered with 503 until it is."
	case len(published.Tables)+len(published.Nodes) == 0 && page.Warning == "":
		page.Warning = "Nothing is published."
	}
	if err == nil {
		page.publish(published, a.address(r))
	}
	a.writePage(w, r, "landing", landingPolicy, page)
}

// publish lists what is published, and shows questions to address that it answers.
func (p *landingPage) publish(published *catalog.Catalog, address string) {
	tables := landingSection{Title: "Tables", List: "v1/tables", Count: len(published.Tables)}
	for _, t := range published.Tables[:min(listed, len(published.Tables))] {
		tables.add(t)
	}
	nodes := landingSection{Title: "Time series", List: "v1/nodes", Count: len(published.Nodes)}
	for _, n := range published.Nodes[:min(listed, len(published.Nodes))] {
		nodes.add(&n.Table)
	}
	p.Sections = []landingSection{tables, nodes}
	for i := range p.Sections {
		p.Sections[i].More = p.Sections[i].Count - len(p.Sections[i].Entries)
	}
	example := func(entry landingEntry, question string) {
		p.Examples = append(p.Examples, "'"+address+"/"+entry.Path+question+"'")
	}
	if len(tables.Entries) > 0 {
		example(tables.Entries[0], "/rows?limit=5")
		example(tables.Entries[0], "/rows?limit=100&format=csv")
	}
	if len(nodes.Entries) > 0 {
		example(nodes.Entries[0], "/latest?limit=5")
	}
}

func (s *landingSection) add(t *catalog.Table) {
	s.Entries = append(s.Entries, landingEntry{t.Name, t.Label, s.List + "/" + url.PathEscape(t.Name)})
}

// relativeBase leads from the path of a request for the first page to where links begin:
// under /data they begin with data/, under /data/ with nothing.
func (a *API) relativeBase(r *http.Request) string {
	asked, _, _ := strings.Cut(r.RequestURI, "?")
	if a.BasePath != "" && asked == a.BasePath {
		return path.Base(asked) + "/"
	}
	return ""
}

// plainHost is a host that can stand in a command as it is.
var plainHost = regexp.MustCompile(`^[A-Za-z0-9.:\[\]_-]{1,255}$`)

// address is what the client calls us, with the base path and no slash at its end.
func (a *API) address(r *http.Request) string {
	if a.PublicURL != "" {
		return a.PublicURL
	}
	scheme, host := "http", r.Host
	if r.TLS != nil {
		scheme = "https"
	}
	if !plainHost.MatchString(host) {
		host = "localhost"
	}
	return scheme + "://" + host + a.BasePath
}

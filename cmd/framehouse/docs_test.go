package main

import (
	"encoding/json"
	"fmt"
	"html"
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"framehouse/internal/store/storetest"
)

// Somebody else's tables may say what would be elements of a page, or Markdown.
const (
	hostileDescription = "*Who* owes <img src=http://127.0.0.1:1/x.png onerror=alert(1)>![x](http://127.0.0.1:1/y.png) [us](javascript:alert(1))"
	hostileComment     = "</script><style>body{display:none}</style><img src=x onerror=alert(1)>"
)

// customers opens an App over a database of customers, whose numbers a browser can't hold.
func customers(t *testing.T, cfg Config) *App {
	t.Helper()
	database := storetest.Database(t)
	storetest.Exec(t, database, `
		CREATE TABLE customers (id UInt32, customer_code String, name String, region String COMMENT '`+hostileComment+`', credit Decimal(38, 18)) ORDER BY id;
		INSERT INTO customers VALUES (1, 'ACME', '"A", \\ {b}: [c]', 'US', 12345678901234567890.123456789012345678), (2, 'BOLT', 'Bolt & <Sons>', 'EU', 0.5);
		CREATE TABLE prices (at DateTime('UTC'), id String, price Float64) ORDER BY (at, id);
		INSERT INTO prices VALUES ('2026-01-02 03:04:05', 'A', 1.5);
	`)
	address, _ := forward(t, "127.0.0.1:0")
	cfg.ClickHouse = urlOf(t, database, address)
	cfg.CatalogFile = writeCatalog(t, `
tables:
  customers: {label: Customers & <friends>, key: [id], description: "`+hostileDescription+`"}
nodes:
  prices: {time: at, dimensions: id}
`)
	return open(t, cfg)
}

// The page lists the operations, one is opened and run, and shows the rows of the answer
// with all their digits.
func TestDocsPage(t *testing.T) {
	findChromium(t)
	for _, base := range []string{"", "/team/data"} {
		t.Run("base path "+base, func(t *testing.T) { testDocsPage(t, customers(t, Config{BasePath: base})) })
	}
}

func testDocsPage(t *testing.T, app *App) {
	b := openBrowser(t, app.URL())
	const source = "#operations-Tutorial-readCustomersSource"
	b.do(
		chromedp.Navigate(app.URL()+"/docs"),
		chromedp.WaitVisible(chromedp.CSS(source)),
		chromedp.WaitNotPresent(chromedp.CSS(source+" .btn.execute")), // closed at first
	)
	b.press(source + " .opblock-summary-control")
	b.press(source + " .btn.execute")
	if asked := b.text(source + " .request-url pre"); asked != app.URL()+"/widgets/customers/source" {
		t.Errorf("asked %q", asked)
	}
	shown := b.text(source + " .live-responses-table .response-col_description pre")
	var frame frame
	if err := json.Unmarshal([]byte(shown), &frame); err != nil {
		t.Fatalf("%v: %s", err, shown)
	}
	if len(frame.Rows) != 2 || frame.Rows[0]["name"] != `"A", \ {b}: [c]` || frame.Rows[1]["name"] != "Bolt & <Sons>" {
		t.Errorf("rows %v", frame.Rows)
	}
	if !strings.Contains(shown, `"credit": 12345678901234567890.123456789012345678`) {
		t.Errorf("digits are lost: %s", shown)
	}
	if place, err := chromedp.Run(b.ctx, chromedp.Location()); err != nil || place != app.URL()+"/docs#/Tutorial/readCustomersSource" {
		t.Errorf("the page is at %q: %v", place, err)
	}

	// A link to an operation opens it. Examples of what need not be said are not sent.
	const list = "#operations-Tables-listTables"
	b.do(
		chromedp.Navigate("about:blank"), // else only what follows # changes
		chromedp.Navigate(app.URL()+"/docs#/Tables/listTables"),
	)
	b.press(list + " .btn.execute")
	if asked := b.text(list + " .request-url pre"); asked != app.URL()+"/v1/tables" {
		t.Errorf("asked %q", asked)
	}

	// A button works as soon as it is there.
	const nodes, execute = "#operations-Nodes-listNodes", " .btn.execute"
	b.do(chromedp.WaitVisible(chromedp.CSS(nodes)))
	if _, err := chromedp.Run(b.ctx, chromedp.Evaluate[bool](fmt.Sprintf(`new Promise((done) => {
		const observer = new MutationObserver(() => {
			const button = document.querySelector(%q);
			if (!button) return;
			observer.disconnect();
			button.click();
			done(true);
		});
		observer.observe(document.body, { childList: true, subtree: true });
		document.querySelector(%q).click();
	})`, nodes+execute, nodes+" .opblock-summary-control"), chromedp.EvalAwaitPromise)); err != nil {
		t.Fatal(err)
	}
	if asked := b.text(nodes + " .request-url pre"); asked != app.URL()+"/v1/nodes" {
		t.Errorf("asked %q", asked)
	}

	// What the catalog and ClickHouse say is shown as the text that it is.
	const read = "#operations-Published_tables-readCustomers"
	b.press(read + " .opblock-summary-control")
	b.do(chromedp.WaitVisible(chromedp.CSS(read + " .btn.execute")))
	if shown := b.text(read + " .opblock-description"); !strings.Contains(shown, hostileDescription) {
		t.Errorf("the description %q is shown as %q", hostileDescription, shown)
	}
	if shown := b.text(read + ` tr[data-param-name="region"]`); !strings.Contains(shown, hostileComment) {
		t.Errorf("the comment %q is shown as %q", hostileComment, shown)
	}
	b.blameless()
}

func TestLandingPageInBrowser(t *testing.T) {
	findChromium(t)
	app := customers(t, Config{BasePath: "/team/data"})
	b := openBrowser(t, app.URL())
	for _, end := range []string{"", "/"} {
		b.do(chromedp.Navigate(app.URL() + end))
		if shown := b.text("body"); !strings.Contains(shown, "Customers & <friends>") {
			t.Errorf("the page shows %s", shown)
		}
		b.press(`a[href$="docs"]`)
		b.do(chromedp.WaitVisible(chromedp.CSS("#operations-Service-getHealth")))
	}
	b.blameless()
}

var (
	curlLine = regexp.MustCompile(`<pre>curl &#39;(.*)&#39;</pre>`)
	pageLink = regexp.MustCompile(`href="([^"]*)"`)
)

// Every link of the page leads somewhere, and its examples work as they stand.
func TestLandingPage(t *testing.T) {
	t.Parallel()
	app := customers(t, Config{})
	page := get(t, app.URL()+"/")
	if page.status != http.StatusOK || !strings.Contains(string(page.body), "Customers &amp; &lt;friends&gt;") {
		t.Fatalf("status %d: %s", page.status, page.body)
	}
	if !strings.Contains(page.header.Get("Content-Security-Policy"), "default-src 'none'") || page.header.Get("Cache-Control") != "no-store" {
		t.Errorf("headers %v", page.header)
	}
	links := pageLink.FindAllStringSubmatch(string(page.body), -1)
	if len(links) < 12 {
		t.Errorf("links %v", links)
	}
	for _, link := range links {
		if strings.HasPrefix(link[1], "data:") {
			continue
		}
		if a := get(t, app.URL()+"/"+html.UnescapeString(link[1])); a.status != http.StatusOK {
			t.Errorf("%s leads to %d %s", link[1], a.status, a.body)
		}
	}
	examples := curlLine.FindAllStringSubmatch(string(page.body), -1)
	if len(examples) != 3 {
		t.Errorf("examples %v", examples)
	}
	for _, example := range examples {
		if a := get(t, html.UnescapeString(example[1])); a.status != http.StatusOK || !strings.Contains(string(a.body), "ACME") && !strings.Contains(string(a.body), "1.5") {
			t.Errorf("%s: %d %s", example[1], a.status, a.body)
		}
	}
	// Programs are told what is for them.
	for _, path := range []string{"/", "/docs"} {
		if p := getAs(t, app.URL()+path, "application/json").problem(t); p.Status != http.StatusNotAcceptable || !strings.Contains(p.Errors[0].Hint, "/openapi.json") {
			t.Errorf("%s as JSON: %+v", path, p)
		}
	}
}

// The examples go to where clients are told to go.
func TestLandingPageBehindAProxy(t *testing.T) {
	t.Parallel()
	app := customers(t, Config{BasePath: "/data", PublicURL: "https://data.example.com/data"})
	page := string(get(t, app.URL()).body)
	if !strings.Contains(page, "curl &#39;https://data.example.com/data/v1/tables/customers/rows") || strings.Contains(page, "127.0.0.1") {
		t.Errorf("the page is %s", page)
	}
}

func TestLandingPageWithoutClickHouse(t *testing.T) {
	t.Parallel()
	database := storetest.Database(t)
	storetest.Exec(t, database, "CREATE TABLE things (id UInt32) ORDER BY id AS SELECT 1 AS id")
	address, stop := forward(t, "127.0.0.1:0")
	app := open(t, Config{ClickHouse: urlOf(t, database, address), CatalogFile: writeCatalog(t, "tables: {things: }")})
	stop()
	page := get(t, app.URL()+"/")
	if text := string(page.body); page.status != http.StatusOK || !strings.Contains(text, "cannot be reached at the moment") || !strings.Contains(text, "things") || strings.Contains(text, address) {
		t.Errorf("ClickHouse has gone: %d %s", page.status, text)
	}
	app = open(t, Config{ClickHouse: urlOf(t, database, refused(t)), CatalogFile: writeCatalog(t, "tables: {things: }")})
	page = get(t, app.URL()+"/")
	if text := string(page.body); page.status != http.StatusOK || !strings.Contains(text, "cannot be reached yet") || strings.Contains(text, "things") {
		t.Errorf("ClickHouse has never been there: %d %s", page.status, text)
	}
}

// The script has the version; the page says which licences come with it.
func TestDocsAssets(t *testing.T) {
	t.Parallel()
	app := customers(t, Config{})
	page := string(get(t, app.URL()+"/docs").body)
	assets := regexp.MustCompile(`(?:src|href)="(docs/[0-9a-f]{16}/[a-z.-]+)"`).FindAllStringSubmatch(page, -1)
	if len(assets) != 4 {
		t.Fatalf("assets %v of %s", assets, page)
	}
	for _, asset := range assets {
		// The client of these tests asks for gzip and unpacks it.
		a := get(t, app.URL()+"/"+asset[1])
		if a.status != http.StatusOK || len(a.body) < 500 || a.header.Get("Cache-Control") != "public, max-age=31536000, immutable" {
			t.Errorf("%s: %d, %d bytes, %v", asset[1], a.status, len(a.body), a.header)
		}
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, app.URL()+"/"+asset[1], nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, accept := range []string{"gzip", "identity"} {
			request.Header.Set("Accept-Encoding", accept)
			response, err := http.DefaultTransport.RoundTrip(request)
			if err != nil {
				t.Fatal(err)
			}
			response.Body.Close()
			if got := response.Header.Get("Content-Encoding"); (got == "gzip") != (accept == "gzip") || response.Header.Get("Vary") != "Accept-Encoding" {
				t.Errorf("%s for %s: Content-Encoding %q, Vary %q", asset[1], accept, got, response.Header.Get("Vary"))
			}
		}
	}
	if a := get(t, app.URL()+"/docs/LICENSE"); a.status != http.StatusOK || !strings.Contains(string(a.body), "Apache License") {
		t.Errorf("/docs/LICENSE: %d %.200s", a.status, a.body)
	}
	if p := get(t, app.URL()+"/"+strings.Replace(assets[0][1], ".css", ".json", 1)).problem(t); p.Status != http.StatusNotFound {
		t.Errorf("no asset: %+v", p)
	}
	script, err := os.ReadFile("../../scripts/fetch-docs.sh")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(script), "\nPINNED=sha512-") {
		t.Error("scripts/fetch-docs.sh pins no checksum")
	}
}

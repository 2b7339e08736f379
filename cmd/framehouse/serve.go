package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"runtime/debug"

	"framehouse/internal/contracts"
)

// clickHouseFlags choose a ClickHouse.
type clickHouseFlags struct {
	ClickHouse string `name:"clickhouse" placeholder:"URL" help:"Use this ClickHouse, by its HTTP interface: http(s)://user:password@host:8123,host2:8123/database. TLS options: ?skip_verify=true&ca=FILE&cert=FILE&key=FILE&tls_server_name=NAME. Without it, a ClickHouse is started on --data."`
	Data       string `placeholder:"DIR" help:"Data folder of the ClickHouse that is started (./data)."`
}

// dataDir is the data folder, which only a ClickHouse of our own has.
func (f *clickHouseFlags) dataDir() (string, error) {
	if f.ClickHouse != "" && f.Data != "" {
		return "", usageError{errors.New("--data is for a ClickHouse that framehouse starts; give either --data or --clickhouse")}
	}
	return cmp.Or(f.Data, "./data"), nil
}

// catalogFile is the catalog when none is named.
const catalogFile = "catalog.yaml"

// whatFlags choose what is published.
type whatFlags struct {
	Catalog string `placeholder:"FILE" help:"What is published (catalog.yaml). An edit is served within two seconds, or at SIGHUP at once."`
	Publish string `placeholder:"DATABASE" help:"Publish every table and view of this database as it is found, without a catalog."`
	Demo    bool   `help:"Publish the demo catalog and its data, loaded on first start into tables of the ClickHouse that is used."`
}

func (f *whatFlags) check() error {
	if f.Demo && f.Catalog != "" {
		return usageError{errors.New("--demo has a catalog of its own; give either --demo or --catalog")}
	}
	if f.Publish != "" && (f.Demo || f.Catalog != "") {
		return usageError{errors.New("--publish does without a catalog; give only one of --publish, --catalog and --demo")}
	}
	return nil
}

type serveCommand struct {
	clickHouseFlags
	whatFlags
	Listen string `default:"127.0.0.1:8080" placeholder:"HOST:PORT" help:"Address to serve on (${default})."`
	addressFlags
	corsFlags
	limitFlags
	CacheSize cacheSize  `default:"256MB" placeholder:"SIZE" help:"Memory for answers that are kept as long as the data they come from does not change, such as 64MB or 1GB; 0 keeps none (${default})."`
	LogLevel  slog.Level `default:"INFO" placeholder:"LEVEL" help:"Log from this level on: DEBUG, INFO, WARN or ERROR; DEBUG has a line for each request (${default})."`
}

func (serveCommand) Help() string {
	return `Examples:
  framehouse serve --demo
  framehouse serve --publish market --clickhouse http://reader:secret@db.example.com:8123
  framehouse serve --catalog catalog.yaml --clickhouse http://reader:secret@db.example.com:8123/market`
}

// gcPercent lets the heap grow further than usual before it is collected. A server that
// streams holds little and turns over much. With 200 an answer in Parquet comes close to
// the memory it may take. See docs/performance.md.
const gcPercent = 150

func (c *serveCommand) Run(ctx context.Context, console console) error {
	if err := c.whatFlags.check(); err != nil {
		return err
	}
	basePath, publicURL, err := c.addressFlags.check()
	if err != nil {
		return err
	}
	origins, err := c.origins()
	if err != nil {
		return err
	}
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
	if err := c.limitFlags.check(); err != nil {
		return err
	}
	dir, err := c.dataDir()
	if err != nil {
		return err
	}
	app, err := Open(ctx, Config{
		Listen:       c.Listen,
		CatalogFile:  cmp.Or(c.Catalog, catalogFile),
		Demo:         c.Demo,
		Publish:      c.Publish,
		ClickHouse:   c.ClickHouse,
		DataDir:      dir,
		QueryTimeout: c.QueryTimeout,
		QueryLimits:  c.queryLimits(),
		MaxQueries:   c.MaxQueries,
		QueueTimeout: c.QueueTimeout,
		Origins:      origins,
		BasePath:     basePath,
		PublicURL:    publicURL,
		CacheSize:    int64(c.CacheSize),
		Logger:       logger(console, c.LogLevel),
		Progress:     func(message string) { fmt.Fprintln(console.err, message) },
	})
	if err != nil {
		return err
	}
	hangups, stopHangups := onHangup() // before anybody is told where we serve
	defer stopHangups()
	fmt.Fprintf(console.err, "\nframehouse serves at %s (routes: %s/docs)\n", app.URL(), app.URL())
	if c.Demo {
		fmt.Fprintf(console.err, `Try:
  curl '%[1]s/customers?region=US'
  curl '%[1]s/v1/nodes/sp500/rows?from=2008-09-01&to=2008-09-30'
  curl '%[1]s/v1/tables/airports/rows?state=AK&limit=5'
`, app.URL())
	}
	if c.Publish != "" {
		fmt.Fprintf(console.err, "Every table and view of %s is published, and listed at %s/v1/tables and %[2]s/v1/nodes.\nframehouse catalog init writes a catalog of them, to say more.\n", c.Publish, app.URL())
	}
	fmt.Fprintln(console.err, "Ctrl-C stops it.")
	for {
		select {
		case terminalGone := <-hangups:
			if !terminalGone {
				app.Reload()
				continue
			}
		case <-ctx.Done():
		case err = <-app.Failed():
		}
		return errors.Join(err, app.Close())
	}
}

func logger(console console, level slog.Level) *slog.Logger {
	return slog.New(slog.NewTextHandler(console.err, &slog.HandlerOptions{Level: level}))
}

// unavailable tells a ClickHouse that is away or too busy from one that will never answer.
func unavailable(err error) bool {
	var e *contracts.Error
	if !errors.As(err, &e) {
		return false
	}
	return e.Code == contracts.CodeUnavailable || e.Code == contracts.CodeTooManyRequests || e.Code == contracts.CodeQueryTooExpensive
}

package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"framehouse/internal/contracts"
)

// clickHouseFlags choose a ClickHouse.
type clickHouseFlags struct {
	ClickHouse string `name:"clickhouse" placeholder:"URL" help:"Use this ClickHouse, by its HTTP interface: http(s)://user:password@host:8123,host2:8123/database. TLS options: ?skip_verify=true&ca=FILE&cert=FILE&key=FILE&tls_server_name=NAME. Without it, a ClickHouse is started on --data."`
	Data       string `default:"./data" placeholder:"DIR" help:"Data folder of the ClickHouse that is started (${default})."`
}

type serveCommand struct {
	clickHouseFlags
	Listen       string        `default:"127.0.0.1:8080" placeholder:"HOST:PORT" help:"Address to serve on (${default})."`
	Catalog      string        `placeholder:"FILE" help:"What is published (catalog.yaml)."`
	Demo         bool          `help:"Serve the demo catalog and its data, loaded on first start into tables of the ClickHouse that is used."`
	QueryTimeout time.Duration `default:"30s" help:"How long ClickHouse may work on one query (${default})."`
	LogLevel     slog.Level    `default:"INFO" placeholder:"LEVEL" help:"Log from this level on: DEBUG, INFO, WARN or ERROR; DEBUG has a line for each request (${default})."`
}

func (serveCommand) Help() string {
	return `Examples:
  framehouse serve --demo
  framehouse serve --catalog catalog.yaml --clickhouse http://reader:secret@db.example.com:8123/market`
}

func (c *serveCommand) Run(ctx context.Context, console console) error {
	if c.Demo && c.Catalog != "" {
		return usageError{errors.New("--demo serves a catalog of its own; give either --demo or --catalog")}
	}
	app, err := Open(ctx, Config{
		Listen:       c.Listen,
		CatalogFile:  cmp.Or(c.Catalog, "catalog.yaml"),
		Demo:         c.Demo,
		ClickHouse:   c.ClickHouse,
		DataDir:      c.Data,
		QueryTimeout: c.QueryTimeout,
		Logger:       logger(console, c.LogLevel),
		Progress:     func(message string) { fmt.Fprintln(console.err, message) },
	})
	if err != nil {
		return err
	}
	fmt.Fprintf(console.err, "\nframehouse serves at %s (routes: %s/docs)\n", app.URL(), app.URL())
	if c.Demo {
		fmt.Fprintf(console.err, `Try:
  curl '%[1]s/customers?region=US'
  curl '%[1]s/v1/nodes/sp500/rows?from=2008-09-01&to=2008-09-30'
  curl '%[1]s/v1/tables/airports/rows?state=AK&limit=5'
`, app.URL())
	}
	fmt.Fprintln(console.err, "Ctrl-C stops it.")
	select {
	case <-ctx.Done():
	case err = <-app.Failed():
	}
	return errors.Join(err, app.Close())
}

func logger(console console, level slog.Level) *slog.Logger {
	return slog.New(slog.NewTextHandler(console.err, &slog.HandlerOptions{Level: level}))
}

func unavailable(err error) bool {
	var e *contracts.Error
	return errors.As(err, &e) && e.Code == contracts.CodeUnavailable
}

package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"

	"framehouse/internal/routes"
)

type openapiCommand struct {
	clickHouseFlags
	whatFlags
	addressFlags
	Format string `enum:"yaml,json" default:"yaml" env:"FRAMEHOUSE_OPENAPI_FORMAT" help:"yaml or json (${default})."`
}

func (openapiCommand) Help() string {
	return `Prints the document that a server with the same flags has at /openapi.yaml. ClickHouse is asked for the types of columns.
Without a catalog, the routes for any table and node are described.
Examples:
  framehouse openapi --catalog catalog.yaml --clickhouse http://reader:secret@db.example.com:8123/market > openapi.yaml
  framehouse openapi --format json > openapi.json`
}

func (c *openapiCommand) Run(ctx context.Context, console console) error {
	if err := c.whatFlags.check(); err != nil {
		return err
	}
	basePath, publicURL, err := c.addressFlags.check()
	if err != nil {
		return err
	}
	services := routes.Services{Build: build(), Logger: slog.New(slog.DiscardHandler), BasePath: basePath, PublicURL: publicURL}
	_, err = os.Stat(cmp.Or(c.Catalog, catalogFile))
	if c.Catalog == "" && err != nil && !c.Demo && c.Publish == "" {
		fmt.Fprintf(console.err, "There is no %s here: described are the routes for any table and node, and none of your own.\n", catalogFile)
		return c.print(console, services)
	}
	dir, err := c.dataDir()
	if err != nil {
		return err
	}
	config := Config{
		CatalogFile: cmp.Or(c.Catalog, catalogFile), Demo: c.Demo, Publish: c.Publish, ClickHouse: c.ClickHouse, DataDir: dir,
		Logger: slog.New(slog.DiscardHandler), Progress: func(message string) { fmt.Fprintln(console.err, message) },
	}
	name, content, err := config.catalog()
	if err != nil {
		return err
	}
	db, engine, err := openStore(ctx, config, "framehouse openapi")
	if err != nil {
		return err
	}
	if engine != nil {
		defer engine.Close() // after the connections to it
	}
	defer db.Close()
	if c.Demo {
		if err := loadDemo(ctx, db, config.Progress); err != nil {
			return err
		}
	}
	services.Catalog = config.live(name, content, db)
	if err := services.Catalog.Load(ctx); err != nil {
		return err
	}
	published, err := services.Catalog.Current()
	if err != nil {
		return err
	}
	// A document without what is at fault would look whole.
	if faults := published.Faults; len(faults) > 0 {
		for _, f := range faults {
			fmt.Fprintln(console.err, f)
		}
		return errReported
	}
	return c.print(console, services)
}

func (c *openapiCommand) print(console console, services routes.Services) error {
	document, err := routes.New(services).Document()
	if err != nil {
		return err
	}
	if c.Format == "yaml" {
		text, err := document.YAML()
		if err != nil {
			return err
		}
		_, err = console.out.Write(text)
		return err
	}
	text, err := json.Marshal(document)
	if err != nil {
		return err
	}
	var indented bytes.Buffer
	if err := json.Indent(&indented, text, "", "  "); err != nil {
		return err
	}
	indented.WriteByte('\n')
	_, err = console.out.Write(indented.Bytes())
	return err
}

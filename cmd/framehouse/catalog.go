package main

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"

	"framehouse/internal/catalog"
)

type catalogCommand struct {
	Init  initCommand  `cmd:"" help:"Write a catalog for the tables of a database, to be edited."`
	Check checkCommand `cmd:"" help:"Verify a catalog against ClickHouse; list every fault with its line."`
}

type checkCommand struct {
	clickHouseFlags
	Catalog string `default:"catalog.yaml" placeholder:"FILE" help:"The catalog to check (${default})."`
}

func (checkCommand) Help() string {
	return `Example:
  framehouse catalog check --catalog catalog.yaml --clickhouse http://reader:secret@db.example.com:8123/market`
}

func (c *checkCommand) Run(ctx context.Context, console console) error {
	dir, err := c.dataDir()
	if err != nil {
		return err
	}
	config := Config{CatalogFile: c.Catalog, ClickHouse: c.ClickHouse, DataDir: dir, Logger: logger(console, slog.LevelWarn)}
	name, content, err := config.catalog()
	if err != nil {
		return err
	}
	db, engine, err := openStore(ctx, config, "framehouse catalog check")
	if err != nil {
		return err
	}
	if engine != nil {
		defer engine.Close() // after the connections to it
	}
	defer db.Close()
	published, err := catalog.Load(ctx, name, content, db)
	if err != nil {
		return err
	}
	for _, f := range published.Faults {
		fmt.Fprintln(console.out, f)
	}
	if len(published.Faults) > 0 {
		return errReported
	}
	fmt.Fprintf(console.out, "%s is fine: %s, %s\n", name, count(len(published.Tables), "table"), count(len(published.Nodes), "node"))
	return nil
}

type initCommand struct {
	clickHouseFlags
	Database string `placeholder:"NAME" help:"The database to write about (the one of the URL)."`
}

func (initCommand) Help() string {
	return `Prints a catalog of all tables and views of a database. What is only guessed is a comment.
Example:
  framehouse catalog init --clickhouse http://reader:secret@db.example.com:8123/market > catalog.yaml`
}

func (c *initCommand) Run(ctx context.Context, console console) error {
	dir, err := c.dataDir()
	if err != nil {
		return err
	}
	config := Config{ClickHouse: c.ClickHouse, DataDir: dir, Logger: logger(console, slog.LevelWarn)}
	db, engine, err := openStore(ctx, config, "framehouse catalog init")
	if err != nil {
		return err
	}
	if engine != nil {
		defer engine.Close() // after the connections to it
	}
	defer db.Close()
	database := cmp.Or(c.Database, db.Database())
	draft, err := catalog.Init(ctx, db, database)
	if err != nil {
		return err
	}
	if draft.Tables == 0 {
		return fmt.Errorf("the database %s has no table or view that can be published", database)
	}
	_, err = console.out.Write(draft.Text)
	return err
}

func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

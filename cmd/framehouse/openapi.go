package main

import (
	"encoding/json"
	"log/slog"

	"framehouse/internal/routes"
)

type openapiCommand struct {
	Format string `enum:"yaml,json" default:"yaml" env:"FRAMEHOUSE_OPENAPI_FORMAT" help:"yaml or json (${default})."`
}

func (openapiCommand) Help() string {
	return `Example:
  framehouse openapi --format json > openapi.json`
}

func (c *openapiCommand) Run(console console) error {
	document := routes.New(routes.Services{Build: build(), Logger: slog.New(slog.DiscardHandler)}).OpenAPI()
	if c.Format == "yaml" {
		text, err := document.YAML()
		if err != nil {
			return err
		}
		_, err = console.out.Write(text)
		return err
	}
	encoder := json.NewEncoder(console.out)
	encoder.SetIndent("", "  ")
	return encoder.Encode(document)
}

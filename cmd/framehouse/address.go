package main

import (
	"fmt"

	"framehouse/internal/routes"
)

// corsFlags say which sites may read answers in a browser.
type corsFlags struct {
	CORSOrigins []string `name:"cors-origins" placeholder:"ORIGIN,..." help:"Sites whose scripts may read answers in a browser: https://app.example.com, or https://*.example.com for every name one label longer; with a port, if it has one. * alone allows all, without credentials. None unless it is said."`
}

func (f *corsFlags) origins() (routes.Origins, error) {
	origins, err := routes.ParseOrigins(f.CORSOrigins)
	if err != nil {
		return origins, usageError{fmt.Errorf("--cors-origins: %w", err)}
	}
	return origins, nil
}

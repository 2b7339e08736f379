package main

import (
	"fmt"
	"runtime/debug"

	"framehouse/internal/routes"
	"framehouse/internal/store/engine"
)

// version is the release; make build sets it from the tag.
var version = "dev"

// commit is what the release was built from; make build sets it.
var commit = ""

type versionCommand struct{}

func (versionCommand) Help() string {
	return `Example:
  framehouse version`
}

func (versionCommand) Run(console console) error {
	b := build()
	commit := ""
	if b.Commit != "" {
		commit = "commit " + b.Commit + "\n"
	}
	_, err := fmt.Fprintf(console.out, "framehouse %s\n%sengine libchdb %s\n", b.Version, commit, engine.Version)
	return err
}

func build() routes.Build {
	b := routes.Build{Version: version, Commit: commit}
	if info, ok := debug.ReadBuildInfo(); ok && b.Commit == "" {
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" {
				b.Commit = s.Value
			}
		}
	}
	return b
}

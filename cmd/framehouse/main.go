// Command framehouse publishes ClickHouse tables and time series as tabular frames over
// HTTP.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"

	"framehouse/internal/contracts"
	"framehouse/internal/store/engine"
)

func main() {
	engine.Main() // does not return when this process was started to be ClickHouse
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	// The first Ctrl-C ends in good order, the second at once.
	context.AfterFunc(ctx, stop)
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// Exit codes.
const (
	exitFine   = 0
	exitFailed = 1
	exitUsage  = 2
)

type commandLine struct {
	Serve   serveCommand   `cmd:"" help:"Serve the API."`
	Catalog catalogCommand `cmd:"" help:"Work with a catalog."`
	OpenAPI openapiCommand `cmd:"" name:"openapi" help:"Print the OpenAPI document."`
	Version versionCommand `cmd:"" help:"Print the versions of framehouse and of its engine."`
}

// console is where a command writes: results to out, all else to err.
type console struct {
	out, err io.Writer
}

// usageError is a mistake on the command line that shows only when it is acted on.
type usageError struct{ error }

// errReported is the failure of a command that has said all there is to say.
var errReported = errors.New("reported")

// run is main without the process: what it does depends on its arguments alone.
func run(ctx context.Context, args []string, out, errs io.Writer) int {
	var cli commandLine
	exit := -1
	parser, err := kong.New(&cli,
		kong.Name("framehouse"),
		kong.Description("Publishes ClickHouse tables and time series as tabular frames over HTTP."),
		kong.DefaultEnvars("FRAMEHOUSE"),
		kong.Writers(out, errs),
		kong.Exit(func(code int) { exit = code }),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}),
		kong.Bind(console{out, errs}),
		kong.BindTo(ctx, (*context.Context)(nil)),
	)
	if err != nil {
		fmt.Fprintln(errs, "framehouse:", err)
		return exitFailed
	}
	parsed, err := parser.Parse(args)
	if exit >= 0 {
		return exit // --help has been printed
	}
	if err != nil {
		fmt.Fprintln(errs, "framehouse:", err)
		fmt.Fprintln(errs, "See framehouse --help.")
		return exitUsage
	}
	err = parsed.Run()
	if err == nil {
		return exitFine
	}
	if !errors.Is(err, errReported) {
		fmt.Fprintln(errs, "framehouse:", told(err))
	}
	if errors.As(err, new(usageError)) {
		return exitUsage
	}
	return exitFailed
}

// told is an error for the person at the console, who is the operator: what a client may
// read, and the cause that a client may not.
func told(err error) string {
	var e *contracts.Error
	if !errors.As(err, &e) {
		return err.Error()
	}
	if e.Cause == nil {
		return e.Detail
	}
	return e.Detail + " (" + e.Cause.Error() + ")"
}

// Command bench measures framehouse beside ClickHouse: both answer for the same rows, on
// one machine, in turns, and what is told is the ratio of the two. See docs/performance.md.
//
// It ends with 0 also when a target is missed, since a busy machine is no fault of the
// code, and with 1 when something could not be measured.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"
)

// runLimit ends a run in which something hangs.
const runLimit = 15 * time.Minute

func main() {
	program := flag.String("framehouse", "bin/framehouse", "the `program` to measure")
	quick := flag.Bool("quick", false, "fewer rows and repeats: whether it works, not how fast it is")
	only := flag.String("only", "a,b,c,d,e,f,g", "parts to run: a encoder, b a million rows, c small requests, d memory, e time series, f what is kept, g long ranges from pieces")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	ctx, cancel := context.WithTimeoutCause(ctx, runLimit, fmt.Errorf("the run took longer than %s", runLimit))
	defer cancel()
	if err := run(ctx, *program, *quick, strings.Split(*only, ",")); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// scale is how much is measured.
type scale struct {
	rows, manyRows int           // of the tables
	encodings      int           // repeats of part a
	repeats        int           // of part b
	rounds         int           // of part c
	round          time.Duration // of one contender in parts c and f
	random         time.Duration // of random requests in part f
}

var (
	full  = scale{rows: 1_000_000, manyRows: 10_000_000, encodings: 7, repeats: 9, rounds: 21, round: 500 * time.Millisecond, random: time.Minute}
	short = scale{rows: 200_000, manyRows: 1_000_000, encodings: 3, repeats: 3, rounds: 3, round: 250 * time.Millisecond, random: 5 * time.Second}
)

// bench is a run.
type bench struct {
	scale
	server *server
	report report
}

// part is one group of measurements.
type part struct {
	name    string
	title   string
	measure func(*bench, context.Context) error
}

var parts = []part{
	{"a", "the encoder", (*bench).encoder},
	{"b", "a million rows", (*bench).large},
	{"c", "small requests", (*bench).small},
	{"d", "memory", (*bench).memory},
	{"e", "time series", (*bench).series},
	{"f", "what is kept", (*bench).rush},
	{"g", "long ranges from pieces", (*bench).pieces},
}

func run(ctx context.Context, program string, quick bool, only []string) (err error) {
	chosen, err := choose(only)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "framehouse-bench-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	b := &bench{scale: full}
	if quick {
		b.scale = short
	}
	catalog := filepath.Join(dir, "catalog.yaml")
	if err := os.WriteFile(catalog, []byte(b.catalog()), 0o600); err != nil {
		return err
	}
	b.server = &server{program: program, catalog: catalog, data: filepath.Join(dir, "data")}
	if err := b.server.start(ctx); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.server.stop()) }()
	progress("tables")
	if err := b.createTables(ctx, chosen); err != nil {
		return err
	}
	warnOfLoad()
	for _, p := range chosen {
		progress(p.title)
		if err := p.measure(b, ctx); err != nil {
			if ctx.Err() != nil {
				err = context.Cause(ctx)
			}
			return fmt.Errorf("%s: %w", p.title, err)
		}
	}
	fmt.Printf("%d cores, %s %s\n\n", runtime.NumCPU(), runtime.GOOS, runtime.GOARCH)
	return b.report.print(os.Stdout)
}

func choose(only []string) ([]part, error) {
	var chosen []part
	for _, name := range only {
		found := false
		for _, p := range parts {
			if p.name == strings.TrimSpace(name) {
				chosen, found = append(chosen, p), true
			}
		}
		if !found {
			return nil, fmt.Errorf("there is no part %q; parts are a, b, c, d, e, f and g", name)
		}
	}
	return chosen, nil
}

func progress(what string) { fmt.Fprintln(os.Stderr, "bench:", what) }

// warnOfLoad says so when others use the machine. Ratios of CPU time bear that, ratios of
// time less so.
func warnOfLoad() {
	text, err := os.ReadFile("/proc/loadavg")
	var load float64
	if _, scanErr := fmt.Sscan(string(text), &load); err != nil || scanErr != nil {
		return // another system
	}
	if load > 0.75*float64(runtime.NumCPU()) {
		progress(fmt.Sprintf("%.1f processes were running in the last minute on %d cores; what is told of time will be noisy", load, runtime.NumCPU()))
	}
}

package main

import (
	"fmt"
	"io"
	"slices"
	"text/tabwriter"
	"time"
)

// report is what was measured.
type report struct {
	lines []line
}

type line struct {
	name, ours, theirs, ratio, target, verdict string
}

// target is a bound of a ratio, or of a size; the zero value is none.
type target struct {
	atLeast, atMost float64
}

func (t target) text(format func(float64) string) string {
	switch {
	case t.atLeast > 0:
		return "≥ " + format(t.atLeast)
	case t.atMost > 0:
		return "≤ " + format(t.atMost)
	}
	return ""
}

func (t target) verdict(value float64) string {
	switch {
	case t == target{}:
		return ""
	case t.atLeast > 0 && value < t.atLeast, t.atMost > 0 && value > t.atMost:
		return "missed"
	}
	return "met"
}

// compare adds a line that compares framehouse with ClickHouse: the median of each, and
// the median of the ratios of neighbours. Neighbours were measured one right after the
// other, so what else the machine did weighs on both.
func (r *report) compare(name string, ours, theirs []float64, format func(float64) string, t target) {
	ratios := make([]float64, len(ours))
	for i := range ours {
		ratios[i] = ours[i] / theirs[i]
	}
	ratio := median(ratios)
	r.lines = append(r.lines, line{name, format(median(ours)), format(median(theirs)), times(ratio), t.text(times), t.verdict(ratio)})
}

// alone adds a line about framehouse only.
func (r *report) alone(name string, value float64, format func(float64) string, t target) {
	r.lines = append(r.lines, line{name, format(value), "", "", t.text(format), t.verdict(value)})
}

// print writes the table, in Markdown.
func (r *report) print(w io.Writer) error {
	table := tabwriter.NewWriter(w, 0, 0, 1, ' ', 0)
	fmt.Fprintln(table, "| measurement\t| framehouse\t| ClickHouse\t| ratio\t| target\t| \t|")
	fmt.Fprintln(table, "| ---\t| ---\t| ---\t| ---\t| ---\t| ---\t|")
	for _, l := range r.lines {
		fmt.Fprintf(table, "| %s\t| %s\t| %s\t| %s\t| %s\t| %s\t|\n", l.name, l.ours, l.theirs, l.ratio, l.target, l.verdict)
	}
	return table.Flush()
}

func times(v float64) string        { return fmt.Sprintf("%.2f", v) }
func megabytes(v float64) string    { return fmt.Sprintf("%.0f MB", v/1e6) }
func perSecond(v float64) string    { return fmt.Sprintf("%.0f/s", v) }
func rate(v float64) string         { return fmt.Sprintf("%.0f MB/s", v/1e6) }
func milliseconds(v float64) string { return fmt.Sprintf("%.1f ms", v*1e3) }
func fraction(v float64) string     { return fmt.Sprintf("%.4f", v) }

func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	n := len(sorted)
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}

func seconds(d time.Duration) float64 { return d.Seconds() }

func quantile(values []float64, q float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[int(q*float64(len(sorted)-1))]
}

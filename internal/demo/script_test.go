package demo

import (
	"slices"
	"strings"
	"testing"
)

func TestStatementsAreReadable(t *testing.T) {
	var wanted, got []string
	for _, t := range tables {
		wanted = append(wanted, "CREATE TABLE "+t.name)
		if t.rows > 0 {
			wanted = append(wanted, "INSERT INTO "+t.name)
		}
		if t.file != "" {
			wanted = append(wanted, "CREATE TABLE "+t.name+"_file")
		}
	}
	for _, s := range statements() {
		if s.verb == "" {
			t.Errorf("a statement begins with neither CREATE TABLE nor INSERT INTO: %s", s.text)
		}
		if strings.Contains(s.text, " --") || strings.Contains(s.text, "\nCREATE") || strings.Contains(s.text, "\nINSERT") {
			t.Errorf("a statement holds a comment or another statement: %s", s.text)
		}
		got = append(got, s.verb+" "+s.table)
	}
	slices.Sort(wanted)
	slices.Sort(got)
	if !slices.Equal(got, wanted) {
		t.Errorf("statements are %q\nwant %q", got, wanted)
	}
}

func TestInto(t *testing.T) {
	s := statement{text: "INSERT INTO stocks\nSELECT * FROM stocks_file", verb: "INSERT INTO", table: "stocks"}
	if got, want := s.into("stocks_loading"), "INSERT INTO stocks_loading\nSELECT * FROM stocks_file"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestGrouped(t *testing.T) {
	for n, want := range map[int]string{0: "0", 999: "999", 1000: "1,000", 3_000_000: "3,000,000"} {
		if got := grouped(n); got != want {
			t.Errorf("grouped(%d) = %q, want %q", n, got, want)
		}
	}
}

package store

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/ClickHouse/clickhouse-go/v2"
)

const (
	tag     = "abcdefghijklmnop"
	failure = "Code: 395. DB::Exception: late,\nvery late: while executing. (FUNCTION_THROW_IF_VALUE_IS_NON_ZERO) (version 26.1.1.1)"
)

// failed is data with a failure after it, as ClickHouse writes it.
func failed(data, tag string) string {
	if tag == "" { // as before 25.9
		return data + "__exception__\r\n" + failure
	}
	return data + "\r\n__exception__\r\n" + tag + "\r\n" + failure + "\n" + fmt.Sprint(len(failure)) + " " + tag + "\r\n__exception__\r\n"
}

// readers read in pieces of all kinds.
var readers = map[string]func(io.Reader) io.Reader{
	"as they come": func(r io.Reader) io.Reader { return r },
	"by bytes":     iotest.OneByteReader,
	"by halves":    iotest.HalfReader,
	"early end":    iotest.DataErrReader,
}

func TestGuardFindsFailures(t *testing.T) {
	t.Parallel()
	for _, size := range []int{0, 1, 100, guardSize - 20, guardSize - 1, guardSize, guardSize + 1, 3*guardSize + 5} {
		data := strings.Repeat("_", size)
		for _, tag := range []string{"", tag} {
			for name, read := range readers {
				for _, step := range []int{7, guardSize - 1, 2 * guardSize} {
					got, err := readGuarded(read(strings.NewReader(failed(data, tag))), tag, step)
					var exception *clickhouse.Exception
					if !errors.As(err, &exception) || exception.Code != 395 || !strings.HasPrefix(exception.Message, "late,\nvery late") || strings.Contains(exception.Message, "__exception__") {
						t.Fatalf("%d bytes, tag %q, %s, by %d: got %v", size, tag, name, step, err)
					}
					if strings.TrimRight(got, "\r\n") != data {
						t.Fatalf("%d bytes, tag %q, %s, by %d: got %d bytes", size, tag, name, step, len(got))
					}
				}
			}
		}
	}
}

// What only looks like a failure is data, wherever it stands and also when it is the end.
func TestGuardKeepsData(t *testing.T) {
	t.Parallel()
	whole := failed("", tag)
	for _, data := range []string{
		"", "__exception__", strings.Replace(whole, tag, "abcdefghijklmnoX", 1), whole[:len("\r\n__exception__\r\n")+len(tag)],
		strings.Repeat("__exception__\r\n", guardSize/5), strings.Repeat("x", guardSize-5) + "__exception__\r\nabc",
	} {
		for name, read := range readers {
			for _, step := range []int{1, 7, guardSize, 2 * guardSize} {
				got, err := readGuarded(read(strings.NewReader(data)), tag, step)
				if err != nil || got != data {
					t.Fatalf("%.40q, %s, by %d: got %d of %d bytes, %v", data, name, step, len(got), len(data), err)
				}
			}
		}
	}
}

// A failure that is cut off is still one, and so is a connection that breaks.
func TestGuardOfBrokenAnswers(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	whole := failed("data", tag)
	for cut := range len(whole) {
		for _, step := range []int{7, 2 * guardSize} {
			got, err := readGuarded(io.MultiReader(strings.NewReader(whole[:cut]), iotest.ErrReader(broken)), tag, step)
			if !errors.Is(err, broken) {
				t.Fatalf("%d bytes: got %q, %v", cut, got, err)
			}
		}
	}
	for _, text := range []string{"", "Code: 99999999999. x", "no code"} {
		if err := exceptionIn(text, tag); err == nil {
			t.Errorf("%q is no failure", text)
		}
	}
}

func readGuarded(from io.Reader, tag string, step int) (string, error) {
	g := guard(io.NopCloser(from), tag)
	defer g.Close()
	var all bytes.Buffer
	for p := make([]byte, step); ; {
		n, err := g.Read(p)
		all.Write(p[:n])
		if err == io.EOF {
			return all.String(), nil
		}
		if err != nil {
			return all.String(), err
		}
	}
}

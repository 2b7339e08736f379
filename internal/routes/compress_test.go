package routes

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"framehouse/internal/contracts"
)

// ending is failing without the failure: some batches of 1,000 rows.
type ending struct {
	*failing
	left int
}

func (e *ending) Next() (arrow.Record, error) {
	if e.left--; e.left < 0 {
		return nil, io.EOF
	}
	return e.record, nil
}

func TestCodingFor(t *testing.T) {
	t.Parallel()
	for accept, want := range map[string]string{
		"":                              "",
		"identity":                      "",
		"gzip":                          "gzip",
		"gzip, deflate, br, zstd":       "zstd",
		"gzip;q=1.0, zstd;q=0.5":        "gzip",
		"gzip;q=0":                      "",
		"*":                             "zstd",
		"*;q=0":                         "",
		"zstd;q=0, *":                   "gzip",
		"br":                            "",
		"gzip;q=2":                      "",
		"gzip;q=nonsense, zstd;q=0.001": "zstd",
		";;;,,":                         "",
	} {
		got := ""
		if c := codingFor(accept); c != nil {
			got = c.name
		}
		if got != want {
			t.Errorf("%q: %q, want %q", accept, got, want)
		}
	}
}

// Compressed or not, a frame is the same; what is small or compressed already is sent as
// it is.
func TestCompression(t *testing.T) {
	t.Parallel()
	for _, batches := range []int{0, 1, 200} {
		server := serve(t, func(context.Context, *FormatInput) (*contracts.Frame, error) {
			return contracts.NewFrame([]contracts.Field{{Key: "text", Type: contracts.TypeString}}, &ending{newFailing(0), batches}, contracts.NoLimit), nil
		})
		for _, format := range contracts.Formats() {
			plain := fetch(t, server.URL+"/test?format="+format.Name, "")
			for _, coding := range []string{"gzip", "zstd"} {
				packed := fetch(t, server.URL+"/test?format="+format.Name, coding)
				got := packed.Header.Get("Content-Encoding")
				if want := format.Text && len(plain.body) >= worthCompressing; (got == coding) != want {
					t.Errorf("%s of %d bytes: Content-Encoding %q", format.Name, len(plain.body), got)
				}
				if format.Name != "parquet" && !bytes.Equal(plain.body, packed.body) {
					t.Errorf("%s in %s differs: %d and %d bytes", format.Name, coding, len(plain.body), len(packed.body))
				}
				if packed.Header.Get("Vary") != "Accept, Accept-Encoding" {
					t.Errorf("Vary %q", packed.Header.Get("Vary"))
				}
			}
		}
	}
}

type fetched struct {
	*http.Response
	body []byte
}

func fetch(t *testing.T, url, coding string) fetched {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	if coding == "" {
		coding = "identity"
	}
	request.Header.Set("Accept-Encoding", coding)
	request.Header.Set("X-Request-Id", "test")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	var body io.Reader = response.Body
	switch response.Header.Get("Content-Encoding") {
	case "gzip":
		if body, err = gzip.NewReader(body); err != nil {
			t.Fatal(err)
		}
	case "zstd":
		decoder, err := zstd.NewReader(body)
		if err != nil {
			t.Fatal(err)
		}
		defer decoder.Close()
		body = decoder
	}
	text, err := io.ReadAll(body)
	if err != nil || response.StatusCode != http.StatusOK {
		t.Fatalf("%s %s: status %d, %v", url, coding, response.StatusCode, err)
	}
	return fetched{response, text}
}

// Formats that can't say so themselves tell in headers whether they are whole.
func TestCounts(t *testing.T) {
	t.Parallel()
	const rows = 200_000 // more than is read ahead
	for _, limit := range []int64{10, 1000, rows - 1, rows, contracts.NoLimit} {
		server := serve(t, func(context.Context, *FormatInput) (*contracts.Frame, error) {
			return contracts.NewFrame([]contracts.Field{{Key: "text", Type: contracts.TypeString}}, &ending{newFailing(0), rows / 1000}, limit), nil
		})
		for _, format := range contracts.Formats() {
			if format.Counted {
				continue
			}
			f := fetch(t, server.URL+"/test?format="+format.Name, "")
			header := f.Header
			if limit > 1000 || limit < 0 {
				header = f.Trailer
			}
			wantRows, wantCut := "200000", "false"
			if limit > 0 && limit < rows {
				wantRows, wantCut = map[int64]string{10: "10", 1000: "1000", rows - 1: "199999"}[limit], "true"
			}
			if header.Get(rowCountHeader) != wantRows || header.Get(truncatedHeader) != wantCut {
				t.Errorf("%s, limit %d: %v, trailer %v", format.Name, limit, f.Header, f.Trailer)
			}
		}
	}
}

package routes

import (
	"io"
	"mime"
	"strconv"
	"strings"
	"sync"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// worthCompressing is the size from which compressing saves a packet.
const worthCompressing = 1400

// compressor is what both libraries' writers are.
type compressor interface {
	io.WriteCloser
	Flush() error
	Reset(w io.Writer)
}

// coding is a content coding, with the writers that are free. Both work at their fastest
// level: on a line of 100 Mbit/s, which takes 12 MB a second, that is many times faster
// than the line, and higher levels save less time than they cost.
type coding struct {
	name string
	free sync.Pool
}

// codings in the order in which we prefer them.
var codings = []*coding{
	{name: "zstd", free: sync.Pool{New: func() any {
		w, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(512<<10))
		if err != nil {
			panic(err) // the options are constants
		}
		return w
	}}},
	{name: "gzip", free: sync.Pool{New: func() any {
		w, err := gzip.NewWriterLevel(nil, gzip.BestSpeed)
		if err != nil {
			panic(err) // the level is a constant
		}
		return w
	}}},
}

func (c *coding) open(w io.Writer) compressor {
	writer := c.free.Get().(compressor)
	writer.Reset(w)
	return writer
}

// close takes a writer back that has been closed.
func (c *coding) close(writer compressor) {
	writer.Reset(nil)
	c.free.Put(writer)
}

// codingFor chooses a coding that an Accept-Encoding header allows (RFC 9110, section
// 12.5.3), or none.
func codingFor(accept string) *coding {
	var best *coding
	bestQuality := 0.0
	for _, c := range codings {
		if q := codingQuality(accept, c.name); q > bestQuality {
			best, bestQuality = c, q
		}
	}
	return best
}

func codingQuality(accept, name string) float64 {
	anyQuality := 0.0
	for part := range strings.SplitSeq(accept, ",") {
		// A coding with its weight has the form of a media type with parameters.
		token, params, err := mime.ParseMediaType(part)
		if err != nil || token != name && token != "*" {
			continue
		}
		q := 1.0
		if text, ok := params["q"]; ok {
			if q, err = strconv.ParseFloat(text, 64); err != nil || !(q >= 0 && q <= 1) {
				continue
			}
		}
		if token == name {
			return q
		}
		anyQuality = q
	}
	return anyQuality
}

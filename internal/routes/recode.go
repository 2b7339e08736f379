package routes

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"framehouse/internal/cache"
)

// recode is the answer in the coding that the client takes, and keeps it so: to unpack and
// pack a body is a small part of what it takes to ask for it.
func (s *serving) recode(a *cache.Answer) *cache.Answer {
	if a.Coding == s.codingName() || a.Coding == "" && len(a.Body) < worthCompressing {
		return a
	}
	body, err := s.unpacked(a)
	if err == errUnpacked {
		return nil
	}
	if err != nil {
		s.Logger.Error("an answer that was kept cannot be unpacked", "coding", a.Coding, "cause", err)
		return nil
	}
	recoded := &cache.Answer{Coding: s.codingName(), Body: body}
	for _, f := range a.Header {
		if f.Name != "Content-Encoding" {
			recoded.Header = append(recoded.Header, f)
		}
	}
	if s.coding != nil {
		var packed bytes.Buffer
		compressor := s.coding.open(&packed)
		defer s.coding.close(compressor)
		_, err = compressor.Write(body)
		if err == nil {
			err = compressor.Close()
		}
		if err != nil {
			s.Logger.Error("an answer that was kept cannot be packed", "coding", s.coding.name, "cause", err)
			return nil
		}
		recoded.Body = slices.Clone(packed.Bytes())
		recoded.Header = append(recoded.Header, cache.Field{Name: "Content-Encoding", Value: s.coding.name})
	}
	s.Cache.Put(s.fresh.key, s.codingName(), recoded)
	return recoded
}

// errUnpacked is why an answer that could be kept packed is not unpacked: it would take much
// more than it takes so. It is made anew then, piece by piece.
var errUnpacked = errors.New("too large without its coding")

// unpacked is the body of an answer without its coding.
func (s *serving) unpacked(a *cache.Answer) ([]byte, error) {
	var r io.Reader
	switch a.Coding {
	case "":
		return a.Body, nil
	case "gzip":
		unpacker, err := gzip.NewReader(bytes.NewReader(a.Body))
		if err != nil {
			return nil, err
		}
		r = unpacker
	case "zstd":
		unpacker, err := zstd.NewReader(bytes.NewReader(a.Body), zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true))
		if err != nil {
			return nil, err
		}
		defer unpacker.Close()
		r = unpacker
	default:
		return nil, fmt.Errorf("coding %q", a.Coding)
	}
	var body bytes.Buffer
	piece := make([]byte, 32<<10)
	for {
		n, err := r.Read(piece)
		if !s.Cache.Fits(body.Len() + n) {
			return nil, errUnpacked
		}
		body.Write(piece[:n])
		if err == io.EOF {
			return body.Bytes(), nil
		}
		if err != nil {
			return nil, err
		}
	}
}

package ingest

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/apache/arrow/go/v17/parquet/compress"
	"github.com/apache/arrow/go/v17/parquet/metadata"
	"github.com/klauspost/compress/snappy"
	"github.com/klauspost/compress/zstd"
)

// pieces are a body that is kept as a whole, in pieces of chunkSize but for the last. One
// slice that grows would hold it twice while it does.
type pieces [][]byte

// readAll keeps a whole body, in memory of the budget.
func readAll(body io.Reader, b *builder) (pieces, error) {
	var whole pieces
	for {
		if err := b.rows.take(chunkSize); err != nil {
			return nil, err
		}
		piece := make([]byte, chunkSize)
		n, err := io.ReadFull(body, piece)
		whole = append(whole, piece[:n])
		switch err {
		case nil:
		case io.EOF, io.ErrUnexpectedEOF:
			return whole, nil
		default:
			return nil, err
		}
	}
}

func (p pieces) size() int64 {
	return int64(len(p)-1)*chunkSize + int64(len(p[len(p)-1]))
}

// ReadAt implements io.ReaderAt.
func (p pieces) ReadAt(to []byte, at int64) (n int, err error) {
	if at < 0 {
		return 0, errors.New("a place before the beginning")
	}
	for n < len(to) {
		i := at / chunkSize
		if i >= int64(len(p)) || at%chunkSize >= int64(len(p[i])) {
			return n, io.EOF
		}
		read := copy(to[n:], p[i][at%chunkSize:])
		n, at = n+read, at+int64(read)
	}
	return n, nil
}

// pageStream is a column of a row group as its bytes. It looks at the header of each page
// before the library does, which takes as much memory as a header says.
type pageStream struct {
	chunk   *bufio.Reader
	left    int64 // of the chunk
	largest int64 // page so far, which the library keeps room for
	memory  *bounded
	err     error // why a page is not whole; the library takes no notice
}

// longestHeader is how long the header of a page may be. Writers cut the least and the
// greatest value that stand in it to far less.
const longestHeader = 64 << 10

func newPageStream(chunk *metadata.ColumnChunkMetaData, content pieces, memory *bounded) (*pageStream, error) {
	if chunk.CryptoMetadata() != nil {
		return nil, errors.New("it is encrypted")
	}
	start, length := chunk.DataPageOffset(), chunk.TotalCompressedSize()
	if chunk.HasDictionaryPage() {
		if dictionary := chunk.DictionaryPageOffset(); dictionary > 0 {
			start = min(start, dictionary)
		}
	}
	if start < 0 || length < 0 || start > content.size() || length > content.size()-start {
		return nil, errors.New("a column lies outside of it")
	}
	if err := memory.hold(longestHeader); err != nil {
		return nil, err
	}
	return &pageStream{chunk: bufio.NewReaderSize(io.NewSectionReader(content, start, length), longestHeader), left: length, memory: memory}, nil
}

// Peek implements parquet.BufferedReader. It is asked for nothing but headers.
func (s *pageStream) Peek(n int) ([]byte, error) {
	view, err := s.chunk.Peek(n)
	if len(view) == 0 {
		return view, err
	}
	// A struct of Thrift's compact protocol that begins with three int32: what the page is,
	// and its size unpacked and packed.
	rest, packed := view, int64(0)
	for range 3 {
		const int32Next = 0x15
		if len(rest) == 0 || rest[0] != int32Next {
			return nil, errPage
		}
		number, size := binary.Varint(rest[1:])
		if size <= 0 {
			return nil, errPage
		}
		packed, rest = number, rest[1+size:]
	}
	if packed < 0 || packed > s.left {
		return nil, errPage
	}
	if packed > s.largest {
		if err := s.memory.hold(packed - s.largest); err != nil {
			return nil, err
		}
		s.largest = packed
	}
	return view, err
}

// Discard implements parquet.BufferedReader.
func (s *pageStream) Discard(n int) (int, error) {
	n, err := s.chunk.Discard(n)
	s.left -= int64(n)
	return n, err
}

// Read implements parquet.BufferedReader.
func (s *pageStream) Read(p []byte) (int, error) {
	n, err := s.chunk.Read(p)
	s.left -= int64(n)
	if err != nil {
		s.err = errPage
	}
	return n, err
}

// exact is a codec that unpacks a page to the size that it is said to have. The library's
// own make more room when there is more to it, without bound, and leave zeros where there
// is less.
type exact struct {
	compress.Codec
	unpack func(dst, src []byte) (int, error)
}

// Decode implements compress.Codec.
func (e exact) Decode(dst, src []byte) []byte {
	if n, err := e.unpack(dst, src); err != nil || n != len(dst) {
		panic(fmt.Errorf("%w: %d bytes of %d, %v", errPage, n, len(dst), err))
	}
	return dst
}

// streamed unpacks with the reader of a codec.
func streamed(codec compress.Codec) func(dst, src []byte) (int, error) {
	return func(dst, src []byte) (int, error) {
		r := codec.NewReader(bytes.NewReader(src))
		defer r.Close()
		n, err := io.ReadFull(r, dst)
		if err != nil {
			return n, err
		}
		more, err := io.Copy(io.Discard, io.LimitReader(r, 1))
		return n + int(more), err
	}
}

// The library knows codecs by what is registered when the program starts.
func init() {
	unpackers := map[compress.Compression]func(dst, src []byte) (int, error){
		compress.Codecs.Uncompressed: func(dst, src []byte) (int, error) { return max(copy(dst, src), len(src)), nil },
		compress.Codecs.Snappy: func(dst, src []byte) (int, error) {
			if n, err := snappy.DecodedLen(src); err != nil || n != len(dst) {
				return n, err
			}
			_, err := snappy.Decode(dst, src)
			return len(dst), err
		},
	}
	if decoder, err := zstd.NewReader(nil, zstd.WithDecodeAllCapLimit(true), zstd.WithDecoderConcurrency(0)); err == nil {
		unpackers[compress.Codecs.Zstd] = func(dst, src []byte) (int, error) {
			out, err := decoder.DecodeAll(src, dst[:0:len(dst)])
			return len(out), err
		}
	}
	for _, packed := range []compress.Compression{compress.Codecs.Uncompressed, compress.Codecs.Snappy, compress.Codecs.Zstd, compress.Codecs.Gzip, compress.Codecs.Brotli} {
		codec, err := compress.GetCodec(packed)
		if err != nil {
			continue
		}
		unpack := unpackers[packed]
		if unpack == nil {
			unpack = streamed(codec)
		}
		compress.RegisterCodec(packed, exact{codec, unpack})
	}
}

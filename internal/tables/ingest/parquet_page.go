package ingest

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"
	"sync"

	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/apache/arrow/go/v17/parquet"
	"github.com/apache/arrow/go/v17/parquet/file"
)

// openChunk opens a column of a row group behind checkedPages.
func openChunk(group *file.RowGroupReader, i int, whole *file.Reader, content pieces, allocator *bounded) (file.ColumnChunkReader, error) {
	chunk, err := group.MetaData().ColumnChunk(i)
	if err != nil {
		return nil, err
	}
	stream, err := newPageStream(chunk, content, allocator)
	if err != nil {
		return nil, err
	}
	pages, err := file.NewPageReader(stream, chunk.NumValues(), chunk.Compression(), allocator, nil)
	if err != nil {
		return nil, fmt.Errorf("%w; write it with snappy, gzip, zstd, brotli or no compression", err)
	}
	column := whole.MetaData().Schema.Column(i)
	pool := &sync.Pool{New: func() any { return memory.NewResizableBuffer(allocator) }}
	return file.NewColumnReader(column, &checkedPages{
		PageReader: pages, stream: stream, optional: column.MaxDefinitionLevel() > 0, boolean: column.PhysicalType() == parquet.Types.Boolean,
	}, allocator, pool), nil
}

// checkedPages looks at each page before the library decodes it. Where a run of levels or
// of indices ends too early, the library would turn for ever; for an index it makes room
// for as many words.
type checkedPages struct {
	file.PageReader
	stream            *pageStream
	optional, boolean bool
	words             int // of the dictionary
	err               error
}

// Next implements file.PageReader.
func (p *checkedPages) Next() bool {
	if p.err != nil || !p.PageReader.Next() {
		return false
	}
	if p.err = p.stream.err; p.err == nil {
		p.err = p.check(p.Page())
	}
	return p.err == nil
}

// Err implements file.PageReader.
func (p *checkedPages) Err() error {
	if p.err != nil {
		return p.err
	}
	return p.PageReader.Err()
}

var errPage = errors.New("a page does not hold what it says")

func (p *checkedPages) check(page file.Page) (err error) {
	data, n := page.Data(), int(page.NumValues())
	switch page := page.(type) {
	case *file.DataPageV1:
		if !p.optional {
			break
		}
		if page.DefinitionLevelEncoding() != parquet.Encodings.RLE {
			return fmt.Errorf("levels are encoded as %s, which is not understood", page.DefinitionLevelEncoding())
		}
		levels, rest, err := cutRuns(data)
		if err != nil {
			return err
		}
		if n, err = checkRuns(levels, 1, n); err != nil {
			return err
		}
		data = rest
	case *file.DataPageV2:
		length := int(page.DefinitionLevelByteLen())
		if page.RepetitionLevelByteLen() != 0 || length < 0 || length > len(data) {
			return errPage
		}
		if p.optional {
			if n, err = checkRuns(data[:length], 1, n); err != nil {
				return err
			}
		}
		data = data[length:]
	case *file.DictionaryPage:
		// Each word has a byte at least, and a row that needs it.
		if n > len(data) || n > MostRows {
			return errPage
		}
		p.words = n
		return nil
	default:
		return errPage
	}
	switch encoding := page.Encoding().String(); encoding {
	case "PLAIN":
		return nil
	case "PLAIN_DICTIONARY", "RLE_DICTIONARY":
		if n == 0 {
			return nil
		}
		if len(data) == 0 || data[0] > 32 {
			return errPage
		}
		return p.checkIndices(data[1:], int(data[0]), n)
	case "RLE":
		if !p.boolean {
			return errPage
		}
		runs, _, err := cutRuns(data)
		if err == nil {
			_, err = checkRuns(runs, 1, n)
		}
		return err
	default:
		return fmt.Errorf("values are encoded as %s, which is not understood; write PLAIN or dictionaries", encoding)
	}
}

// checkIndices makes sure that there are n indices, and that none is far beyond the words:
// one that no width allows need not be looked at, since the library sees to the rest.
func (p *checkedPages) checkIndices(data []byte, width, n int) error {
	if _, err := checkRuns(data, width, n); err != nil || width <= bits.Len(uint(p.words)) {
		return err
	}
	for n > 0 {
		header, size := binary.Uvarint(data)
		data = data[size:]
		count, length := int(header>>1), (width+7)/8
		run := 1 // values that stand there
		if header&1 == 1 {
			count, length = 8*count, width*count
			run = count
		}
		for i := range min(run, n) {
			if bitsAt(data[:length], i*width, width) >= uint64(p.words) {
				return errPage
			}
		}
		n -= count
		data = data[length:]
	}
	return nil
}

// bitsAt are up to 32 bits, the lowest first.
func bitsAt(data []byte, at, width int) (v uint64) {
	for i := (at + width - 1) / 8; i >= at/8; i-- {
		v = v<<8 | uint64(data[i])
	}
	return v >> (at % 8) & (1<<width - 1)
}

// cutRuns takes runs apart that stand behind their length.
func cutRuns(data []byte) (runs, rest []byte, err error) {
	if len(data) < 4 {
		return nil, nil, errPage
	}
	length := binary.LittleEndian.Uint32(data)
	if uint64(length) > uint64(len(data)-4) {
		return nil, nil, errPage
	}
	return data[4:][:length], data[4+length:], nil
}

// checkRuns makes sure that there are runs for n values of some bits, and counts, if it is
// one bit, those that are 1.
func checkRuns(data []byte, width, n int) (ones int, err error) {
	for n > 0 {
		header, size := binary.Uvarint(data)
		if size <= 0 || header>>1 == 0 || header > 1<<31 {
			return 0, errPage
		}
		data = data[size:]
		count, length := int(header>>1), (width+7)/8
		packed := header&1 == 1
		if packed {
			count, length = 8*count, width*count
		}
		if length > len(data) {
			return 0, errPage
		}
		switch used := min(count, n); {
		case width != 1:
		case !packed:
			ones += used * int(data[0]&1)
		default:
			for i := 0; i < used; i += 8 {
				mask := byte(0xff)
				if left := used - i; left < 8 {
					mask = 1<<left - 1
				}
				ones += bits.OnesCount8(data[i/8] & mask)
			}
		}
		n -= count
		data = data[length:]
	}
	return ones, nil
}

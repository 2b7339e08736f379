package ingest

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/apache/arrow/go/v17/parquet"
	"github.com/apache/arrow/go/v17/parquet/compress"
	"github.com/apache/arrow/go/v17/parquet/pqarrow"

	"framehouse/internal/catalog"
)

// textFile is a Parquet file with one column, s.
func textFile(t *testing.T, codec compress.Compression, version parquet.DataPageVersion, dictionary bool, texts ...string) []byte {
	t.Helper()
	b := array.NewRecordBuilder(memory.DefaultAllocator, arrow.NewSchema([]arrow.Field{{Name: "s", Type: arrow.BinaryTypes.String}}, nil))
	defer b.Release()
	b.Field(0).(*array.StringBuilder).AppendValues(texts, nil)
	record := b.NewRecord()
	defer record.Release()
	var out bytes.Buffer
	w, err := pqarrow.NewFileWriter(record.Schema(), &out, parquet.NewWriterProperties(parquet.WithCompression(codec), parquet.WithDataPageVersion(version), parquet.WithDictionaryDefault(dictionary)), pqarrow.DefaultWriterProps())
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Write(record); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

var codecsAndVersions = func(yield func(compress.Compression, parquet.DataPageVersion) bool) {
	for _, codec := range []compress.Compression{compress.Codecs.Uncompressed, compress.Codecs.Snappy, compress.Codecs.Gzip, compress.Codecs.Zstd, compress.Codecs.Brotli} {
		for _, version := range []parquet.DataPageVersion{parquet.DataPageV1, parquet.DataPageV2} {
			if !yield(codec, version) {
				return
			}
		}
	}
}

// The header of a page says how large it is; what follows is neither more nor less.
func TestPageSizes(t *testing.T) {
	t.Parallel()
	table := tableOf(t, catalog.Append, "s String")
	text := strings.Repeat("x", 3<<20)
	for codec, version := range codecsAndVersions {
		file := textFile(t, codec, version, false, text)
		if got := readText(t, table, "application/vnd.apache.parquet", string(file)); got != "s\n[\""+text+"\"]\n" && got != "s\n[\""+text+"\"]" {
			t.Errorf("%s: %.200q", codec, got)
		}
		// The first page stands at byte 4: its kind, its size unpacked and packed.
		at := 4 + 1
		_, kind := binary.Varint(file[at:])
		unpacked := at + kind + 1
		n, size := binary.Varint(file[unpacked:])
		packed := unpacked + size + 1
		m, packedSize := binary.Varint(file[packed:])
		if n < 3<<20 || m < 4 {
			t.Fatalf("%s: a page of %d bytes, packed %d", codec, n, m)
		}
		number := func(v int64, size int) []byte {
			text := binary.AppendVarint(nil, v)
			for len(text) < size { // as long as before
				text[len(text)-1] |= 0x80
				text = append(text, 0)
			}
			return text
		}
		for name, lie := range map[string]struct {
			place, size int
			says        int64
		}{
			"more than it says":  {unpacked, size, n - 1},
			"much more":          {unpacked, size, 5},
			"less than it says":  {unpacked, size, n + 1},
			"beyond the file":    {packed, packedSize, 1<<(7*packedSize-1) - 1},
			"less than nothing":  {packed, packedSize, -1},
			"nothing when whole": {unpacked, size, 0},
		} {
			damaged := slices.Replace(slices.Clone(file), lie.place, lie.place+lie.size, number(lie.says, lie.size)...)
			if got := readText(t, table, "application/vnd.apache.parquet", string(damaged)); !strings.HasPrefix(got, "!") {
				t.Errorf("%s, version %v, %s: %.100q", codec, version, name, got)
			}
		}
	}
}

// An index beyond the words of a dictionary makes no room for as many words.
func TestIndices(t *testing.T) {
	t.Parallel()
	table := tableOf(t, catalog.Append, "s String")
	var texts []string
	for i := range 64 {
		texts = append(texts, fmt.Sprint("word", i%7))
	}
	file := textFile(t, compress.Codecs.Uncompressed, parquet.DataPageV1, true, texts...)
	// 3 bits, then eight packed groups of eight.
	place := bytes.LastIndex(file, []byte{3, 8<<1 | 1})
	if place < 0 {
		t.Fatalf("%q", file)
	}
	for index, want := range map[uint32]bool{6: true, 7: false, 1<<31 - 2: false, 1<<32 - 1: false} {
		changed := slices.Clone(file)
		// 32 bits, then one index 64 times.
		copy(changed[place:], binary.LittleEndian.AppendUint32([]byte{32, 0x80, 0x01}, index))
		got := readText(t, table, "application/vnd.apache.parquet", string(changed))
		if !strings.HasPrefix(got, "!") != want || want && strings.Count(got, `"word6"`) != 64 {
			t.Errorf("index %d: %.100q", index, got)
		}
	}
	for _, width := range []int{1, 3, 7, 8, 13, 32} {
		data := bytes.Repeat([]byte{0xA5, 0x3C, 0x77}, 20)
		for i := range 8 {
			var want uint64
			for bit := range width {
				at := i*width + bit
				want |= uint64(data[at/8]>>(at%8)&1) << bit
			}
			if got := bitsAt(data, i*width, width); got != want {
				t.Errorf("%d bits at %d: %x, want %x", width, i*width, got, want)
			}
		}
	}
}

func TestPieces(t *testing.T) {
	t.Parallel()
	table := tableOf(t, catalog.Append, "s String")
	for _, size := range []int{0, 1, chunkSize - 1, chunkSize, chunkSize + 1, 2*chunkSize + 5} {
		content := bytes.Repeat([]byte("0123456789"), size/10+1)[:size]
		budget := &Budget{}
		whole, err := readAll(bytes.NewReader(content), newBuilder(table, Limits{}, budget))
		if err != nil || whole.size() != int64(size) || budget.held.Load() < int64(size) {
			t.Fatalf("%d bytes: %v, %d, %d are held", size, err, whole.size(), budget.held.Load())
		}
		got, err := io.ReadAll(io.NewSectionReader(whole, 0, whole.size()))
		if err != nil || !bytes.Equal(got, content) {
			t.Errorf("%d bytes come back as %d, %v", size, len(got), err)
		}
		if n, err := whole.ReadAt(make([]byte, 10), int64(size)); n != 0 || err != io.EOF {
			t.Errorf("behind the end: %d, %v", n, err)
		}
	}
}

// A row that is on its way is held too.
func TestLongRowIsHeld(t *testing.T) {
	t.Parallel()
	table := tableOf(t, catalog.Append, "s String")
	budget := &Budget{}
	held := int64(0)
	body := io.MultiReader(strings.NewReader(`{"s":"`), strings.NewReader(strings.Repeat("x", 5<<20)), atEnd(func() { held = budget.held.Load() }))
	if _, err := Read(table, Body{Reader: body, Type: "application/x-ndjson"}, Limits{}, budget); err == nil {
		t.Error("half a row is taken")
	}
	if held < 5<<20 || budget.held.Load() != 0 {
		t.Errorf("%d bytes were held, and then %d", held, budget.held.Load())
	}
}

// atEnd is called when it is read.
type atEnd func()

func (f atEnd) Read([]byte) (int, error) {
	f()
	return 0, io.EOF
}

// What cannot be unpacked is said so.
func TestPacked(t *testing.T) {
	t.Parallel()
	table := tableOf(t, catalog.Append, "s String")
	for encoding, body := range map[string]string{"gzip": "\x1f\x8b", "zstd": "\x28\xb5\x2f\xfd\x04"} {
		_, err := Read(table, Body{Reader: strings.NewReader(body), Type: "application/json", Encoding: encoding}, Limits{}, &Budget{})
		if err == nil || !strings.Contains(err.Error(), "cannot be unpacked to its end as "+encoding) {
			t.Errorf("%s: %v", encoding, err)
		}
	}
}

// A client that sends on is heard out, and then told what is wrong.
func TestHeardOut(t *testing.T) {
	t.Parallel()
	table := tableOf(t, catalog.Append, "s String")
	body := strings.NewReader(strings.Repeat("{}\n", 1<<20))
	if _, err := Read(table, Body{Reader: body, Type: "application/x-ndjson"}, Limits{}, &Budget{}); err == nil || body.Len() > 0 {
		t.Errorf("%d bytes are not read; %v", body.Len(), err)
	}
	body.Reset(strings.Repeat(" ", 4<<20))
	if _, err := Read(table, Body{Reader: body, Type: "application/x-ndjson"}, Limits{Bytes: 1 << 20}, &Budget{}); err == nil || body.Len() < 1<<20 {
		t.Errorf("%d bytes are not read; %v", body.Len(), err)
	}
}

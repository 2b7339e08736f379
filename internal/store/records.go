package store

import (
	"errors"
	"fmt"
	"io"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/ipc"

	"framehouse/internal/contracts"
)

// Records are the rows of a query, arriving. They implement contracts.RecordReader.
type Records struct {
	answer   *answer
	messages *messages
	reader   *ipc.Reader
	first    arrow.Record // read ahead; the reader keeps it until its next
	end      error        // io.EOF or the failure after which there is nothing more
}

var _ contracts.RecordReader = (*Records)(nil)

var errClosed = errors.New("the records are closed")

// Schema is the Arrow schema of the records.
func (r *Records) Schema() *arrow.Schema { return r.reader.Schema() }

// Next returns the next record, valid until the following call, or io.EOF when
// ClickHouse said that there are no more. A failure stays: asking again never makes an
// end of it.
func (r *Records) Next() (arrow.Record, error) {
	if record := r.first; record != nil {
		r.first = nil
		return record, nil
	}
	return r.read()
}

func (r *Records) read() (arrow.Record, error) {
	if r.end != nil {
		return nil, r.end
	}
	record, err := r.reader.Read()
	if err == io.EOF {
		err = r.finish()
	}
	if err != nil && err != io.EOF {
		err = r.answer.explain(err)
		r.answer.place.Leave() // there is nothing more that others could wait for
	}
	r.end = err
	return record, err
}

// finish reads what follows the end mark, which makes the connection usable again, and
// returns io.EOF when there is nothing: a late failure comes after the mark too.
func (r *Records) finish() error {
	n, err := io.Copy(io.Discard, r.answer)
	if err != nil {
		return err
	}
	if n > 0 {
		return fmt.Errorf("%d bytes follow the end of the Arrow stream", n)
	}
	r.answer.ended = true
	r.answer.place.Leave() // a client that is slow to take the rest keeps nobody waiting
	return io.EOF
}

// Close gives up what was not read, and stops the query if it still runs.
func (r *Records) Close() error {
	if r.end == nil {
		r.end = errClosed
	}
	if r.reader != nil {
		r.first = nil
		r.reader.Release()
		r.reader = nil
	}
	r.messages.Release()
	return r.answer.Close()
}

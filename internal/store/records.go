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
		// The Arrow library takes any end for the end. Ours is the one that ClickHouse
		// marked, with nothing after it that could be a late failure.
		err = r.finish()
	}
	if err != nil && err != io.EOF {
		err = r.answer.explain(err)
	}
	r.end = err
	return record, err
}

// finish reads to the end, which makes the connection usable again, and returns io.EOF
// when it is a good one.
func (r *Records) finish() error {
	if !r.messages.ended {
		return io.ErrUnexpectedEOF
	}
	n, err := io.Copy(io.Discard, r.answer)
	if err != nil {
		return err
	}
	if n > 0 {
		return fmt.Errorf("%d bytes follow the end of the Arrow stream", n)
	}
	r.answer.ended = true
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
	return r.answer.Close()
}

// messages notes whether an Arrow stream ended with its mark. The library answers io.EOF
// for the mark, and an error that wraps io.EOF, which it then mistakes for the former,
// when the bytes end between two messages or inside one.
type messages struct {
	ipc.MessageReader
	ended bool
}

func (m *messages) Message() (*ipc.Message, error) {
	message, err := m.MessageReader.Message()
	switch {
	case err == io.EOF:
		m.ended = true
	case errors.Is(err, io.EOF):
		err = fmt.Errorf("%w: %s", io.ErrUnexpectedEOF, err)
	}
	return message, err
}

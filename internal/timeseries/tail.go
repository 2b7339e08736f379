package timeseries

import (
	"context"
	"io"
	"slices"
	"time"

	"github.com/apache/arrow/go/v17/arrow"

	"framehouse/internal/catalog"
	"framehouse/internal/contracts"
	"framehouse/internal/store/sql"
)

// tail is how far an answer reaches, for the next to go on from there. A node that has a
// column which grows with each change, such as the time of insertion, is followed by that;
// another by time.
//
// Rows at the very mark come again, since others with the same mark may have arrived after
// them: a reader merges rows by their key, and misses none.
type tail struct {
	column  *catalog.Column
	byTime  bool // whether that is the time
	binding []byte
	mark    string // the greatest so far; empty before the first
}

// begin finds where the answer goes on from an earlier one.
func (p *plan) begin(q Query) error {
	changed := p.node.Changed
	t := &tail{column: p.node.Time, byTime: changed == nil}
	if changed != nil {
		t.column = changed
	}
	t.binding = tailBinding(p.node, t.column)
	if q.Since != "" {
		for _, contradiction := range []struct {
			found        bool
			name, reason string
		}{
			{p.derived != nil, "interval", "a bucket of new rows alone would be wrong"},
			{q.Points != 0 && q.Downsample == mean, "downsample=mean", "a mean of new rows alone would be wrong"},
			{changed != nil && q.Shape == "wide", "shape=wide", "the series that did not change would be missing from its rows"},
		} {
			if contradiction.found {
				return contracts.Invalid("query.since", q.Since, "Leave out since or "+contradiction.name+".", "since and %s contradict each other: %s.", contradiction.name, contradiction.reason)
			}
		}
		var ok bool
		if t.mark, ok = readTail(q.Since, t.binding); !ok {
			return contracts.Invalid("query.since", q.Since, "Leave since out to begin anew, and take meta.tabular.tailCursor of that answer.", "since is no cursor of %s.", p.node.Name)
		}
	}
	if p.derived != nil {
		return nil // buckets have no tail
	}
	p.tail = t
	_, err := t.after(p.node, q.Since)
	return err
}

// since keeps the rows that came, or changed, since an earlier answer, and notes how far
// this one reaches.
func (s *Service) since(ctx context.Context, p *plan, q Query) error {
	if p.tail == nil {
		return nil
	}
	after, err := p.tail.after(p.node, q.Since)
	if err != nil {
		return err
	}
	if !p.tail.byTime {
		// Asked before the rows are read: what comes in between is read twice, not missed.
		if err := s.greatest(ctx, p, p.tail); err != nil {
			return err
		}
	}
	p.where = append(slices.Clip(p.where), after...)
	return nil
}

// after is the condition that a row lies at the mark or after it.
func (t *tail) after(node *catalog.Node, cursor string) ([]sql.Expr, error) {
	if t.mark == "" {
		return nil, nil
	}
	value, err := t.column.Type.Literal(t.mark)
	if err != nil {
		// The column has come to be of another type.
		return nil, contracts.Invalid("query.since", cursor, "Leave since out to begin anew.", "since does not fit %s any more.", node.Name)
	}
	return []sql.Expr{sql.Compare{Left: t.column.Ref(), Operator: ">=", Right: value}}, nil
}

// greatest finds the greatest change there is of the plan's rows.
func (s *Service) greatest(ctx context.Context, p *plan, t *tail) error {
	query := p.read()
	query.Columns = []sql.Column{{Expr: t.column.Type.Wire(sql.Call("maxOrNull", t.column.Ref())), As: t.column.Name}}
	records, err := s.Store.Query(ctx, query.Build())
	if err != nil {
		return err
	}
	defer records.Close()
	for {
		record, err := records.Next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		for row := range int(record.NumRows()) {
			text, null, err := contracts.CellText(record.Column(0), row)
			if err != nil {
				return err
			}
			if !null {
				t.mark = text
			}
		}
	}
}

// followed is a frame over records of the plan that tells how far it reaches.
func (p *plan) followed(records contracts.RecordReader, limit int64) (*contracts.Frame, error) {
	if p.tail == nil {
		return catalog.NewFrame(p.columns, records, limit)
	}
	var frame *contracts.Frame
	if p.tail.byTime {
		records = contracts.Hide(records, 0, func(record arrow.Record) (int64, error) {
			err := p.tail.note(record)
			frame.Meta.Tabular.TailCursor = p.tail.cursor()
			return 0, err
		})
	}
	frame, err := catalog.NewFrame(p.columns, records, limit)
	if err == nil {
		frame.Meta.Tabular.TailCursor = p.tail.cursor()
	}
	return frame, err
}

// note notes the times of rows that pass. They are in order of time, one way or the other.
func (t *tail) note(record arrow.Record) error {
	rows := int(record.NumRows())
	if rows == 0 {
		return nil
	}
	for _, row := range []int{0, rows - 1} {
		text, _, err := contracts.CellText(record.Column(0), row)
		if err != nil {
			return err
		}
		if t.mark == "" || later(parsed(t.mark), parsed(text)).Equal(parsed(text)) {
			t.mark = text
		}
	}
	return nil
}

// parsed is the time of a cell.
func parsed(text string) time.Time {
	for _, layout := range []string{time.RFC3339Nano, time.DateOnly} {
		if at, err := time.Parse(layout, text); err == nil {
			return at
		}
	}
	return time.Time{}
}

// cursor is what the next request says to go on from here.
func (t *tail) cursor() string { return tailCursor(t.mark, t.binding) }

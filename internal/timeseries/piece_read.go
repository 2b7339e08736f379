package timeseries

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/apache/arrow/go/v17/arrow"

	"framehouse/internal/catalog"
	"framehouse/internal/contracts"
	"framehouse/internal/store/sql"
	"framehouse/internal/timing"
)

// readPieces is readRows for a plan that can be read in pieces.
//
// What is missing is read by one statement, and none of the pieces that were kept has changed
// until after it: so the answer is that of one moment, as it is without pieces.
func (s *Service) readPieces(ctx context.Context, p *plan, q Query) (*contracts.Frame, error) {
	key, err := p.pieceKey()
	if err != nil {
		return nil, err
	}
	like := key.With("like", p.pieced.class(p.now), fmt.Sprint(p.limit))
	if u, ok := s.Kept.Piece(like).(undivided); ok && p.now.Before(u.until) {
		return s.readRows(ctx, p, q)
	}
	undivide := func() { s.Kept.KeepPiece(like, undivided{p.now.Add(undividedFor)}, 0) }
	for range pieceTries {
		frame, err := s.assemble(ctx, p, q, key, undivide)
		if err == errWhole {
			return s.readRows(ctx, p, q)
		}
		if err != errChanged {
			return frame, err
		}
	}
	undivide()
	return s.readRows(ctx, p, q)
}

// pieceTries is how often pieces are put together that turn out to have changed, before the
// range is read as a whole.
const pieceTries = 2

// Why no answer was put together.
var (
	errChanged = errors.New("pieces have changed meanwhile")
	errWhole   = errors.New("the range is to be read as a whole")
)

// assembly is an answer that is put together.
type assembly struct {
	*plan
	query   Query
	pieces  []piece
	begins  []int64          // of all pieces but the first
	within  []catalog.Within // what there is of them
	keys    []catalog.Key
	rows    []*keptPiece // nil while they are missing
	missing int
}

// assemble puts an answer together of pieces with this key. It calls undivide when others like it
// are better read as a whole for some time.
func (s *Service) assemble(ctx context.Context, p *plan, q Query, key catalog.Key, undivide func()) (*contracts.Frame, error) {
	parts, err := s.Sizes.Parts(ctx, p.node, time.Time{})
	if err != nil {
		return nil, err
	}
	if parts == nil {
		return nil, errWhole
	}
	a := &assembly{plan: p, query: q}
	a.pieces, a.begins = p.pieced.cut(parts.Bounds())
	if len(a.begins) == 0 || parts.Within(a.pieces[0].first, a.pieces[len(a.begins)].last).Rows < fewestRows {
		return nil, errWhole
	}
	a.look(s.Kept, key, parts)
	if a.missing == 0 {
		return a.frame(ctx, s, undivide)
	}
	all, recorder := a.missing == len(a.pieces), timing.From(ctx)
	began, queued := time.Now(), recorder.Took("queue")
	read, cut, err := a.read(ctx, s)
	if err == errWhole || cut {
		undivide()
	}
	if !all && err != nil && contracts.AsError(err).Code == contracts.CodeInvalidRequest {
		return nil, errWhole // a filter of so many values that there is no room for those of pieces
	}
	if err != nil {
		return nil, err
	}
	took := time.Since(began) - (recorder.Took("queue") - queued) // to wait for a turn is no work
	if all && took < cmp.Or(s.PiecesFrom, piecesFrom) {
		undivide()
		return a.whole(ctx, s, read, cut)
	}
	switch {
	case cut && all:
		return a.whole(ctx, s, read, true) // the newest rows, of which the oldest piece lacks some
	case cut:
		return nil, errWhole // between those that are kept there are more than the limit
	}
	now, err := s.Sizes.Parts(ctx, p.node, time.Now())
	if err != nil && !all {
		return nil, err
	}
	if err != nil {
		now = nil // what was read is an answer all the same
	}
	if err := a.hold(s.Kept, now, read); err != nil {
		return nil, err
	}
	return a.frame(ctx, s, undivide)
}

// piecesFrom is how long a range must take to be read as a whole for pieces to pay: about twice
// what it takes to ask which parts there are, before and after.
const piecesFrom = 25 * time.Millisecond

// undivided is kept for ranges that were read as a whole because they take less, have more rows
// than the limit, or rows that are too large to be held. Others like them are not tried for
// some time.
type undivided struct{ until time.Time }

const undividedFor = time.Minute

// whole is a frame of what was read of all pieces.
func (a *assembly) whole(ctx context.Context, s *Service, read *keptPiece, cut bool) (_ *contracts.Frame, err error) {
	if a.rows, err = read.divide(nil); err != nil {
		return nil, err
	}
	frame, err := a.frame(ctx, s, func() {})
	if err == nil {
		frame.Meta.Tabular.Truncated = cut
	}
	return frame, err
}

// look finds the pieces that are kept and as there are now.
func (a *assembly) look(kept Pieces, base catalog.Key, parts *catalog.Parts) {
	a.within, a.rows, a.keys = make([]catalog.Within, len(a.pieces)), make([]*keptPiece, len(a.pieces)), make([]catalog.Key, len(a.pieces))
	for i, piece := range a.pieces {
		a.within[i] = parts.Within(piece.first, piece.last)
		a.keys[i] = base.With(fmt.Sprint(piece.first), fmt.Sprint(piece.last))
		if a.within[i].Version == "" {
			a.rows[i] = noRows
			continue
		}
		if found, ok := kept.Piece(a.keys[i]).(*keptPiece); ok && found.version == a.within[i].Version {
			a.rows[i] = found
			continue
		}
		a.missing++
	}
}

// read reads the pieces that are missing. cut tells that there were more rows than the limit.
func (a *assembly) read(ctx context.Context, s *Service) (read *keptPiece, cut bool, err error) {
	q := a.query
	q.marked, q.only = true, a.only()
	p, err := newPlan(a.node, q, a.now)
	if err != nil {
		return nil, false, err
	}
	query := p.newestFirst()
	if !q.Descending {
		query = p.turned(query)
	}
	query.Settings = append(slices.Clip(query.Settings), p.settings...)
	records, err := s.Store.Query(ctx, query.Build())
	if err != nil {
		return nil, false, err
	}
	frame, err := p.frame(records, !q.Descending)
	if err != nil {
		return nil, false, err
	}
	defer frame.Close()
	read = &keptPiece{schema: frame.Schema()}
	for size := 0; ; {
		record, err := frame.Next()
		if err == io.EOF {
			return read, frame.Meta.Tabular.Truncated, nil
		}
		if err != nil {
			return nil, false, err
		}
		copied, err := copyOf([]arrow.Record{record}, int(record.NumCols()))
		if err != nil {
			return nil, false, err
		}
		if size += heldBy(copied); size > mostPiecedBytes {
			return nil, false, errWhole
		}
		read.rows = append(read.rows, copied)
	}
}

// only is the condition that a row is of a piece that is missing; nil when all are.
func (a *assembly) only() sql.Expr {
	var runs sql.Or
	for i := 0; i < len(a.pieces); i++ {
		if a.rows[i] != nil {
			continue
		}
		end := i + 1
		for end < len(a.pieces) && a.rows[end] == nil {
			end++
		}
		var run sql.And
		for _, bound := range []struct {
			is       bool
			operator string
			piece    int
		}{{i > 0, ">=", i}, {end < len(a.pieces), "<", end}} {
			if !bound.is {
				continue
			}
			at := a.pieced.tick.time(a.begins[bound.piece-1])
			if condition := a.node.Time.Type.Bound(a.node.Time.Ref(), bound.operator, at); condition != nil {
				run = append(run, condition)
			}
		}
		if i = end; len(run) == 0 {
			return nil
		}
		runs = append(runs, run)
	}
	return runs
}

// hold divides what was read into the pieces that were missing, and keeps those that have not
// changed meanwhile. It fails if any of the others has.
func (a *assembly) hold(kept Pieces, now *catalog.Parts, read *keptPiece) error {
	divided, err := read.divide(a.begins)
	if err != nil {
		return err
	}
	for i, piece := range a.pieces {
		same := now != nil && now.Within(piece.first, piece.last).Version == a.within[i].Version
		if a.rows[i] != nil {
			if !same {
				return errChanged
			}
			continue
		}
		one := divided[i]
		one.version, a.rows[i] = a.within[i].Version, one
		if same && !piece.partial {
			kept.KeepPiece(a.keys[i], one, one.size())
		}
	}
	return nil
}

// frame is a frame of the rows of all pieces, or of the newest if there are too many. It calls
// undivide if there are none or too many bytes of them.
func (a *assembly) frame(ctx context.Context, s *Service, undivide func()) (*contracts.Frame, error) {
	source, err := s.Sizes.FrameSource(ctx, &a.node.Table, a.period)
	if err != nil {
		return nil, err
	}
	rows, err := a.newest()
	if err == errWhole {
		undivide()
	}
	if err != nil {
		return nil, err
	}
	frame, err := catalog.NewFrame(a.columns, rows, contracts.NoLimit)
	if err != nil {
		return nil, err
	}
	frame.Meta.Tabular.Truncated = rows.cut
	a.describe(frame, source)
	frame.Meta.Range = a.resolved
	timing.From(ctx).Describe("pieces", fmt.Sprintf("%d of %d kept", len(a.pieces)-a.missing, len(a.pieces)))
	return frame, nil
}

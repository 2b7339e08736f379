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
	for range pieceTries {
		frame, err := s.assemble(ctx, p, q)
		if err == errWhole {
			break
		}
		if err != errChanged {
			return frame, err
		}
	}
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

func (s *Service) assemble(ctx context.Context, p *plan, q Query) (*contracts.Frame, error) {
	base, err := p.pieceKey()
	if err != nil {
		return nil, err
	}
	cost := base.With("cost", p.pieced.class(p.now))
	if c, ok := s.Kept.Piece(cost).(cheap); ok && p.now.Before(c.until) {
		return nil, errWhole
	}
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
	a.look(s.Kept, base, parts)
	timing.From(ctx).Describe("pieces", fmt.Sprintf("%d of %d kept", len(a.pieces)-a.missing, len(a.pieces)))
	if a.missing == 0 {
		return a.frame(ctx, s)
	}
	all, began := a.missing == len(a.pieces), time.Now()
	read, cut, err := a.read(ctx, s)
	if err == errWhole {
		s.Kept.KeepPiece(cost, cheap{p.now.Add(cheapFor)}, 0) // nor is it read twice each time
	}
	if err != nil {
		return nil, err
	}
	if took := time.Since(began); all && took < cmp.Or(s.PiecesFrom, piecesFrom) {
		s.Kept.KeepPiece(cost, cheap{p.now.Add(cheapFor)}, 0)
		return a.whole(ctx, s, read, cut)
	}
	if cut && all {
		return a.whole(ctx, s, read, true) // its oldest piece lacks rows
	}
	now, err := s.Sizes.Parts(ctx, p.node, time.Now())
	switch {
	case cut:
		return nil, errWhole // there are more rows than those that were read, and than the limit
	case err != nil && !all:
		return nil, err
	case err != nil:
		now = nil // what was read is an answer all the same
	}
	if err := a.hold(s.Kept, now, read); err != nil {
		return nil, err
	}
	return a.frame(ctx, s)
}

// piecesFrom is how long a range takes to be read, as a whole, that is kept in pieces: several
// times what it takes to ask which parts there are. A range that took less is read as a whole
// for some time.
const (
	piecesFrom = 25 * time.Millisecond
	cheapFor   = time.Minute
)

// cheap is kept for ranges that take less, and for those whose rows are too large to be held.
type cheap struct{ until time.Time }

// whole is a frame of what was read of all pieces.
func (a *assembly) whole(ctx context.Context, s *Service, read *keptPiece, cut bool) (_ *contracts.Frame, err error) {
	if a.rows, err = read.divide(nil); err != nil {
		return nil, err
	}
	frame, err := a.frame(ctx, s)
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
		if size += sizeOf(copied); size > mostPiecedBytes {
			return nil, false, errWhole
		}
		read.rows = append(read.rows, copied)
	}
}

// only is the condition that a row is of a piece that is missing; nil when all are.
func (a *assembly) only() sql.Expr {
	var any sql.Or
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
		any = append(any, run)
	}
	return any
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

// frame is a frame of the rows of all pieces, or of the newest if there are too many.
func (a *assembly) frame(ctx context.Context, s *Service) (*contracts.Frame, error) {
	source, err := s.Sizes.FrameSource(ctx, &a.node.Table, a.period)
	if err != nil {
		return nil, err
	}
	rows, err := a.newest()
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
	return frame, nil
}

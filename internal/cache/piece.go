package cache

// piece is something that answers are made of, for whoever makes them.
type piece struct {
	of    any
	bytes int
}

func (p *piece) weight() int { return p.bytes }

// pieceCoding is no content coding, so that a piece is in the place of no answer.
const pieceCoding = "piece"

// Piece returns the piece that is kept for a key, or nil.
func (c *Cache) Piece(key [32]byte) any {
	kept, _ := c.kept.GetIfPresent(place{key, pieceCoding})
	if p, ok := kept.(*piece); ok {
		return p.of
	}
	return nil
}

// KeepPiece keeps a piece that takes so many bytes in place of what is kept for the key, unless
// it is too large. It is given out to many at once, so that nobody may change it.
func (c *Cache) KeepPiece(key [32]byte, of any, bytes int) {
	if bytes > c.largest {
		return
	}
	c.kept.Set(place{key, pieceCoding}, &piece{of, bytes})
}

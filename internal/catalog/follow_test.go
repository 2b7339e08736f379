package catalog

import (
	"testing"
	"testing/synctest"
	"time"

	"framehouse/internal/store/sql"
)

// After a read there is a question for the version, and after the last one no more.
func TestFollow(t *testing.T) {
	t.Parallel()
	live, table := loaded(t)
	synctest.Test(t, func(t *testing.T) {
		db := &slow{let: make(chan struct{})}
		close(db.let)
		sizes := NewSizes(live, nil)
		sizes.db = db
		asked := func() int {
			synctest.Wait()
			db.mu.Lock()
			defer db.mu.Unlock()
			return db.asked
		}
		version := func() {
			if _, _, err := sizes.Version(t.Context(), []sql.Table{table.Source}, nil); err != nil {
				t.Error(err)
			}
		}
		version()
		sizes.Follow([]sql.Table{table.Source})
		time.Sleep(sizeAge * 9 / 10)
		sizes.Follow([]sql.Table{table.Source}) // another, which began later
		time.Sleep(sizeAge / 5)
		if got := asked(); got != 1 {
			t.Errorf("%d questions while what is known is of use", got)
		}
		time.Sleep(sizeAge)
		if got := asked(); got != 2 {
			t.Errorf("%d questions once the reads are over, not 2", got)
		}
		time.Sleep(time.Minute)
		if got := asked(); got != 2 || len(sizes.read) > 0 {
			t.Errorf("%d questions when nobody reads, not 2", got)
		}
	})
}

package tables

import (
	"testing"

	"framehouse/internal/catalog/catalogtest"
	"framehouse/internal/contracts"
	"framehouse/internal/store/storetest"
)

// A table that has changed in ClickHouse since the catalog was read is not served with
// fields that no longer describe its cells. What comes in the same Arrow type before and
// after, such as a DateTime instead of a UInt32, shows when the catalog is next read.
func TestDrift(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ before, after string }{
		{"UInt32", "UInt64"}, // digits would be lost
		{"UInt32", "String"},
		{"UInt32", "Nullable(String)"},
		{"DateTime64(3)", "DateTime64(6)"},
		{"Float64", "Decimal(10, 2)"},
		{"Decimal(10, 2)", "Decimal(50, 2)"},
	} {
		t.Run(test.before+" to "+test.after, func(t *testing.T) {
			database := storetest.Database(t)
			storetest.Exec(t, database, "CREATE TABLE drifting (k UInt8, v "+test.before+") ORDER BY k;\nINSERT INTO drifting VALUES (1, 1);")
			s := service(t, database, "tables: {drifting: }")
			storetest.Exec(t, database, "ALTER TABLE drifting MODIFY COLUMN v "+test.after)
			_, err := catalogtest.Run(t.Context())(s.Rows(Query{Table: "drifting"}))
			if e := contracts.AsError(err); err == nil || e.Code != contracts.CodeUnavailable || e.RetryAfter <= 0 {
				t.Fatalf("error %v", err)
			}
			if err := s.Catalog.Load(t.Context()); err != nil {
				t.Fatal(err)
			}
			frame, err := catalogtest.Run(t.Context())(s.Rows(Query{Table: "drifting"}))
			if err != nil {
				t.Fatalf("when the catalog is read again: %v", err)
			}
			frame.Close()
			storetest.Exec(t, database, "DROP TABLE drifting")
			if _, err := catalogtest.Run(t.Context())(s.Rows(Query{Table: "drifting"})); err == nil || contracts.AsError(err).Code != contracts.CodeUnavailable {
				t.Errorf("of a table that is gone: %v", err)
			}
		})
	}
}

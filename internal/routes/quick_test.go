package routes

import (
	"net/http/httptest"
	"runtime"
	"testing"
	"weak"

	"framehouse/internal/cache"
	"framehouse/internal/catalog"
)

// What is remembered of requests holds no catalog back that others have followed.
func TestRememberedCatalogs(t *testing.T) {
	t.Parallel()
	memory := cache.NewMemory[*remembered](cache.New(1 << 20))
	text := textOf(httptest.NewRequest("GET", "/v1/tables/x/rows", nil))
	gone := func() weak.Pointer[catalog.Catalog] {
		old := &catalog.Catalog{}
		memory.Put(text, &remembered{in: weak.Make(old)})
		if found, ok := memory.Get(text); !ok || found.in != weak.Make(old) {
			t.Error("it is not remembered")
		}
		return weak.Make(old)
	}()
	runtime.GC()
	if gone.Value() != nil {
		t.Error("the catalog is still there")
	}
	if found, _ := memory.Get(text); found.in == weak.Make(&catalog.Catalog{}) {
		t.Error("another catalog is taken for it")
	}
}

package filter

import (
	"testing"

	"framehouse/internal/store/storetest"
)

func TestMain(m *testing.M) { storetest.Main(m) }

package engine

import (
	"os"
	"strconv"
	"strings"
	"testing"
	"time"
)

func TestSecondOpenSaysWhoHoldsTheFolder(t *testing.T) {
	dir := t.TempDir()
	open(t, Config{Dir: dir, Owner: "framehouse serve on 127.0.0.1:8080"})
	began := time.Now()
	_, err := Open(t.Context(), Config{Dir: dir, Owner: "the second"})
	if err == nil {
		t.Fatal("two engines on one folder")
	}
	for _, want := range []string{dir, "in use by framehouse serve on 127.0.0.1:8080 (pid " + strconv.Itoa(os.Getpid()) + ", since 20"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("error does not say %q: %v", want, err)
		}
	}
	if took := time.Since(began); took > time.Second {
		t.Errorf("it took %s to fail", took)
	}
}

func TestFolderIsFreeAfterClose(t *testing.T) {
	dir := t.TempDir()
	e := open(t, Config{Dir: dir})
	password := e.Password()
	e.Close()
	if again := open(t, Config{Dir: dir}); again.Password() != password {
		t.Error("the second start has another password")
	}
}

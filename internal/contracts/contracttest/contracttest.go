// Package contracttest holds documents of ours against the JSON schemas that Command
// Center publishes. The schemas are not part of this repository, so a test that uses them
// skips where they are absent; FRAMEHOUSE_REQUIRE_CONTRACTS=1 makes it fail instead.
package contracttest

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// The schemas that documents of ours must satisfy.
const (
	TabularFrame = "tabular-frame-v1"
	Discovery    = "adapter-from-api-discovery-v1"
)

const suffix = ".schema.json"

// Validate fails the test unless document is JSON that satisfies the schema, which is
// named like its file, with or without .schema.json. It skips what is left of the test
// where there are no schemas, so it belongs behind the checks that need none.
func Validate(t testing.TB, schema string, document []byte) {
	t.Helper()
	folder, err := find()
	if err != nil && os.Getenv("FRAMEHOUSE_REQUIRE_CONTRACTS") == "1" {
		t.Fatalf("FRAMEHOUSE_REQUIRE_CONTRACTS=1: %v", err)
	}
	if err != nil {
		t.Skipf("the document was not held against the schema %s: %v", schema, err)
	}
	file := filepath.Join(folder, "schemas", strings.TrimSuffix(schema, suffix)+suffix)
	if err := validate(file, document); err != nil {
		t.Errorf("%v\n%s", err, shortened(document))
	}
}

func validate(file string, document []byte) error {
	compiled, err := jsonschema.NewCompiler().Compile(file)
	if err != nil {
		return err
	}
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(document))
	if err != nil {
		return fmt.Errorf("not JSON: %w", err)
	}
	return compiled.Validate(value)
}

// find returns the folder that FRAMEHOUSE_CONTRACTS names, or else shared/contracts
// beside the module.
func find() (string, error) {
	folder := os.Getenv("FRAMEHOUSE_CONTRACTS")
	if folder == "" {
		root, err := moduleRoot()
		if err != nil {
			return "", err
		}
		folder = filepath.Join(root, "..", "shared", "contracts")
	}
	if _, err := os.Stat(filepath.Join(folder, "schemas")); err != nil {
		return "", fmt.Errorf("no contracts, whose folder FRAMEHOUSE_CONTRACTS names: %w", err)
	}
	return folder, nil
}

func moduleRoot() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		_, err := os.Stat(filepath.Join(dir, "go.mod"))
		if err == nil || !errors.Is(err, fs.ErrNotExist) {
			return dir, err
		}
		if parent := filepath.Dir(dir); parent != dir {
			dir = parent
			continue
		}
		return "", fmt.Errorf("no go.mod here or above")
	}
}

func shortened(document []byte) []byte {
	const most = 2000
	return document[:min(len(document), most)]
}

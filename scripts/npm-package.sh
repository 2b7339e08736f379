# Sourced by the scripts that fetch an npm package of a pinned version: what they have in common. They set PACKAGE, VERSION
# and PINNED, and define fail.

# pack downloads the package into $TMP. A cache of its own, so that nothing is left behind in the user's npm cache.
pack() {
	if ! (cd "$TMP" && exec npm pack "$PACKAGE@$VERSION" --cache "$TMP/npm" --fetch-retry-mintimeout=1000 --fetch-retry-maxtimeout=5000) >"$TMP/out" 2>&1; then
		# npm warns, advises and dumps its stack at length; its first few errors say what matters here.
		grep -v -e '^npm warn' -e '^npm notice' -e 'complete log of this run' -e '^npm [^ ]* *  ' -e '^npm [^ ]* *[{}]*$' "$TMP/out" | head -n 6 >&2 || true
		fail "npm could not fetch $PACKAGE@$VERSION (see above): check the network and npm's registry and try again"
	fi
	set -- "$TMP"/*.tgz
	[ -f "$1" ] || fail "npm said that all went well but left no package: try again"
	check "$1"
}

# check makes sure that a file has the pinned checksum.
check() {
	if command -v openssl >/dev/null 2>&1; then
		got=sha512-$(openssl dgst -sha512 -binary "$1" | openssl base64 -A)
	else
		got=sha512-$(node -e 'const h = require("crypto").createHash("sha512"); require("fs").createReadStream(process.argv[1]).on("data", d => h.update(d)).on("end", () => console.log(h.digest("base64")))' "$1")
	fi
	[ "$got" = "$PINNED" ] || fail "$PACKAGE@$VERSION is not the file it should be and was thrown away: its checksum is $got instead of $PINNED; do not use the registry it came from"
}

package routes

import (
	"context"
	"encoding/base64"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"framehouse/internal/cache"
	"framehouse/internal/catalog"
	"framehouse/internal/store/sql"
)

// asked is what a request was found to ask for, as far as it concerns how fresh an answer is.
type asked struct {
	key     catalog.Key     // of the reading and of how it is represented
	tables  []sql.Table     // whose data is read
	period  *catalog.Period // of which alone they are read; nil for all
	caching catalog.Caching
	until   time.Time // the end of the range of time; zero when it is open, or moves
}

// freshness says what an answer is worth keeping for, and how to ask whether it is still true.
type freshness struct {
	known   bool      // whether ClickHouse tells when the data changes
	version string    // of the data
	key     cache.Key // of the answer as of that version
	etag    string
	control string // for Cache-Control
}

// unknownFreshness is that of data of which nobody tells when it changes: whoever keeps an
// answer would show what is no longer there.
var unknownFreshness = freshness{control: noStore}

const noStore = "no-store"

// settledAge is how long ago a range must have ended that is hardly changed any more. Rows of
// a day arrive late, or are corrected, mostly within the next.
const settledAge = 24 * time.Hour

// freshness asks for the version of the data, before the data itself is asked for: an answer
// is never older than the version that it goes by.
//
// The entity tag is a weak one. Two answers with the same differ in what is not their content,
// such as the id of the request that made them, and in their coding.
func (a *API) freshness(ctx context.Context, of asked) (freshness, error) {
	if len(of.tables) == 0 || of.caching.Off {
		return unknownFreshness, nil
	}
	version, known, err := a.Tables.Sizes.Version(ctx, of.tables, of.period)
	if err != nil || !known {
		return unknownFreshness, err
	}
	key := of.key.With(a.Build.Version, a.Build.Commit, version)
	age := of.caching.MaxAge
	if !of.until.IsZero() && a.TimeSeries.Now().Sub(of.until) > settledAge {
		age = of.caching.PastMaxAge
	}
	return freshness{
		known: true, version: version, key: cache.Key(key),
		etag:    `W/"` + base64.RawURLEncoding.EncodeToString(key[:18]) + `"`,
		control: fmt.Sprintf("max-age=%d, stale-while-revalidate=%d", age/time.Second, of.caching.Stale/time.Second),
	}, nil
}

// set tells the client.
func (f freshness) set(h http.Header) {
	h.Set("Cache-Control", f.control)
	if f.etag != "" {
		h.Set("Etag", f.etag)
	}
}

// asksForAny tells whether a client has an answer and does not say which. That there is one is
// known of one that is kept, and else only when it is made.
func asksForAny(r *http.Request) bool {
	return slices.ContainsFunc(r.Header["If-None-Match"], func(line string) bool { return strings.Trim(line, " \t") == "*" })
}

// matches tells whether an If-None-Match header names the answer, by weak comparison (RFC
// 9110, section 13.1.2). Who can name it has had it.
func (f freshness) matches(header []string) bool {
	if !f.known {
		return false
	}
	for _, line := range header {
		for rest := line; rest != ""; {
			rest = strings.TrimLeft(rest, " \t,")
			opaque := strings.TrimPrefix(rest, "W/")
			if !strings.HasPrefix(opaque, `"`) {
				break // no tag follows
			}
			end := strings.IndexByte(opaque[1:], '"')
			if end < 0 {
				break
			}
			if opaque[:end+2] == f.etag[len("W/"):] {
				return true
			}
			rest = opaque[end+2:]
		}
	}
	return false
}

// notModified answers that the client has the answer already.
func (f freshness) notModified(w http.ResponseWriter) {
	f.set(w.Header())
	w.Header().Add("Vary", frameVary)
	w.WriteHeader(http.StatusNotModified)
}

// frameVary are the headers of a request that decide how a frame is written.
const frameVary = "Accept, Accept-Encoding"

// conditional tells whether a request may be answered with what the client has.
func conditional(r *http.Request) bool {
	return r.Method == http.MethodGet || r.Method == http.MethodHead
}

// bypasses tells whether a client wants nothing that was kept, or its answer not kept.
func bypasses(r *http.Request) bool {
	for _, line := range r.Header["Cache-Control"] {
		for directive := range strings.SplitSeq(line, ",") {
			switch strings.ToLower(strings.TrimSpace(directive)) {
			case "no-cache", "no-store":
				return true
			}
		}
	}
	return false
}

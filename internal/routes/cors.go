package routes

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// Origins are the sites whose scripts may read our answers in a browser: none as long as
// nobody has said it. Which requests are allowed is not their matter, only who reads.
type Origins struct {
	any       bool
	exact     map[string]bool
	wildcards []wildcard
}

// wildcard is an origin whose first label may be any.
type wildcard struct{ before, after string }

// ParseOrigins reads origins such as https://app.example.com, https://*.example.com, or *
// alone for all.
func ParseOrigins(patterns []string) (Origins, error) {
	o := Origins{exact: map[string]bool{}}
	if slices.Contains(patterns, "*") {
		if len(patterns) > 1 {
			return o, errors.New("* allows every origin already; give it alone, or leave it out")
		}
		o.any = true
		return o, nil
	}
	for _, pattern := range patterns {
		origin, err := readOrigin(pattern)
		if err != nil {
			return o, fmt.Errorf("the origin %q %w", pattern, err)
		}
		if before, after, ok := strings.Cut(origin, "*"); ok {
			o.wildcards = append(o.wildcards, wildcard{before, after})
		} else {
			o.exact[origin] = true
		}
	}
	return o, nil
}

// hostLabels are those of a host as a browser sends it, with at most a first one that is *.
var hostLabels = regexp.MustCompile(`^(\*\.)?[a-z0-9_-]+(\.[a-z0-9_-]+)*$`)

// readOrigin is a pattern the way browsers write origins: in small letters, without the port
// that its scheme implies.
func readOrigin(pattern string) (string, error) {
	u, err := url.Parse(strings.ToLower(pattern))
	switch {
	case err != nil:
		return "", errors.New("cannot be read; write it as https://app.example.com or https://*.example.com")
	case u.Scheme != "http" && u.Scheme != "https" || u.Host == "":
		return "", errors.New("must begin with https:// or http:// and name a host, as in https://app.example.com")
	case u.User != nil || u.RawQuery != "" || u.ForceQuery || strings.Contains(pattern, "#"):
		return "", fmt.Errorf("must be no more than scheme, host and port: %s://%s", u.Scheme, u.Host)
	case u.Path != "":
		return "", fmt.Errorf("must end behind the host and port, without %q: an origin has no path", u.Path)
	}
	host, isAddress := u.Hostname(), strings.HasPrefix(u.Host, "[")
	parent, wild := strings.CutPrefix(host, "*.")
	last := parent[strings.LastIndex(parent, ".")+1:]
	switch {
	case strings.Count(host, "*") > 1 || strings.Contains(host, "*") && !wild:
		return "", errors.New("may have * only as its whole first label, as in https://*.example.com")
	case !isAddress && !hostLabels.MatchString(host):
		return "", errors.New("has a host that no browser sends; write letters beyond a-z in their xn-- form")
	case wild && !strings.Contains(parent, "."):
		return "", fmt.Errorf("would allow everybody under .%s; name at least two labels behind the *", parent)
	case wild && strings.Trim(last, "0123456789") == "":
		return "", errors.New("has a * in an address, which stands for labels of a name")
	}
	port := u.Port()
	if port == "" && strings.HasSuffix(u.Host, ":") {
		return "", errors.New("ends with a colon and no port")
	}
	if port == "" || u.Scheme == "http" && port == "80" || u.Scheme == "https" && port == "443" {
		return u.Scheme + "://" + strings.TrimSuffix(u.Host, ":"+port), nil
	}
	return u.Scheme + "://" + u.Host, nil
}

// anyLabel is what a wildcard stands for.
var anyLabel = regexp.MustCompile(`^[a-z0-9_-]+$`)

func (o *Origins) allow(origin string) bool {
	return o.exact[origin] || slices.ContainsFunc(o.wildcards, func(w wildcard) bool {
		rest, begins := strings.CutPrefix(origin, w.before)
		label, ends := strings.CutSuffix(rest, w.after)
		return begins && ends && anyLabel.MatchString(label)
	})
}

func (o *Origins) none() bool { return !o.any && len(o.exact)+len(o.wildcards) == 0 }

const (
	corsMethods = "GET, HEAD, POST, DELETE, OPTIONS"
	// The last three are sent by parts of Command Center.
	corsRequestHeaders = "Accept, Authorization, Cache-Control, Content-Type, Idempotency-Key, If-None-Match, X-Request-Id, " +
		"X-User-UID, X-FastAPI-ID, X-Resource-Release-UID"
	// What we send beyond the few headers that scripts may always read.
	corsHeaders = "Age, Content-Disposition, ETag, Link, Retry-After, Server-Timing, X-Cache, X-Request-Id, " +
		rowCountHeader + ", " + truncatedHeader + ", " + nextCursorHeader + ", " + totalHeader + ", " + totalKindHeader
)

// corsMaxAge is how long, in seconds, a browser may remember what a preflight allowed: two
// hours, which is as long as any of them does.
const corsMaxAge = "7200"

// cors tells browsers which sites may read an answer, whatever its status, and answers their
// preflights before anything else looks at them: those carry no credentials.
func (a *API) cors(next http.Handler) http.Handler {
	if a.Origins.none() {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h, origin := w.Header(), r.Header.Get("Origin")
		h.Add("Vary", "Origin") // also of an answer to no origin, which a cache might give to one
		allowed := origin != "" && (a.Origins.any || a.Origins.allow(origin))
		switch {
		case allowed && a.Origins.any:
			h.Set("Access-Control-Allow-Origin", "*")
		case allowed:
			h.Set("Access-Control-Allow-Origin", origin)
			h.Set("Access-Control-Allow-Credentials", "true")
		}
		if r.Method != http.MethodOptions || r.Header.Get("Access-Control-Request-Method") == "" {
			if allowed {
				h.Set("Access-Control-Expose-Headers", corsHeaders)
			}
			next.ServeHTTP(w, r)
			return
		}
		h.Add("Vary", "Access-Control-Request-Method, Access-Control-Request-Headers")
		if allowed {
			h.Set("Access-Control-Allow-Methods", corsMethods)
			h.Set("Access-Control-Allow-Headers", corsRequestHeaders)
			h.Set("Access-Control-Max-Age", corsMaxAge)
		}
		w.WriteHeader(http.StatusNoContent)
	})
}

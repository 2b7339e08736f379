package main

import (
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strings"

	"framehouse/internal/routes"
)

// addressFlags say under which paths we answer and what clients call us.
type addressFlags struct {
	BasePath  string `placeholder:"PATH" help:"Answer under this path, such as /data, behind a proxy that leaves it in. A proxy that takes it off needs --public-url only."`
	PublicURL string `name:"public-url" placeholder:"URL" help:"What clients call this server, path and all, such as https://data.example.com/data; documents for programs say it."`
}

// plainPath is a path whose characters mean themselves wherever it is written.
var plainPath = regexp.MustCompile(`^(/[A-Za-z0-9._~-]+)+$`)

// check reads the flags; slashes at the end do not matter.
func (f *addressFlags) check() (basePath, publicURL string, err error) {
	basePath = strings.TrimRight(f.BasePath, "/")
	if basePath != "" && (!plainPath.MatchString(basePath) || strings.Contains(basePath+"/", "/./") || strings.Contains(basePath+"/", "/../")) {
		return "", "", usageError{fmt.Errorf("--base-path %q is no path such as /data or /team/data, of letters, digits and . _ ~ -", f.BasePath)}
	}
	if f.PublicURL == "" {
		return basePath, "", nil
	}
	u, err := url.Parse(f.PublicURL)
	switch {
	case err != nil:
		return "", "", usageError{errors.New("--public-url cannot be read; write it as https://data.example.com/data")}
	case u.User != nil:
		return "", "", usageError{errors.New("--public-url is told to everybody; leave the user and password out")}
	case u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "":
		return "", "", usageError{fmt.Errorf("--public-url %q must begin with https:// or http:// and name a host, as in https://data.example.com/data", f.PublicURL)}
	case u.RawQuery != "" || u.ForceQuery || strings.Contains(f.PublicURL, "#"):
		return "", "", usageError{fmt.Errorf("--public-url %q must end with its path, without ? and #", f.PublicURL)}
	}
	path := strings.TrimRight(u.Path, "/")
	if path != "" && !plainPath.MatchString(path) {
		return "", "", usageError{fmt.Errorf("--public-url %q has a path that is not of letters, digits and . _ ~ -", f.PublicURL)}
	}
	return basePath, u.Scheme + "://" + u.Host + path, nil
}

// corsFlags say which sites may read answers in a browser.
type corsFlags struct {
	CORSOrigins []string `name:"cors-origins" placeholder:"ORIGIN" help:"Sites whose scripts may read answers in a browser: https://app.example.com, or https://*.example.com for every name one label longer; with a port, if it has one. * alone allows all, without credentials. None unless it is said."`
}

func (f *corsFlags) origins() (routes.Origins, error) {
	origins, err := routes.ParseOrigins(f.CORSOrigins)
	if err != nil {
		return origins, usageError{fmt.Errorf("--cors-origins: %w", err)}
	}
	return origins, nil
}

package store

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
)

// nativePorts are what a URL for ClickHouse's other protocol gives away.
var nativePorts = map[string]string{"9000": "8123", "9440": "8443"}

// ParseURL reads http(s)://user:password@host:port,host:port/database with the TLS
// options skip_verify, ca, cert, key and tls_server_name. Its errors never hold the
// password.
func ParseURL(text string) (Server, error) {
	scheme, rest, found := strings.Cut(strings.TrimSpace(text), "://")
	scheme = strings.ToLower(scheme)
	if !found {
		return Server{}, errors.New("the URL of a ClickHouse looks like http://user:password@host:8123/database")
	}
	// A list of hosts is no valid URL, so the hosts are taken out before it is parsed.
	authorityEnd := strings.IndexAny(rest, "/?#")
	if authorityEnd < 0 {
		authorityEnd = len(rest)
	}
	userEnd := strings.LastIndex(rest[:authorityEnd], "@") + 1
	hosts := strings.Split(rest[userEnd:authorityEnd], ",")
	u, err := url.Parse("http://" + rest[:userEnd] + "host" + rest[authorityEnd:])
	// An @ after the hosts is what a password with a slash in it looks like.
	if err != nil || strings.Contains(rest[authorityEnd:], "@") {
		return Server{}, errors.New("the ClickHouse URL cannot be read: are special characters in user or password percent-encoded?")
	}
	options, err := url.ParseQuery(u.RawQuery)
	if err != nil || u.Fragment != "" || strings.Contains(strings.Trim(u.Path, "/"), "/") {
		return Server{}, errors.New("the ClickHouse URL has more after its hosts than /database?option=value&option=value")
	}
	s := Server{User: u.User.Username(), Database: strings.Trim(u.Path, "/")}
	s.Password, _ = u.User.Password()
	if s.User == "" {
		s.User = "default"
	}
	if s.Database == "" {
		s.Database = "default"
	}
	secure := scheme == "https"
	defaultPort := map[bool]string{false: "8123", true: "8443"}[secure]
	for _, host := range hosts {
		name, port, err := splitHost(host, defaultPort)
		if err != nil {
			return Server{}, err
		}
		httpPort, native := nativePorts[port]
		if scheme != "http" && scheme != "https" || native {
			if httpPort == "" || secure {
				httpPort = defaultPort
			}
			return Server{}, fmt.Errorf("framehouse speaks ClickHouse's HTTP interface, which answers in Arrow, and not its native protocol: write %s://%s/%s (with user:password@ before the host)",
				map[bool]string{false: "http", true: "https"}[secure || httpPort == "8443"], net.JoinHostPort(name, httpPort), s.Database)
		}
		s.Hosts = append(s.Hosts, net.JoinHostPort(name, port))
	}
	if secure {
		s.TLS = &tls.Config{MinVersion: tls.VersionTLS12}
	}
	if err := s.tlsOptions(options); err != nil {
		return Server{}, err
	}
	return s, nil
}

func splitHost(host, defaultPort string) (name, port string, err error) {
	if name, port, err = net.SplitHostPort(host); err != nil {
		name, port = strings.Trim(host, "[]"), defaultPort
	}
	// The message does not repeat it: of a URL that lacks its @host, it is the password.
	if n, err := strconv.Atoi(port); name == "" || strings.ContainsAny(name, " \t[]%\"\\") || err != nil || n < 1 || n > 65535 {
		return "", "", errors.New("the ClickHouse URL has a host that is no host and no host:port")
	}
	return name, port, nil
}

func (s *Server) tlsOptions(query url.Values) error {
	known := []string{"skip_verify", "ca", "cert", "key", "tls_server_name"}
	for name, values := range query {
		if len(values) > 1 {
			return fmt.Errorf("the ClickHouse URL has the option %q twice", name)
		}
		if !slices.Contains(known, name) {
			return fmt.Errorf("the ClickHouse URL has the option %q; known are %s", name, strings.Join(known, ", "))
		}
		if s.TLS == nil {
			return fmt.Errorf("the ClickHouse URL has the TLS option %q, which goes with https", name)
		}
	}
	if text := query.Get("skip_verify"); text != "" {
		skip, err := strconv.ParseBool(text)
		if err != nil {
			return fmt.Errorf("skip_verify in the ClickHouse URL is %q; write true or false", text)
		}
		s.TLS.InsecureSkipVerify = skip
	}
	if name := query.Get("tls_server_name"); name != "" {
		s.TLS.ServerName = name
	}
	if file := query.Get("ca"); file != "" {
		pem, err := os.ReadFile(file)
		if err != nil {
			return fmt.Errorf("ca in the ClickHouse URL: %w", err)
		}
		s.TLS.RootCAs = x509.NewCertPool()
		if !s.TLS.RootCAs.AppendCertsFromPEM(pem) {
			return fmt.Errorf("ca in the ClickHouse URL: %s holds no PEM certificate", file)
		}
	}
	if cert, key := query.Get("cert"), query.Get("key"); cert != "" || key != "" {
		pair, err := tls.LoadX509KeyPair(cert, key)
		if err != nil {
			return fmt.Errorf("cert and key in the ClickHouse URL: %w", err)
		}
		s.TLS.Certificates = []tls.Certificate{pair}
	}
	return nil
}

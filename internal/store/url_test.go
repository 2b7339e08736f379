package store

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestParseURL(t *testing.T) {
	t.Parallel()
	tests := []struct {
		url                      string
		hosts                    string
		user, password, database string
		tls                      bool
	}{
		{"http://localhost", "localhost:8123", "default", "", "default", false},
		{"http://localhost/", "localhost:8123", "default", "", "default", false},
		{" HTTP://localhost\n", "localhost:8123", "default", "", "default", false},
		{"https://localhost", "localhost:8443", "default", "", "default", true},
		{"http://h:80/db", "h:80", "default", "", "db", false},
		{"http://a,b:9,c", "a:8123 b:9 c:8123", "default", "", "default", false},
		{"https://u:p@a,b/db", "a:8443 b:8443", "u", "p", "db", true},
		{"http://[::1]", "[::1]:8123", "default", "", "default", false},
		{"http://[::1]:18123,[2001:db8::2]/db", "[::1]:18123 [2001:db8::2]:8123", "default", "", "db", false},
		{"http://::1", "[::1]:8123", "default", "", "default", false},
		{"http://u@h", "h:8123", "u", "", "default", false},
		{"http://:p@h", "h:8123", "default", "p", "default", false},
		{"http://u%40x:p%2Fq%40%3A%23%3F@h", "h:8123", "u@x", "p/q@:#?", "default", false},
		{"http://u:p@q@h", "h:8123", "u", "p@q", "default", false},
		{"http://u:p:q@h", "h:8123", "u", "p:q", "default", false},
		{"http://h/my%20db", "h:8123", "default", "", "my db", false},
	}
	for _, test := range tests {
		t.Run(test.url, func(t *testing.T) {
			s, err := ParseURL(test.url)
			if err != nil {
				t.Fatal(err)
			}
			if got := strings.Join(s.Hosts, " "); got != test.hosts || s.User != test.user || s.Password != test.password ||
				s.Database != test.database || (s.TLS != nil) != test.tls || s.Local || s.Dial != nil {
				t.Errorf("got %+v", s)
			}
		})
	}
}

// Whatever is wrong with a URL, the message says what to do and not what the password is,
// not even a part of one that was not encoded.
func TestParseURLRefuses(t *testing.T) {
	t.Parallel()
	tests := []struct{ url, want string }{
		{"", "looks like http://"},
		{"localhost:8123", "looks like http://"},
		{"u:SECRET@localhost", "looks like http://"},
		{"http://", "no host"},
		{"http:///db", "no host"},
		{"http://u:SECRET@", "no host"},
		{"http://u:SECRET", "no host"},
		{"http://u:SECRET@h:port", "no host"},
		{"http://h:0", "no host"},
		{"http://h:65536", "no host"},
		{"http://h:", "no host"},
		{"http://a,,b", "no host"},
		{"http://a b", "no host"},
		{"http://u:SE/CRET@h", "percent-encoded"},
		{"http://u:SE?CRET@h", "percent-encoded"},
		{"http://u:8123#SECRET@h", "percent-encoded"},
		{"http://u:8123?SECRET@h", "percent-encoded"},
		{"http://u:%SECRET@h", "percent-encoded"},
		{"http://u:SECRET@h/a/b", "more after its hosts"},
		{"http://u:SECRET@h/db#x", "more after its hosts"},
		{"https://h?skip_verify=%zz", "more after its hosts"},
		{"https://h?a;b", "more after its hosts"},
		{"http://u:SECRET@h:9000/db", "write http://h:8123/db (with user:password@"},
		{"http://h:9440", "write https://h:8443/default"},
		{"https://h:9000", "write https://h:8443/default"},
		{"clickhouse://u:SECRET@h:9000/db", "write http://h:8123/db"},
		{"clickhouse://h", "write http://h:8123/default"},
		{"tcp://[::1]:9440", "write https://[::1]:8443/default"},
		{"native://h:1234", "write http://h:8123/default"},
		{"https://u:SECRET@h?compress=1", `option "compress"`},
		{"http://h?skip_verify=true", "goes with https"},
		{"http://h?max_threads=1", "known are skip_verify"},
		{"https://h?skip_verify=maybe", "write true or false"},
		{"https://h?ca=a&ca=b", `option "ca" twice`},
		{"https://h?ca=/no/such/file", "/no/such/file"},
		{"https://h?cert=/no/such/file", "cert and key"},
		{"https://h?key=/no/such/file", "cert and key"},
	}
	for _, test := range tests {
		t.Run(test.url, func(t *testing.T) {
			s, err := ParseURL(test.url)
			if err == nil {
				t.Fatalf("got %+v", s)
			}
			if !strings.Contains(err.Error(), test.want) {
				t.Errorf("%q does not say %q", err, test.want)
			}
			for _, part := range []string{"SECRET", "SE", "CRET"} {
				if strings.Contains(err.Error(), part) {
					t.Errorf("%q tells of the password", err)
				}
			}
		})
	}
}

func TestParseURLForTLS(t *testing.T) {
	t.Parallel()
	cert, key := certificate(t, "clickhouse.test")
	text := "https://u@h?skip_verify=true&tls_server_name=clickhouse.test&ca=" + cert + "&cert=" + cert + "&key=" + key
	s, err := ParseURL(text)
	if err != nil {
		t.Fatal(err)
	}
	if c := s.TLS; !c.InsecureSkipVerify || c.ServerName != "clickhouse.test" || c.RootCAs == nil || len(c.Certificates) != 1 {
		t.Errorf("got %+v", s.TLS)
	}
	if s.credentials()["X-ClickHouse-SSL-Certificate-Auth"] != "on" {
		t.Error("the certificate is not said to stand for the user")
	}
	if s, err = ParseURL("https://h"); err != nil || s.TLS.InsecureSkipVerify {
		t.Errorf("a server is trusted without being asked: %v", err)
	}
	if _, err := ParseURL("https://h?ca=" + key); err == nil || !strings.Contains(err.Error(), "no PEM certificate") {
		t.Errorf("a key as ca: %v", err)
	}
}

// certificate writes one for a name, signed by itself, and its key.
func certificate(t *testing.T, names ...string) (cert, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), DNSNames: slices.Clone(names), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	write := func(name, kind string, bytes []byte) string {
		file := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: bytes}), 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	return write("cert.pem", "CERTIFICATE", der), write("key.pem", "PRIVATE KEY", pkcs8)
}

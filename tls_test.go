package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"greenapi_exporter/simulator"
)

// TestTLSAndBasicAuth: --web.config.file is that of exporter-toolkit, and a call of the API is made for those alone who may scrape.
func TestTLSAndBasicAuth(t *testing.T) {
	dir := t.TempDir()
	roots := writeCertificate(t, dir)
	config := filepath.Join(dir, "web.yml")
	// The password is "open sesame".
	const text = `
tls_server_config: {cert_file: cert.pem, key_file: key.pem}
basic_auth_users: {shop: $2a$04$9H9Ut9z4Wa49DqyctRT50uNjzyArZUyWAWPP5l/MlwnVINkv8TFvu}
`
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	s, a := serveSimulator(t, simulator.Config{})
	p := startProcess(t, a.URL, "--web.config.file="+config)
	address := strings.TrimPrefix(p.base, "http://")
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}}}
	defer client.CloseIdleConnections()
	for _, c := range []struct {
		path, password string
		status         int
	}{
		{"/metrics", "", 401}, {"/metrics", "wrong", 401}, {"/", "", 401}, {"/-/ready", "", 401},
		{"/metrics", "open sesame", 200}, {"/", "open sesame", 200},
	} {
		before := s.Calls()
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://"+address+c.path, nil)
		if err != nil {
			t.Fatal(err)
		}
		if c.password != "" {
			request.SetBasicAuth("shop", c.password)
		}
		response, err := client.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		if response.StatusCode != c.status || c.status == 401 && s.Calls() != before {
			t.Errorf("%s with password %q: %d, want %d; %d calls", c.path, c.password, response.StatusCode, c.status, s.Calls()-before)
		}
	}
	response, err := http.Get("http://" + address + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusBadRequest {
		t.Errorf("without TLS: %d", response.StatusCode)
	}
}

// writeCertificate puts cert.pem and key.pem for 127.0.0.1 into dir and returns who to trust for them.
func writeCertificate(t *testing.T, dir string) *x509.CertPool {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1),
		Subject:      pkix.Name{CommonName: "greenapi_exporter test"},
		NotBefore:    time.Now().Add(-time.Hour),
		NotAfter:     time.Now().Add(time.Hour),
		IPAddresses:  []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	certificate, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	for name, block := range map[string]*pem.Block{
		"cert.pem": {Type: "CERTIFICATE", Bytes: certificate},
		"key.pem":  {Type: "PRIVATE KEY", Bytes: private},
	} {
		text := pem.EncodeToMemory(block)
		roots.AppendCertsFromPEM(text)
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return roots
}

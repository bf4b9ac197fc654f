package integration

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"greenapi_exporter/internal/simulator"
)

// TestWebConfigFileEnforcesTLSAndBasicAuth also checks that rejected requests cause no API calls.
func TestWebConfigFileEnforcesTLSAndBasicAuth(t *testing.T) {
	dir := t.TempDir()
	roots := writeCertificate(t, dir)
	config := filepath.Join(dir, "web.yml")
	// The password is "open sesame".
	writeFile(t, config, `
tls_server_config: {cert_file: cert.pem, key_file: key.pem}
basic_auth_users: {shop: $2a$04$9H9Ut9z4Wa49DqyctRT50uNjzyArZUyWAWPP5l/MlwnVINkv8TFvu}
`)
	s, a := serveSimulator(t, simulator.Config{})
	p := startInstance(t, a.URL, "--web.config.file="+config)
	address := strings.TrimPrefix(p.url, "http://")
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}}}
	defer client.CloseIdleConnections()
	for _, c := range []struct {
		path, password string
		status         int
	}{
		{"/metrics", "", 401}, {"/metrics", "wrong", 401}, {"/", "", 401}, {"/-/ready", "", 401},
		{"/metrics", "open sesame", 200}, {"/", "open sesame", 200},
	} {
		before := s.Calls(journalMethod)
		url := "https://" + address + c.path
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
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
		if response.StatusCode != c.status {
			t.Errorf("%s, password %q: %s, want %d", c.path, c.password, response.Status, c.status)
		}
		if calls := s.Calls(journalMethod) - before; c.status == 401 && calls != 0 {
			t.Errorf("%s, password %q: %d calls", c.path, c.password, calls)
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

// TestProxyReceivesNoToken checks that the exporter uses HTTPS_PROXY, through CONNECT and TLS.
func TestProxyReceivesNoToken(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("SSL_CERT_FILE has no effect on this system")
	}
	dir := t.TempDir()
	writeCertificate(t, dir)
	cert, key := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	certificate, err := tls.LoadX509KeyPair(cert, key)
	if err != nil {
		t.Fatal(err)
	}
	s := simulator.New(simulator.Config{IDInstance: testID, Token: secret})
	api := httptest.NewUnstartedServer(s)
	api.TLS = &tls.Config{Certificates: []tls.Certificate{certificate}}
	api.StartTLS()
	defer api.Close()

	var seen syncBuffer
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(&seen, "%s %s\n", r.Method, r.RequestURI)
		_ = r.Header.Write(&seen)
		server, err := net.Dial("tcp", api.Listener.Addr().String())
		if err != nil {
			t.Error(err)
			return
		}
		defer server.Close()
		client, buffered, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer client.Close()
		fmt.Fprint(client, "HTTP/1.1 200 OK\r\n\r\n")
		go func() { _, _ = io.Copy(client, server) }()
		_, _ = io.Copy(io.MultiWriter(server, &seen), buffered)
	}))
	defer proxy.Close()

	env := append(instanceEnv("https://api.example.test"),
		"HTTPS_PROXY="+proxy.URL, "SSL_CERT_FILE="+cert)
	p := startExporter(t, env)
	scrape(t, p.url+"/metrics").assert(t, 1, "greenapi_up")
	text := seen.String()
	if n := s.Calls(journalMethod); n != 1 {
		t.Errorf("%d calls", n)
	}
	connect := "CONNECT api.example.test:443\n"
	if !strings.HasPrefix(text, connect) || strings.Contains(text, secret) {
		t.Errorf("the proxy received %q", text)
	}
}

// writeCertificate writes cert.pem and key.pem for 127.0.0.1 and api.example.test to dir, and
// returns a pool that trusts the certificate.
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
		DNSNames:     []string{"api.example.test"},
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

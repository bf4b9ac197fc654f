package integration

import (
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// health runs --healthcheck and returns the exit code and the output, which is one line.
func health(t *testing.T, args ...string) (int, string) {
	t.Helper()
	var output syncBuffer
	code := runMain(t.Context(), append(args, "--healthcheck"), &output, &output)
	text := output.String()
	if strings.Count(text, "\n") != 1 {
		t.Errorf("%q: want one line, got %q", args, text)
	}
	return code, text
}

// TestHealthcheckRequiresARunningExporter also checks that --healthcheck ignores the variables for
// proxies.
func TestHealthcheckRequiresARunningExporter(t *testing.T) {
	t.Setenv("HTTP_PROXY", "http://127.0.0.1:1")
	t.Setenv("HTTPS_PROXY", "http://127.0.0.1:1")
	directory := t.TempDir()
	writeCertificate(t, directory)
	const certificate = "tls_server_config: {cert_file: cert.pem, key_file: key.pem"
	for name, config := range map[string]string{
		"plain": "",
		"tls":   certificate + "}\n",
		"client certificate": certificate +
			", client_auth_type: RequireAndVerifyClientCert, client_ca_file: cert.pem}\n",
		"password": certificate + "}\nbasic_auth_users: " +
			"{shop: $2a$04$9H9Ut9z4Wa49DqyctRT50uNjzyArZUyWAWPP5l/MlwnVINkv8TFvu}\n",
	} {
		t.Run(name, func(t *testing.T) {
			var flags []string
			if config != "" {
				file := filepath.Join(directory, "web.yml")
				writeFile(t, file, config)
				flags = append(flags, "--web.config.file="+file)
			}
			p := startInstance(t, "http://127.0.0.1:1", flags...)
			_, port, _ := net.SplitHostPort(strings.TrimPrefix(p.url, "http://"))
			flags = append(flags, "--web.listen-address=:"+port)
			code, text := health(t, flags...)
			if code != 0 || !strings.HasPrefix(text, "OK: http") {
				t.Errorf("while the exporter runs: code %d, %s", code, text)
			}
			p.kill()
			code, text = health(t, flags...)
			if code != 1 || !strings.Contains(text, port+"/-/healthy does not respond") {
				t.Errorf("after the exporter was killed: code %d, %s", code, text)
			}
		})
	}
}

func TestHealthcheckExplainsFailures(t *testing.T) {
	other := httptest.NewServer(http.NotFoundHandler())
	defer other.Close()
	address := strings.TrimPrefix(other.URL, "http://")
	const listen = "--web.listen-address="
	for flag, want := range map[string]string{
		listen + address:                                "responds with status 404",
		listen + ":0":                                   "--healthcheck requires a port",
		listen + "vsock://:10466":                       "--healthcheck does not support a vsock",
		listen + "unix:/run/exporter":                   "must be HOST:PORT or :PORT",
		"--web.systemd-socket":                          "does not support --web.systemd-socket",
		"--web.config.file=" + t.TempDir() + "/web.yml": "cannot read --web.config.file",
	} {
		if strings.Contains(flag, "systemd") && runtime.GOOS != "linux" {
			continue // no such flag
		}
		if code, text := health(t, flag); code != 1 || !strings.Contains(text, want) {
			t.Errorf("%s: code %d, %s", flag, code, text)
		}
	}
}

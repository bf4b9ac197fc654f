package app

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"strings"
	"time"

	toolkit "github.com/prometheus/exporter-toolkit/web"
	"go.yaml.in/yaml/v3"
)

// healthTimeout is far below the usual timeout of a container's health check, 30s.
const healthTimeout = 5 * time.Second

// checkHealth requests /-/healthy from the exporter that is running with the same web flags. It
// returns the URL, or an error if the exporter is not healthy.
func (o *options) checkHealth(ctx context.Context) (string, error) {
	if *o.web.WebSystemdSocket {
		return "", errors.New("--healthcheck does not support --web.systemd-socket; let systemd " +
			"restart the service instead")
	}
	// The first address is enough: the exporter exits if it cannot listen on all of them.
	address, err := localAddress((*o.web.WebListenAddresses)[0])
	if err != nil {
		return "", err
	}
	security, err := readWebSecurity(*o.web.WebConfigFile)
	if err != nil {
		return "", err
	}
	scheme := "http"
	if security.TLS.IsEnabled() {
		scheme = "https"
	}
	url := scheme + "://" + address + "/-/healthy"
	ctx, cancel := context.WithTimeout(ctx, healthTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return "", errors.New("--web.listen-address is not valid")
	}
	// Do not verify the certificate: it rarely names the loopback address, and the request contains
	// no secret. This transport uses no proxy.
	transport := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}
	response, err := transport.RoundTrip(request)
	if err != nil {
		if security.requiresCertificate() && isAlert(err) {
			return url, nil
		}
		return "", fmt.Errorf("%s does not respond: %w; check that the exporter is running, and "+
			"that --healthcheck has the same --web flags", url, err)
	}
	defer response.Body.Close()
	needsPassword := response.StatusCode == http.StatusUnauthorized && len(security.Users) > 0
	if response.StatusCode != http.StatusOK && !needsPassword {
		return "", fmt.Errorf("%s responds with status %d; check that the exporter listens on "+
			"that port, and that --healthcheck has the same --web flags", url, response.StatusCode)
	}
	return url, nil
}

// localAddress returns the address through which this machine can reach a listen address.
func localAddress(listen string) (string, error) {
	if err := checkListenAddress(listen); err != nil {
		return "", err
	}
	host, port, _ := net.SplitHostPort(listen)
	switch {
	case strings.HasPrefix(listen, "vsock://"):
		return "", errors.New("--healthcheck does not support a vsock in --web.listen-address; " +
			"list an address such as localhost:10466 first")
	case port == "0" || port == "":
		return "", errors.New("--healthcheck requires a port in --web.listen-address other than 0")
	case host == "" || host == "0.0.0.0":
		host = "127.0.0.1"
	case host == "::":
		host = "::1"
	}
	return net.JoinHostPort(host, port), nil
}

// webSecurity is the part of --web.config.file that determines how clients connect.
type webSecurity struct {
	TLS   toolkit.TLSConfig `yaml:"tls_server_config"`
	Users map[string]any    `yaml:"basic_auth_users"`
}

// readWebSecurity reads the file. If path is empty, it returns the zero value.
func readWebSecurity(path string) (security webSecurity, _ error) {
	if err := checkWebConfig(path); err != nil || path == "" {
		return security, err
	}
	text, err := os.ReadFile(path)
	if err == nil {
		err = yaml.Unmarshal(text, &security)
	}
	if err != nil {
		return security, explainWebConfig(err.Error())
	}
	return security, nil
}

// requiresCertificate reports whether the exporter rejects clients without a certificate.
func (s *webSecurity) requiresCertificate() bool {
	return strings.HasPrefix(s.TLS.ClientAuth, "Require")
}

// isAlert reports whether err is a TLS alert from the server, which means that the server is
// running.
func isAlert(err error) bool {
	var operation *net.OpError
	return errors.As(err, &operation) && operation.Op == "remote error"
}

package app

import (
	"fmt"
	"net/url"
	"os"
	"slices"
	"strconv"

	"golang.org/x/net/http/httpproxy"
)

// proxySchemes are the schemes of proxies that net/http supports.
var proxySchemes = []string{"http", "https", "socks5", "socks5h"}

// checkProxies returns an error if a variable names a proxy that net/http cannot use. net/http
// ignores some of these variables, and would send the token without the proxy. The error does not
// contain the value, which can have a password.
func checkProxies() error {
	for _, name := range []string{"HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"} {
		if value := os.Getenv(name); value != "" && !validProxy(value) {
			return fmt.Errorf("%s is not a valid proxy; use http://HOST:PORT, https://HOST:PORT "+
				"or socks5://HOST:PORT, with %%25 for a %% in the user or password, "+
				"or unset the variable", name)
		}
	}
	return nil
}

// validProxy reports whether net/http can use the proxy. As in net/http, the scheme is http if it
// is missing.
func validProxy(value string) bool {
	config := httpproxy.Config{HTTPSProxy: value}
	proxy, err := config.ProxyFunc()(&url.URL{Scheme: "https", Host: "api.green-api.com"})
	if err != nil || proxy == nil {
		return false
	}
	port, err := strconv.ParseUint(proxy.Port(), 10, 16)
	validPort := err == nil && port > 0 || proxy.Host == proxy.Hostname() ||
		proxy.Host == "["+proxy.Hostname()+"]"
	return slices.Contains(proxySchemes, proxy.Scheme) && proxy.Hostname() != "" && validPort
}

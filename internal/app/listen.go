package app

import (
	"errors"
	"fmt"
	"net"
	"strings"
	"syscall"
)

// checkListenAddress returns an error if the address is not valid. It does not repeat the address,
// which could be a misplaced token.
func checkListenAddress(address string) error {
	_, port, err := net.SplitHostPort(strings.TrimPrefix(address, "vsock://"))
	if err == nil {
		_, err = net.LookupPort("tcp", port)
	}
	if err != nil {
		return errors.New("--web.listen-address must be HOST:PORT or :PORT, such as :10466")
	}
	return nil
}

// explainServeError returns an error for an error of web.Serve that says what to do. It contains an
// address only in numbers.
func explainServeError(err error, webConfig string) error {
	var operation *net.OpError
	switch isNetwork := errors.As(err, &operation); {
	case !isNetwork && webConfig != "":
		return explainWebConfig(err.Error())
	case !isNetwork:
		return errors.New("cannot serve; check --web.listen-address and --web.systemd-socket")
	}
	address := "--web.listen-address"
	if tcp, ok := operation.Addr.(*net.TCPAddr); ok {
		address = tcp.String()
	}
	advice := "check --web.listen-address"
	var number syscall.Errno
	reason := "the host is unknown"
	if errors.As(err, &number) {
		reason = number.Error()
	}
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		reason = "the address is in use"
		advice = "another exporter may be running; stop it, or choose another port with " +
			"--web.listen-address=:PORT"
	case errors.Is(err, syscall.EACCES):
		advice = "choose a port above 1023 with --web.listen-address=:PORT"
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		advice = "use an address of this machine, or only :PORT, in --web.listen-address"
	}
	return fmt.Errorf("cannot listen on %s: %s; %s", address, reason, advice)
}

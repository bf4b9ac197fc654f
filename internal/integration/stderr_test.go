package integration

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"greenapi_exporter/internal/simulator"
)

// TestBytesAfterResponsesStaySecret serves responses that are followed by bytes that repeat the
// token, and reads all output of the process.
func TestBytesAfterResponsesStaySecret(t *testing.T) {
	t.Parallel()
	for name, header := range map[string]string{
		"401":                  "401 X\r\nContent-Length: 0\r\n\r\n",
		"204":                  "204 No Content\r\n\r\n",
		"304":                  "304 Not Modified\r\n\r\n",
		"400":                  "400 Bad Request\r\nContent-Length: 2\r\n\r\n{}",
		"200 that is too long": "200 OK\r\nContent-Length: 2\r\n\r\n[]",
		"chunks":               "200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n[]\r\n0\r\n\r\n",
		"two responses":        "200 OK\r\nContent-Length: 2\r\n\r\n[]HTTP/1.1 200 OK\r\n\r\n",
		"not HTTP":             "2",
		"invalid header":       "200 OK\r\n",
	} {
		for _, level := range []string{"debug", "info", "warn", "error"} {
			t.Run(name+"/"+level, func(t *testing.T) {
				t.Parallel()
				api := serveBytes(t, func(path string) string {
					return "HTTP/1.1 " + header + fmt.Sprintf("{\"path\":%q,\"phone\":%q}\r\n\r\n",
						path, simulator.Phone)
				})
				p := startProgram(t, instanceEnv(api), "--log.level="+level)
				for range 2 {
					scrape(t, p.url+"/metrics")
				}
				time.Sleep(50 * time.Millisecond) // net/http reads idle connections meanwhile
				p.terminate(t)
				output := p.output.String()
				for _, private := range []string{secret, simulator.Phone, "Unsolicited"} {
					if strings.Contains(output, private) {
						t.Errorf("%.5s… is in the output:\n%s", private, output)
					}
				}
			})
		}
	}
}

// serveBytes serves HTTP connections. The function answer returns the bytes to send for a request.
// It returns the URL.
func serveBytes(t *testing.T, answer func(path string) string) (url string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	go func() {
		for {
			connection, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer connection.Close()
				for requests := bufio.NewReader(connection); ; {
					r, err := http.ReadRequest(requests)
					if err != nil {
						return
					}
					_, _ = fmt.Fprint(connection, answer(r.URL.Path))
				}
			}()
		}
	}()
	return "http://" + listener.Addr().String()
}

// startProgram starts the exporter on a port that is chosen before, because the log at level error
// does not have the address.
func startProgram(t *testing.T, env []string, args ...string) *process {
	t.Helper()
	address := freeAddress(t)
	command := testBinary("exporter", append(args, "--web.listen-address="+address)...)
	command.Env = append(command.Env, env...)
	p := &process{
		Cmd: command, url: "http://" + address, output: new(syncBuffer),
		copied: make(chan struct{}),
	}
	close(p.copied) // os/exec copies the output, and Wait waits for it
	command.Stdout, command.Stderr = p.output, p.output
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Process.Kill(); _ = p.Cmd.Wait() })
	p.eventually(t, func() bool { return ready(p.url) })
	return p
}

func freeAddress(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().String()
}

func ready(url string) bool {
	client := http.Client{Timeout: time.Second}
	response, err := client.Get(url + "/-/ready")
	if err != nil {
		return false
	}
	response.Body.Close()
	return response.StatusCode == http.StatusOK
}

// TestUnreadOutputDoesNotBlock starts the exporter with a FIFO as its output that is full and never
// read.
func TestUnreadOutputDoesNotBlock(t *testing.T) {
	t.Parallel()
	_, a := serveSimulator(t, simulator.Config{NoRateLimit: true})
	for name, c := range map[string]struct {
		env  []string
		args []string
	}{
		"instance": {instanceEnv(a.URL), allCollectors()},
		"demo":     {nil, []string{"--demo"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			address := freeAddress(t)
			args := append(c.args, "--log.level=debug", "--web.listen-address="+address)
			command := testBinary("exporter", args...)
			command.Env = append(command.Env, c.env...)
			command.Stdout = fullPipe(t)
			command.Stderr = command.Stdout
			if err := command.Start(); err != nil {
				t.Fatal(err)
			}
			p := &process{Cmd: command, url: "http://" + address, output: new(syncBuffer)}
			t.Cleanup(func() { _ = p.Process.Kill(); _ = p.Cmd.Wait() })
			p.eventually(t, func() bool { return ready(p.url) })
			for range 10 {
				begin := time.Now()
				got := scrapeContext(t.Context(), t, p.url+"/metrics", "10")
				got.assert(t, 1, "greenapi_up")
				if took := time.Since(begin); took > 20*time.Second {
					t.Fatalf("a scrape took %s", took)
				}
				got.mustValue(t, "greenapi_exporter_log_lines_dropped_total")
			}
			begin := time.Now()
			p.signal(t, syscall.SIGTERM)
			if err := p.Cmd.Wait(); err != nil {
				t.Errorf("the exporter exited with %v", err)
			}
			if took := time.Since(begin); took > 20*time.Second {
				t.Errorf("the exporter exited after %s", took)
			}
		})
	}
}

// fullPipe returns the end of a FIFO to write to. The FIFO is full.
func fullPipe(t *testing.T) *os.File {
	t.Helper()
	path := filepath.Join(t.TempDir(), "fifo")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	fifo, err := os.OpenFile(path, os.O_RDWR|syscall.O_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { fifo.Close() })
	_ = fifo.SetWriteDeadline(time.Now().Add(100 * time.Millisecond))
	for err == nil {
		_, err = fifo.WriteString("full\n")
	}
	return fifo
}

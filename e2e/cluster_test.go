package e2e

import (
	"crypto/md5"
	"encoding/binary"
	"fmt"
	"io"
	"log"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"
)

const (
	chart          = "../deploy/helm"
	shippedReshard = chart + "/files/reshard.sh"

	sharded      = 300 // number of instances
	clusterSpeed = 6   // divisor of the interval in scrape.yml
	interval     = time.Minute / clusterSpeed
)

// shardOf returns the shard of an instance, like Prometheus's hashmod.
func shardOf(id string, exporters int) int {
	sum := md5.Sum([]byte(id))
	return int(binary.BigEndian.Uint64(sum[8:]) % uint64(exporters))
}

// podName matches the hosts of exporters in scrape.yml, and discoveryName is the host of the list.
var podName = regexp.MustCompile(
	`^greenapi-exporter-([0-9])\.greenapi-exporter\.monitoring\.svc:10466$`)

const discoveryName = "greenapi-exporter-sd.monitoring.svc:10466"

// cluster simulates Kubernetes. It runs exporters, each with its own directory, and an HTTP proxy
// that resolves their names for Prometheus.
type cluster struct {
	proxy       string
	arguments   []string // of the exporters, from the chart
	directories []string
	exporters   []*program
	addresses   []string // of the exporters, even if they are down

	mu       sync.Mutex        // guards the fields below
	turn     int               // number of requests for the list
	probes   map[[2]string]int // by address of the exporter and id of the instance
	failures []failure
}

// failure is a probe that an exporter refused, or whose exporter was down. Probes that Prometheus
// canceled on a slow machine are not failures.
type failure struct {
	id     string
	at     time.Time
	reason string
}

func startCluster(t *testing.T, config string, size int) *cluster {
	path := write(t, "greenapi.yml", config)
	c := &cluster{probes: make(map[[2]string]int)}
	for _, argument := range renderChart(t, size).arguments {
		argument = strings.Replace(argument, "=/etc/greenapi_exporter/greenapi.yml", "="+path, 1)
		c.arguments = append(c.arguments, argument)
	}
	for range size {
		c.directories = append(c.directories, t.TempDir())
		c.addresses = append(c.addresses, "127.0.0.1:0")
		c.exporters = append(c.exporters, nil)
	}
	for n := range size {
		c.start(t, n)
		c.addresses[n] = c.exporters[n].address
	}
	proxy := httptest.NewServer(&httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(&url.URL{Scheme: "http", Host: c.resolve(r.In.URL.Host)})
			r.Out.Host = r.In.Host
		},
		ModifyResponse: c.countProbe,
		ErrorHandler: func(w http.ResponseWriter, r *http.Request, err error) {
			if r.Context().Err() == nil {
				c.fail(r, err.Error())
			}
			w.WriteHeader(http.StatusBadGateway)
		},
		Transport: &http.Transport{MaxIdleConnsPerHost: sharded},
		ErrorLog:  log.New(io.Discard, "", 0), // Prometheus cancels probes
	})
	t.Cleanup(proxy.Close)
	c.proxy = proxy.URL
	return c
}

// start starts exporter n at its address.
func (c *cluster) start(t *testing.T, n int) {
	arguments := slices.Clone(c.arguments)
	for i, argument := range arguments {
		arguments[i] = strings.Replace(
			argument, "=/var/lib/greenapi_exporter", "="+c.directories[n], 1)
	}
	c.exporters[n] = startExporterAt(t, c.addresses[n], nil, arguments...)
}

// resolve returns the address of a host. Requests for the list go to the exporters in turn, even if
// they are down.
func (c *cluster) resolve(name string) string {
	if match := podName.FindStringSubmatch(name); match != nil {
		if n, _ := strconv.Atoi(match[1]); n < len(c.addresses) {
			return c.addresses[n]
		}
	}
	if name == discoveryName {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.turn++
		return c.addresses[c.turn%len(c.addresses)]
	}
	return "no-such-host.invalid"
}

func (c *cluster) countProbe(response *http.Response) error {
	if response.StatusCode != http.StatusOK {
		c.fail(response.Request, response.Status)
	}
	if target := response.Request.URL.Query().Get("target"); target != "" {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.probes[[2]string{response.Request.URL.Host, target}]++
	}
	return nil
}

// fail records a failure if the request is a probe.
func (c *cluster) fail(request *http.Request, reason string) {
	if target := request.URL.Query().Get("target"); target != "" {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.failures = append(c.failures, failure{target, time.Now(), reason})
	}
}

// jobs returns the scrape jobs of the chart for a number of exporters, with the proxy and shorter
// durations.
func (c *cluster) jobs(t *testing.T, exporters int) string {
	t.Helper()
	var config map[string][]struct {
		Interval  any      `yaml:"scrape_interval"`
		Timeout   any      `yaml:"scrape_timeout"`
		Proxy     string   `yaml:"proxy_url"`
		Compress  bool     `yaml:"enable_compression"` // off: it would take half of the CPU time
		Discovery []object `yaml:"http_sd_configs,omitempty"`
		Rest      object   `yaml:",inline"`
	}
	if err := yaml.Unmarshal([]byte(renderChart(t, exporters).jobs), &config); err != nil {
		t.Fatal(err)
	}
	for n := range config["scrape_configs"] {
		job := &config["scrape_configs"][n]
		job.Proxy, job.Interval = c.proxy, interval.String()
		job.Timeout = job.Interval // calls are not faster
		for _, discovery := range job.Discovery {
			discovery["proxy_url"], discovery["refresh_interval"] = c.proxy, interval.String()
		}
	}
	return toYAML(t, config)
}

// ids returns the instances with a ledger in the directory of exporter n.
func (c *cluster) ids(t *testing.T, n int) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(c.directories[n], "*.ledger"))
	if err != nil {
		t.Fatal(err)
	}
	for i, file := range files {
		files[i] = strings.TrimSuffix(filepath.Base(file), ".ledger")
	}
	return files
}

// assertShards checks that each instance is scraped from its own exporter. No other exporter may
// have been probed for it or have its ledger.
func (c *cluster) assertShards(t *testing.T, s *stack, ids []string, exporters int) {
	t.Helper()
	shards := make([][]string, len(c.exporters))
	for _, id := range ids {
		n := shardOf(id, exporters)
		shards[n] = append(shards[n], id)
	}
	for n, want := range shards {
		if got := c.ids(t, n); !slices.Equal(got, want) {
			t.Errorf("exporter %d of %d has the ledgers %v, want %v", n, exporters, got, want)
		}
	}
	if got, want := s.scraped(t), expectedHosts(ids, exporters); !maps.Equal(got, want) {
		t.Errorf("Prometheus scrapes %v, want %v", got, want)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for probe, times := range c.probes {
		if want := c.addresses[shardOf(probe[1], exporters)]; probe[0] != want {
			t.Errorf("instance %s: %d probes of the exporter at %s instead of %s",
				probe[1], times, probe[0], want)
		}
	}
	clear(c.probes)
}

// expectedHosts returns the host that must be scraped for each instance.
func expectedHosts(ids []string, exporters int) map[string]string {
	hosts := make(map[string]string)
	for _, id := range ids {
		hosts[id] = fmt.Sprintf("greenapi-exporter-%d.greenapi-exporter.monitoring.svc:10466",
			shardOf(id, exporters))
	}
	return hosts
}

// scraped returns the host that Prometheus scrapes for each instance.
func (s *stack) scraped(t *testing.T) map[string]string {
	t.Helper()
	targets, err := s.api.Targets(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	hosts := make(map[string]string)
	for _, target := range targets.Active {
		if target.ScrapePool != "greenapi-exporter-instances" {
			continue
		}
		id := string(target.Labels["instance"])
		if hosts[id] != "" {
			t.Errorf("instance %s has two targets", id)
		}
		u, err := url.Parse(target.ScrapeURL)
		if err != nil {
			t.Fatal(err)
		}
		hosts[id] = u.Host
	}
	return hosts
}

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
	"os"
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
	shippedScrape  = "../deploy/kubernetes/scrape.yml"
	shippedReshard = "../deploy/kubernetes/reshard.sh"

	sharded  = 300 // instances
	haste    = 6   // by how much the times of scrape.yml are divided
	interval = time.Minute / haste
)

// shardOf is which of so many exporters Prometheus's hashmod gives an instance to.
func shardOf(id string, exporters int) int {
	sum := md5.Sum([]byte(id))
	return int(binary.BigEndian.Uint64(sum[8:]) % uint64(exporters))
}

// podName is how scrape.yml calls an exporter, discoveryName where it takes the list from.
var podName = regexp.MustCompile(`^greenapi-exporter-([0-9])\.greenapi-exporter\.monitoring\.svc:10466$`)

const discoveryName = "greenapi-exporter-sd.monitoring.svc:10466"

// cluster stands for Kubernetes: exporters with a directory each, and the network between them and Prometheus, which is
// an HTTP proxy that knows their names.
type cluster struct {
	proxy       string
	config      string // of the exporters
	directories []string
	exporters   []*program
	addresses   []string // of the exporters, whether they are there or not

	mu    sync.Mutex
	turn  int
	asked map[[2]string]int // how often an exporter, by its address, has answered for an instance
}

func startCluster(t *testing.T, config string, size int) *cluster {
	c := &cluster{config: write(t, "greenapi.yml", config), asked: make(map[[2]string]int)}
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
		ModifyResponse: c.note,
		Transport:      &http.Transport{MaxIdleConnsPerHost: sharded},
		ErrorLog:       log.New(io.Discard, "", 0), // of an exporter that is away
	})
	t.Cleanup(proxy.Close)
	c.proxy = proxy.URL
	return c
}

// start starts an exporter at its address.
func (c *cluster) start(t *testing.T, n int) {
	c.exporters[n] = startExporterAt(t, c.addresses[n], nil, "--config.file="+c.config, "--storage.path="+c.directories[n])
}

// resolve is the address behind a name. The Service of the list has each exporter in turn, whether it is there or not.
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

func (c *cluster) note(answer *http.Response) error {
	if target := answer.Request.URL.Query().Get("target"); target != "" {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.asked[[2]string{answer.Request.URL.Host, target}]++
	}
	return nil
}

// jobs is the text of scrape.yml for so many exporters, through the proxy and with shorter times, and else as it is shipped.
func (c *cluster) jobs(t *testing.T, exporters int) string {
	t.Helper()
	text, err := os.ReadFile(shippedScrape)
	if err != nil {
		t.Fatal(err)
	}
	var config map[string][]struct {
		Interval  any      `yaml:"scrape_interval"`
		Timeout   any      `yaml:"scrape_timeout"`
		Proxy     string   `yaml:"proxy_url"`
		Compress  bool     `yaml:"enable_compression"` // it would be half of the exporters' work here
		Discovery []object `yaml:"http_sd_configs,omitempty"`
		Static    []struct {
			Targets []string
		} `yaml:"static_configs,omitempty"`
		Relabel []object `yaml:"relabel_configs"`
		Rest    object   `yaml:",inline"`
	}
	if err := yaml.Unmarshal(text, &config); err != nil {
		t.Fatal(err)
	}
	for n := range config["scrape_configs"] {
		job := &config["scrape_configs"][n]
		job.Proxy, job.Interval, job.Timeout = c.proxy, interval.String(), interval.String() // a call takes as long as ever
		for _, discovery := range job.Discovery {
			discovery["proxy_url"], discovery["refresh_interval"] = c.proxy, interval.String()
		}
		for _, static := range job.Static {
			job.Static[0].Targets = static.Targets[:exporters]
		}
		for _, rule := range job.Relabel {
			if rule["action"] == "hashmod" && exporters != 3 {
				rule["modulus"] = exporters
			}
		}
	}
	return toYAML(t, config)
}

// ids are the instances whose ledgers an exporter has.
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

// assertShards checks that each instance is scraped where hashmod says, that no exporter has answered for another one, and
// that each has the ledgers of its own alone.
func (c *cluster) assertShards(t *testing.T, s *stack, ids []string, exporters int) {
	t.Helper()
	shards := make([][]string, len(c.exporters))
	for _, id := range ids {
		n := shardOf(id, exporters)
		shards[n] = append(shards[n], id)
	}
	for n, want := range shards {
		if got := c.ids(t, n); !slices.Equal(got, want) {
			t.Errorf("exporter %d of %d has ledgers of %v, want %v", n, exporters, got, want)
		}
	}
	if got, want := s.scraped(t), placed(ids, exporters); !maps.Equal(got, want) {
		t.Errorf("Prometheus scrapes %v, want %v", got, want)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for asked, times := range c.asked {
		if want := c.addresses[shardOf(asked[1], exporters)]; asked[0] != want {
			t.Errorf("the exporter at %s has been asked for instance %s %d times, which is of the one at %s", asked[0], asked[1], times, want)
		}
	}
	clear(c.asked)
}

// placed is which host is to be scraped for each instance.
func placed(ids []string, exporters int) map[string]string {
	hosts := make(map[string]string)
	for _, id := range ids {
		hosts[id] = fmt.Sprintf("greenapi-exporter-%d.greenapi-exporter.monitoring.svc:10466", shardOf(id, exporters))
	}
	return hosts
}

// scraped is which host Prometheus scrapes for each instance.
func (s *stack) scraped(t *testing.T) map[string]string {
	t.Helper()
	targets, err := s.api.Targets(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	hosts := make(map[string]string)
	for _, target := range targets.Active {
		if target.ScrapePool != "greenapi" {
			continue
		}
		id := string(target.Labels["instance"])
		if hosts[id] != "" {
			t.Errorf("instance %s is scraped twice", id)
		}
		at, err := url.Parse(target.ScrapeURL)
		if err != nil {
			t.Fatal(err)
		}
		hosts[id] = at.Host
	}
	return hosts
}

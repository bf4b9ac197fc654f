package e2e

import (
	"fmt"
	"maps"
	"net/http/httptest"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/prometheus/common/model"

	"greenapi_exporter/internal/simulator"
)

// outage is a period in which the exporters of some instances were down.
type outage struct {
	affects  func(id string) bool
	from, to time.Time
}

// assertUp checks that Prometheus has one series `up` of each instance, and that no probe failed
// except during outages.
func (c *cluster) assertUp(t *testing.T, s *stack, ids []string, outages []outage) {
	t.Helper()
	value, _, _, err := s.api.Query(t.Context(), `up{job="greenapi-exporter-instances"}[10m]`, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, series := range value.(model.Matrix) {
		got = append(got, string(series.Metric["instance"]))
	}
	slices.Sort(got)
	if !slices.Equal(got, ids) {
		t.Errorf("series up of %v, want %v", got, ids)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.failures) == 0 {
		t.Error("no probe failed during the outages")
	}
	for _, f := range c.failures {
		if !slices.ContainsFunc(outages, func(o outage) bool {
			return o.affects(f.id) && f.at.After(o.from) && f.at.Before(o.to)
		}) {
			t.Errorf("a probe of instance %s failed at %v: %s", f.id, f.at, f.reason)
		}
	}
}

// TestShardsCountEveryMessageOnce runs three exporters that share 300 instances, with the arguments
// and the scrape jobs of the Helm chart. It kills one of them, and then reduces the number of
// shards to two as the chart's README describes. Prometheus must scrape every instance from the
// exporter of its shard, and the counters must match the truth.
func TestShardsCountEveryMessageOnce(t *testing.T) {
	useCore(t)
	clock := new(clock)
	config := simulator.FleetConfig{Now: clock.Now}
	file := object{"collectors": list{"outgoing"}, "minutes": 60}
	var ids []string
	instances := list{}
	for n := range sharded {
		id := fmt.Sprint(1101000001 + n)
		ids = append(ids, id)
		instances = append(instances, object{"id_instance": id, "token": token})
		config.Accounts = append(config.Accounts, simulator.Config{
			IDInstance: id, Token: token, Seed: uint64(n), MessagesPerHour: 3600, Speedup: speed,
			Start: clock.Now().Add(-30 * time.Second), Now: clock.Now, NoRateLimit: true,
			TextOnly: n%10 > 0, // generating thumbnails is expensive
		})
	}
	fleet := simulator.NewFleet(config)
	host := httptest.NewServer(fleet)
	t.Cleanup(host.Close)
	file["url"], file["instances"] = host.URL, instances

	c := startCluster(t, toYAML(t, file), 3)
	jobs := write(t, "scrape.yml", c.jobs(t, 3))
	prometheus := startPrometheus(t, toYAML(t, object{"scrape_config_files": list{jobs}}))
	s := &stack{api: connect(t, prometheus)}
	all := func(expression string) string {
		return fmt.Sprintf("count(%s) == %d", expression, sharded)
	}
	s.waitFor(t, all("greenapi_up == 1"))
	c.assertShards(t, s, ids, 3)
	baseline := clock.Now()
	baselineTime := model.Now()
	clock.start()
	s.waitFor(t, all("sum by (id_instance) (greenapi_outgoing_messages_total) > 3"))

	const victim = 1
	isAffected := func(id string) bool { return shardOf(id, 3) == victim }
	killed := outage{affects: isAffected, from: time.Now()}
	_ = c.exporters[victim].Process.Kill()
	_ = c.exporters[victim].Wait()
	s.waitFor(t, `count(up{job="greenapi-exporter-instances"} == 0) > 10`)
	c.start(t, victim)
	s.waitFor(t, all("greenapi_up == 1"))
	killed.to = time.Now()

	reshard := func() (string, error) {
		args := append([]string{shippedReshard, "2"}, c.directories...)
		out, err := exec.Command("sh", args...).CombinedOutput()
		return string(out), err
	}
	refusal := "an exporter is using " + c.directories[0]
	if out, err := reshard(); err == nil || !strings.Contains(out, refusal) {
		t.Errorf("reshard with running exporters: %v, %s", err, out)
	}
	moved := outage{affects: func(string) bool { return true }, from: time.Now()}
	for _, e := range c.exporters {
		_ = e.Process.Signal(syscall.SIGTERM)
	}
	for _, e := range c.exporters {
		_ = e.Wait()
	}
	c.assertShards(t, s, ids, 3)
	if out, err := reshard(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if err := os.WriteFile(jobs, []byte(c.jobs(t, 2)), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := prometheus.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	hosts := expectedHosts(ids, 2)
	eventually(t, func() (bool, string) {
		return maps.Equal(s.scraped(t), hosts), "Prometheus still scrapes three shards"
	})
	for n := range 2 {
		c.start(t, n)
	}
	started := time.Now()
	scrapedSince := func(t time.Time) string {
		seconds := float64(t.UnixMilli()) / 1e3
		return all(fmt.Sprintf("timestamp(greenapi_up) > %f and greenapi_up == 1", seconds))
	}
	s.waitFor(t, scrapedSince(started))
	moved.to = time.Now()
	clock.stop()
	end := clock.Now()
	s.waitFor(t, scrapedSince(time.Now().Add(2*time.Second))) // calls are at least one second apart

	c.assertShards(t, s, ids, 2)
	c.assertUp(t, s, ids, []outage{killed, moved})
	for _, id := range ids {
		account := fleet.Account(id)
		truth := simulator.Between(account.Messages(baseline), account.Messages(end))
		s.assertGrowth(t, id, truth, baselineTime)
	}
}

// assertGrowth checks that the counters of an instance in Prometheus match the truth.
func (s *stack) assertGrowth(t *testing.T, id string, truth simulator.Change, since model.Time) {
	t.Helper()
	want := make(map[string]float64)
	for kind, n := range truth.Messages {
		want[" "+kind] = float64(n) // without a status
	}
	for key, n := range truth.Statuses {
		want[key.Status+" "+key.Type] = float64(n)
	}
	const counters = "{__name__=~'greenapi_outgoing_(messages|message_statuses)_total'," +
		"id_instance=%q}"
	got := s.growth(t, fmt.Sprintf(counters+"[10m]", id), "", since)
	if len(want) == 0 {
		t.Errorf("instance %s: no message changed", id)
	}
	maps.DeleteFunc(got, func(key string, increase float64) bool {
		same := increase == want[key]
		if same {
			delete(want, key)
		}
		return same
	})
	if len(got)+len(want) > 0 {
		t.Errorf("instance %s: Prometheus has %v, want %v", id, got, want)
	}
}

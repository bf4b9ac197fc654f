// Package fleet is the instances that the exporter watches.
package fleet

import (
	"context"

	"github.com/go-kit/log"
	"github.com/prometheus/client_golang/prometheus"

	"greenapi_exporter/collector"
	"greenapi_exporter/config"
	"greenapi_exporter/greenapi"
)

// Fleet is a set of instances, each with collectors of its own that remember what they have read. It is safe for
// concurrent use.
type Fleet struct {
	set       *collector.Set
	instances []*collector.Instance
}

// New returns the fleet of the configured instances, which call the API by service. No call is made before the first
// scrape.
func New(set *collector.Set, service *greenapi.Service, instances []config.Instance, logger log.Logger) *Fleet {
	f := &Fleet{set: set}
	for _, i := range instances {
		client := greenapi.NewClient(service, i.URL(), i.ID(), i.Token())
		f.instances = append(f.instances, set.Bind(collector.Target{Instance: i, Client: client, Logger: logger}))
	}
	return f
}

// Scrape returns a Collector of all instances for one scrape, which lasts no longer than ctx.
func (f *Fleet) Scrape(ctx context.Context) prometheus.Collector {
	return f.set.Scrape(ctx, f.instances)
}

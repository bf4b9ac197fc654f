// Package fleet is the instances that the exporter watches.
package fleet

import (
	"context"

	"github.com/go-kit/log"
	"github.com/prometheus/client_golang/prometheus"

	"greenapi_exporter/collector"
	"greenapi_exporter/config"
	"greenapi_exporter/greenapi"
	"greenapi_exporter/ledger"
)

// Fleet is a set of instances, each with collectors of its own that remember what they have read. It is safe for
// concurrent use.
type Fleet struct {
	set       *collector.Set
	instances []*collector.Instance
}

// New returns the fleet of the configured instances, which call the API by service and keep what they count in storage.
// No call is made before the first scrape. It is an error if what is kept there of an instance cannot be read.
func New(set *collector.Set, service *greenapi.Service, storage *ledger.Storage, instances []config.Instance, logger log.Logger) (*Fleet, error) {
	f := &Fleet{set: set}
	for _, i := range instances {
		client := greenapi.NewClient(service, i.URL(), i.ID(), i.Token())
		instance, err := set.Bind(collector.Target{Instance: i, Client: client, Storage: storage, Logger: logger})
		if err != nil {
			f.Close()
			return nil, err
		}
		f.instances = append(f.instances, instance)
	}
	return f, nil
}

// Scrape returns a Collector of all instances for one scrape, which lasts no longer than ctx: of the collectors that are
// named, or of all if none is. It is an error, which says what to do, to name one that is not switched on.
func (f *Fleet) Scrape(ctx context.Context, collectors []string) (prometheus.Collector, error) {
	return f.set.Scrape(ctx, f.instances, collectors)
}

// Statuses tells how each instance stands by its latest readings. It makes no call and waits for none.
func (f *Fleet) Statuses() []collector.Status {
	statuses := make([]collector.Status, len(f.instances))
	for i, instance := range f.instances {
		statuses[i] = instance.Status()
	}
	return statuses
}

// Close ends the calls that run and puts on file what is to be kept. The Fleet is not to be scraped any more.
func (f *Fleet) Close() {
	for _, i := range f.instances {
		i.Close()
	}
}

// Package collector is what the exporter exposes of an instance. A collector is one method of the API: how its answer
// is read, and how the reading becomes metrics; each has a file of its own and a line in kinds. What they have in
// common is here, in method.go and in metric.go: each has its own poller, so that one which fails or hangs costs the
// others nothing, and for each the same metrics say how it fares.
package collector

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Info tells what a collector is, for flags and documentation.
type Info struct {
	Name    string // the last part of --collector.NAME, and the value of the label
	Method  string // the method of the API that it calls
	Help    string // what it shows, in a few words
	Default bool   // whether it is on unless switched off
}

// All returns the collectors there are.
func All() []Info {
	var all []Info
	for _, k := range factories() {
		all = append(all, k.info())
	}
	return all
}

func factories() []factory {
	return []factory{newOutgoing(), newState(), newQueue(), newWebhooks(), newSettings(), newAccount(), newIncoming()}
}

// factory is a collector for all instances, with its descriptors: a method[T], whatever its T.
type factory interface {
	info() Info
	describe(chan<- *prometheus.Desc)
	bind(*env, *requestStats) (collector, error)
}

// collector is a kind at work for one instance. It is safe for concurrent use.
type collector interface {
	// collect waits for the latest reading, no longer than ctx, and sends what there is to show.
	collect(ctx context.Context, m emitter) health
	// peek tells of the latest reading without a call.
	peek(*Status) health
	// configure has calls from the next one on be made as the target says now. Where renewed, what they have found so far
	// says nothing of that one.
	configure(renewed bool)
	// close ends the call that runs, and puts on file what is to be kept. Nothing is collected after it.
	close()
}

// health is how a collector fared.
type health struct {
	err     error         // nil if what is shown is the latest reading
	success time.Time     // when the last good call began; zero before the first
	called  time.Time     // when the latest call began; zero before the first
	took    time.Duration // how long it took
	gaveUp  bool          // whether this scrape could not wait for the latest reading
}

// Set is the collectors that there are, with all descriptors built once. It is immutable.
type Set struct {
	kinds       []factory
	success     *metricDesc
	failing     *metricDesc
	duration    *metricDesc
	lastSuccess *metricDesc
	requests    *metricDesc
	expiration  *metricDesc
}

// NewSet returns the collectors that there are.
func NewSet() *Set {
	return &Set{
		kinds: factories(),
		success: desc("greenapi_collector_success",
			"Whether the collector's latest reading succeeded (1) or not (0).",
			"collector"),
		failing: desc("greenapi_collector_failing",
			"1 while the collector's latest reading is a failure, by its result; absent while it succeeds.",
			"collector", "result"),
		duration: desc("greenapi_collector_duration_seconds",
			"How long the collector's latest call of the API took; calls are shared by scrapes and spaced.",
			"collector"),
		lastSuccess: desc("greenapi_collector_last_success_timestamp_seconds",
			"When the API was last read with success, as UNIX time; absent before the first success.",
			"collector"),
		requests: desc("greenapi_api_requests_total",
			"Calls of the API by method and result; the README says what each result means and what to do.",
			"method", "result"),
		expiration: desc("greenapi_instance_expiration_timestamp_seconds",
			"When the subscription of the instance ends, as UNIX time, by the Partner API; absent where that does not say."),
	}
}

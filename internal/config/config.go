// Package config is what the exporter is told to do, by flags or by a file with many instances, validated: a value of
// its types cannot be wrong.
package config

import (
	"net/url"
	"slices"
	"time"

	"greenapi_exporter/internal/greenapi"
)

// DefaultURL is the API host that works for every instance.
const DefaultURL = "https://api.green-api.com"

// Instance is an instance and how to read it. It is immutable. The zero Instance is of no use; Flags and Sources make them.
type Instance struct {
	id      string
	token   greenapi.TokenSource
	labels  map[string]string
	expires time.Time
	Settings
}

// Settings are how to read an instance.
type Settings struct {
	url         *url.URL
	minutes     int
	timeout     time.Duration
	minInterval time.Duration
	retention   time.Duration
	collectors  []string
}

// URL is the API host, https or allowed to be http, with a path prefix and no slash at its end.
func (i Instance) URL() *url.URL { return i.url }

// ID is the idInstance: digits.
func (i Instance) ID() string { return i.id }

// Token is where its token comes from.
func (i Instance) Token() greenapi.TokenSource { return i.token }

// Minutes is the window, at least 1.
func (i Instance) Minutes() int { return i.minutes }

// Timeout is the longest that a call may take, more than 0.
func (i Instance) Timeout() time.Duration { return i.timeout }

// MinInterval is the least time between two calls of a journal method, at least 0.
func (i Instance) MinInterval() time.Duration { return i.minInterval }

// Retention is how long the ledger remembers a message, at least the window and ledger.MinRetention.
func (i Instance) Retention() time.Duration { return i.retention }

// Collects reports whether the collector of that name is on.
func (i Instance) Collects(name string) bool { return slices.Contains(i.collectors, name) }

// Labels are what service discovery says of the instance beyond the rest: valid names of labels and their values. They are
// not to be changed.
func (i Instance) Labels() map[string]string { return i.labels }

// Expires is when the subscription ends, by the Partner API; zero where that does not say.
func (i Instance) Expires() time.Time { return i.expires }

// Expiring is i with a subscription that ends at that time.
func (i Instance) Expiring(at time.Time) Instance {
	i.expires = at
	return i
}

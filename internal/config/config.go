// Package config reads and validates the configuration: one instance from flags, or many from a
// file. The types that it returns have no exported fields, so their values are always valid.
package config

import (
	"net/url"
	"slices"
	"time"

	"greenapi_exporter/internal/greenapi"
)

// DefaultURL is the API host that serves every instance.
const DefaultURL = "https://api.green-api.com"

// Config is the set of instances to watch. It is immutable.
type Config struct {
	instances []Instance
	partner   *PartnerDiscovery
}

// Single returns a Config of one instance.
func Single(instance Instance) *Config { return &Config{instances: []Instance{instance}} }

// Instances returns the listed instances in their order. Their ids are unique.
// Callers must not modify the slice.
func (c *Config) Instances() []Instance { return c.instances }

// Partner returns how to discover further instances, or nil if discovery is not configured.
func (c *Config) Partner() *PartnerDiscovery { return c.partner }

// Collects reports whether any instance has the named collector enabled.
func (c *Config) Collects(name string) bool {
	return c.partner != nil && slices.Contains(c.partner.settings.Collectors, name) ||
		slices.ContainsFunc(c.instances, func(i Instance) bool { return i.Collects(name) })
}

// Instance is a GREEN-API instance and how to read it. It is immutable.
// Flags.Validate, Source.Load and PartnerDiscovery.Instances make instances.
type Instance struct {
	id      string
	token   greenapi.TokenSource
	labels  map[string]string
	expires time.Time
	validSettings
}

// URL returns the API host. It may have a path prefix, without a slash at its end.
func (i Instance) URL() *url.URL { return i.url }

// ID returns the idInstance, which consists of digits.
func (i Instance) ID() string { return i.id }

// Token returns the source of the instance's token.
func (i Instance) Token() greenapi.TokenSource { return i.token }

// Minutes returns the length of the window in minutes, at least 1.
func (i Instance) Minutes() int { return i.settings.Minutes }

// Timeout returns the maximum duration of a call, more than 0.
func (i Instance) Timeout() time.Duration { return i.settings.Timeout }

// MinInterval returns the minimum time between two calls of a journal method, at least 0.
func (i Instance) MinInterval() time.Duration { return i.settings.MinInterval }

// Tiered reports whether most calls of a journal method request only the newest part of the window.
func (i Instance) Tiered() bool { return i.settings.Lookback == Tiered }

// Retention returns how long the ledger remembers a message. It is at least MinRetention longer
// than the window.
func (i Instance) Retention() time.Duration { return i.settings.Retention }

// MaxMinutes returns how many minutes a call may request after a pause, at least Minutes.
func (i Instance) MaxMinutes() int {
	return int((i.Retention() - MinRetention) / time.Minute)
}

// Collects reports whether the named collector is enabled.
func (i Instance) Collects(name string) bool { return slices.Contains(i.settings.Collectors, name) }

// Labels returns the additional labels for service discovery. Their names are valid.
// Callers must not modify the map.
func (i Instance) Labels() map[string]string { return i.labels }

// Expires returns when the subscription ends according to the Partner API, or zero if unknown.
func (i Instance) Expires() time.Time { return i.expires }

// WithExpiry returns a copy of i whose subscription ends at the given time.
func (i Instance) WithExpiry(end time.Time) Instance {
	i.expires = end
	return i
}

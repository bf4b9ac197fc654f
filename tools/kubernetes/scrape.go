package main

import (
	"fmt"
	"net/url"
	"os"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"go.yaml.in/yaml/v3"
)

// scrape is what matters here of Prometheus's jobs; promtool reads the rest.
type scrape struct {
	Jobs []struct {
		Name      string                       `yaml:"job_name"`
		Discovery []struct{ URL string }       `yaml:"http_sd_configs"`
		Static    []struct{ Targets []string } `yaml:"static_configs"`
		Relabel   []struct {
			Action, Replacement string
			Modulus             int32
			Target              string `yaml:"target_label"`
		} `yaml:"relabel_configs"`
	} `yaml:"scrape_configs"`
}

func readScrape(path string) (scrape, error) {
	var s scrape
	text, err := os.ReadFile(path)
	if err != nil {
		return s, err
	}
	if err := yaml.Unmarshal(text, &s); err != nil {
		return s, fmt.Errorf("%s: %w", path, err)
	}
	return s, nil
}

// checkScrape checks that Prometheus's jobs ask for what the manifests make: as many exporters, by their names.
func (m *manifests) checkScrape(s scrape) (errs []error) {
	wrong := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	set := m.sets[0]
	replicas := *set.Spec.Replicas
	port := func(service string) int32 {
		for _, s := range m.services {
			if s.Name == service {
				return s.Spec.Ports[0].Port
			}
		}
		return 0
	}
	// A headless Service has the ports of its pods.
	address := func(pod string) string {
		return fmt.Sprintf("%s-%s.%s.%s.svc:%d", set.Name, pod, set.Spec.ServiceName, set.Namespace, set.Spec.Template.Spec.Containers[0].Ports[0].ContainerPort)
	}
	var pods []string
	for n := range replicas {
		pods = append(pods, address(fmt.Sprint(n)))
	}
	var listed []string
	hashed, placed, discovered := false, false, false
	for _, job := range s.Jobs {
		if !strings.HasPrefix(job.Name, "greenapi") {
			wrong("alerts do not look for a job %s", job.Name)
		}
		for _, static := range job.Static {
			listed = append(listed, static.Targets...)
		}
		for _, discovery := range job.Discovery {
			at, err := url.Parse(discovery.URL)
			if err != nil {
				wrong("%w", err)
				continue
			}
			name, _, _ := strings.Cut(at.Host, ".")
			if at.Host != fmt.Sprintf("%s.%s.svc:%d", name, set.Namespace, port(name)) || at.Path != "/sd" {
				wrong("job %s: no Service has the list at %s", job.Name, discovery.URL)
			}
			discovered = true
		}
		for _, rule := range job.Relabel {
			if rule.Action == "hashmod" {
				hashed = rule.Modulus == replicas
			}
			if rule.Target == "__address__" {
				placed = rule.Replacement == address("${1}")
			}
		}
	}
	if !slices.Equal(listed, pods) {
		wrong("the exporters are %v, and Prometheus asks %v", pods, listed)
	}
	if !discovered || !hashed || !placed {
		wrong("there is no job whose instances are discovered, spread by hashmod over %d exporters, and asked for at %s", replicas, address("${1}"))
	}
	if !slices.ContainsFunc(m.services, func(s *corev1.Service) bool { return s.Spec.ClusterIP == "" }) {
		wrong("there is no Service for the list")
	}
	return errs
}

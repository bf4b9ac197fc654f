package e2e

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"testing"

	"go.yaml.in/yaml/v3"
)

// rendered is the part of the chart's output that the tests use.
type rendered struct {
	arguments []string // of the exporters
	jobs      string   // scrape.yml
}

// renderChart renders the chart for a number of exporters.
func renderChart(t *testing.T, exporters int) rendered {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), filepath.Join(bin, "helm"),
		"template", "greenapi-exporter", chart, "--namespace=monitoring",
		"--values="+chart+"/ci/sharded-values.yaml", "--set=prometheus.scrape=ConfigMap",
		fmt.Sprint("--set=replicas=", exporters)).Output()
	if err != nil {
		t.Fatalf("helm template: %v", err)
	}
	var result rendered
	for decoder := yaml.NewDecoder(bytes.NewReader(out)); ; {
		var manifest struct {
			Kind string
			Data map[string]any
			Spec struct {
				Template struct {
					Spec struct{ Containers []struct{ Args []string } }
				}
			}
		}
		err := decoder.Decode(&manifest)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if jobs, ok := manifest.Data["scrape.yml"].(string); ok {
			result.jobs = jobs
		}
		if manifest.Kind == "StatefulSet" {
			result.arguments = manifest.Spec.Template.Spec.Containers[0].Args
		}
	}
	if result.jobs == "" || result.arguments == nil {
		t.Fatalf("got the jobs %q and the arguments %q", result.jobs, result.arguments)
	}
	return result
}

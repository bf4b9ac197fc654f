package main

import (
	"os"
	"strings"
	"testing"
)

const shipped = "../../deploy/kubernetes/"

// built is what kustomize makes of what is shipped, as far as it matters here.
func built(t *testing.T) string {
	t.Helper()
	text := "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: greenapi-exporter\n"
	for _, name := range []string{"statefulset.yaml", "services.yaml", "networkpolicy.yaml", "poddisruptionbudget.yaml"} {
		text += "---\n" + read(t, shipped+name)
	}
	text = strings.ReplaceAll(text, "\nmetadata:\n", "\nmetadata:\n  namespace: monitoring\n")
	return strings.ReplaceAll(text, "image: greenapi_exporter", "image: greenapi_exporter:0.1.0")
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// problems are what is wrong with manifests, Prometheus's jobs and further pods.
func problems(t *testing.T, text, jobs, pods string) (errs []error) {
	t.Helper()
	image, err := readImage("../../Dockerfile")
	if err != nil {
		t.Fatal(err)
	}
	path := t.TempDir() + "/scrape.yml"
	if err := os.WriteFile(path, []byte(jobs), 0o600); err != nil {
		t.Fatal(err)
	}
	scrape, err := readScrape(path)
	if err != nil {
		t.Fatal(err)
	}
	m, further := new(manifests), new(manifests)
	if err := m.add(strings.NewReader(text)); err != nil {
		return []error{err}
	}
	if err := further.add(strings.NewReader(pods)); err != nil {
		return []error{err}
	}
	errs = append(m.check(image, read(t, shipped+"README.md")), m.checkScrape(scrape)...)
	return append(errs, further.checkPods(m.sets[0])...)
}

func TestWhatIsShippedIsGood(t *testing.T) {
	if errs := problems(t, built(t), read(t, shipped+"scrape.yml"), read(t, shipped+"reshard.yaml")); len(errs) > 0 {
		t.Errorf("%v", errs)
	}
}

func TestWhatIsWrongIsFound(t *testing.T) {
	texts := []string{built(t), read(t, shipped+"scrape.yml"), read(t, shipped+"reshard.yaml")}
	for _, change := range []struct {
		in       int // which of the texts
		old, new string
		want     string
	}{
		{0, "readOnlyRootFilesystem:", "readOnlyRootFilesystm:", "unknown field"},
		{0, "  replicas: 3\n", "  replicas: 3\n  replicas: 3\n", "already set"},
		{0, "kind: PodDisruptionBudget", "kind: Deployment", "no kind"},
		{0, "readOnlyRootFilesystem: true", "readOnlyRootFilesystem: false", "can write its root"},
		{0, "runAsUser: 65534", "runAsUser: 1000", "image's user"},
		{0, "runAsNonRoot: true", "runAsNonRoot: false", "not restricted"},
		{0, "drop: [ALL]", "add: [NET_RAW]", "not restricted"},
		{0, "automountServiceAccountToken: false", "automountServiceAccountToken: true", "token of Kubernetes"},
		{0, ":0.1.0", ":latest", "not pinned"},
		{0, "containerPort: 10466", "containerPort: 80", "image's port"},
		{0, "serviceName: greenapi-exporter", "serviceName: other", "headless"},
		{0, "  clusterIP: None\n", "", "headless"},
		{0, "targetPort: http", "targetPort: web", "leads to a port"},
		{0, "port: http}", "port: web}", "port"},
		{0, "path: /-/ready", "path: /ready", "probe"},
		{0, "  selector: {app.kubernetes.io/name: greenapi-exporter}", "  selector: {app: greenapi-exporter}", "does not select"},
		{0, "    matchLabels: {app.kubernetes.io/name: greenapi-exporter}", "    matchLabels: {app: greenapi-exporter}", "does not select"},
		{0, "{name: config, mountPath", "{name: other, mountPath", "no volume other"},
		{0, "        - name: config\n", "        - name: other\n", "not mounted"},
		{0, "configMap: {name: greenapi-exporter}", "configMap: {name: other}", "no ConfigMap"},
		{0, "secret: {name: greenapi-tokens}", "secret: {name: other}", "manual"},
		{0, "mountPath: /var/lib/greenapi_exporter", "mountPath: /data", "ledgers are not on"},
		{0, "replicas: 3", "replicas: 4", "spread by hashmod over 4"},
		{0, "namespace: monitoring", "namespace: other", "no Service has the list"},
		{1, "modulus: 3", "modulus: 2", "spread by hashmod over 3"},
		{1, "greenapi-exporter-${1}.", "other-${1}.", "asked for at"},
		{1, "greenapi-exporter-2.", "greenapi-exporter-3.", "Prometheus asks"},
		{1, "10466/sd", "10466/list", "no Service has the list"},
		{1, "job_name: greenapi\n", "job_name: other\n", "alerts do not look"},
		{2, "exporter-1}", "exporter-2}", "is not the claim"},
		{2, "busybox:1.37.0", "busybox", "not pinned"},
	} {
		changed := append([]string(nil), texts...)
		changed[change.in] = strings.ReplaceAll(texts[change.in], change.old, change.new)
		if changed[change.in] == texts[change.in] {
			t.Errorf("%q is not there to be changed", change.old)
			continue
		}
		errs := problems(t, changed[0], changed[1], changed[2])
		found := false
		for _, err := range errs {
			found = found || strings.Contains(err.Error(), change.want)
		}
		if !found {
			t.Errorf("%q: got %v, want %q", change.new, errs, change.want)
		}
	}
}

package app

import (
	"encoding/json"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"text/template"
)

const composeDir = "../../deploy/compose/"

// composeService is the part of a service in a compose file that these tests check.
type composeService struct {
	Build       string
	Image       string
	Command     []string
	Environment map[string]string
	Ports       []string
	Volumes     []string
	ReadOnly    bool     `yaml:"read_only"`
	CapDrop     []string `yaml:"cap_drop"`
	CapAdd      []string `yaml:"cap_add"`
	SecurityOpt []string `yaml:"security_opt"`
	WorkingDir  string   `yaml:"working_dir"`
	Privileged  bool
}

// files returns the files that the service mounts, keyed by their paths in the container.
func (s composeService) files() map[string]string {
	files := make(map[string]string)
	for _, volume := range s.Volumes {
		if source, target, _ := strings.Cut(volume, ":"); strings.HasPrefix(source, ".") {
			files[strings.TrimSuffix(target, ":ro")] = composeDir + source
		}
	}
	return files
}

func composeServices(t *testing.T, file string) map[string]composeService {
	t.Helper()
	var project struct{ Services map[string]composeService }
	readYAML(t, composeDir+file, &project)
	return project.Services
}

// pinnedImage matches an image with the version of a release.
var pinnedImage = regexp.MustCompile(`:v?[0-9]+\.[0-9]+\.[0-9]+$`)

func TestComposeServicesAreConfined(t *testing.T) {
	for name, s := range composeServices(t, "compose.yaml") {
		if s.Build == "" && !pinnedImage.MatchString(s.Image) {
			t.Errorf("%s: the image %q is not pinned to a version", name, s.Image)
		}
		if !s.ReadOnly || s.Privileged ||
			!slices.Equal(s.CapDrop, []string{"ALL"}) || s.CapAdd != nil ||
			!slices.Contains(s.SecurityOpt, "no-new-privileges:true") {
			t.Errorf("%s needs read_only, cap_drop: [ALL] and no-new-privileges", name)
		}
		for _, port := range s.Ports {
			if !strings.HasPrefix(port, "127.0.0.1:") {
				t.Errorf("%s publishes the port %s to other machines", name, port)
			}
		}
		for target, source := range s.files() {
			// Compose creates a directory in place of a missing file.
			info, err := os.Stat(source)
			if err != nil || info.IsDir() != (path.Base(target) == "secrets") {
				t.Errorf("%s mounts %s, which is missing or of the wrong type: %v",
					name, source, err)
			}
			mount := strings.TrimPrefix(source, composeDir) + ":" + target
			if !slices.Contains(s.Volumes, mount+":ro") {
				t.Errorf("%s can write to %s", name, target)
			}
		}
	}
}

func TestComposeCommandLinesAreValid(t *testing.T) {
	token := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(token, []byte("not-a-real-token"), 0o600); err != nil {
		t.Fatal(err)
	}
	checkCommandLine(t, composeServices(t, "compose.yaml")["exporter"].Command)
	variable := regexp.MustCompile(`^\$\{\w+:[-?](.*)\}$`)
	s := composeServices(t, "compose.real.yaml")["exporter"]
	for name, value := range s.Environment {
		t.Setenv(name, variable.ReplaceAllString(value, "$1"))
	}
	t.Setenv("GREENAPI_ID_INSTANCE", "1101000001")
	t.Setenv("GREENAPI_TOKEN_FILE", token)
	checkCommandLine(t, s.Command)
}

// checkCommandLine runs the program with --config.check.
func checkCommandLine(t *testing.T, args []string) {
	t.Helper()
	var stdout, stderr strings.Builder
	args = append(slices.Clone(args), "--config.check")
	if code := Run(t.Context(), args, Embedded{}, &stdout, &stderr); code != 0 {
		t.Errorf("%q: code %d: %s", args, code, stderr.String())
	}
}

func TestComposeAddressesNameServices(t *testing.T) {
	type staticConfigs []struct {
		StaticConfigs []struct{ Targets []string } `yaml:"static_configs"`
	}
	var prometheus struct {
		RuleFiles     []string      `yaml:"rule_files"`
		ScrapeConfigs staticConfigs `yaml:"scrape_configs"`
		Alerting      struct{ Alertmanagers staticConfigs }
	}
	readYAML(t, composeDir+"prometheus.yml", &prometheus)
	var addresses []string
	for _, c := range slices.Concat(prometheus.ScrapeConfigs, prometheus.Alerting.Alertmanagers) {
		for _, s := range c.StaticConfigs {
			addresses = append(addresses, s.Targets...)
		}
	}
	for _, source := range dataSources(t) {
		addresses = append(addresses, strings.TrimPrefix(source.URL, "http://"))
	}
	services := composeServices(t, "compose.yaml")
	if len(addresses) != 3 {
		t.Errorf("addresses are %q, want the exporter, Alertmanager and Prometheus", addresses)
	}
	for _, address := range addresses {
		host, _, _ := strings.Cut(address, ":")
		if _, ok := services[host]; !ok {
			t.Errorf("%s is not the address of a service", address)
		}
	}
	for _, file := range prometheus.RuleFiles {
		if services["prometheus"].files()["/etc/prometheus/"+file] == "" {
			t.Errorf("Prometheus does not mount its rules %s", file)
		}
	}
}

// TestAlertmanagerFindsItsFiles checks that the files in alertmanager.yml are mounted, and that Git
// and the build of the image ignore the secrets.
func TestAlertmanagerFindsItsFiles(t *testing.T) {
	text, err := os.ReadFile(composeDir + "alertmanager.yml")
	if err != nil {
		t.Fatal(err)
	}
	s := composeServices(t, "compose.yaml")["alertmanager"]
	mounted := s.files()
	names := regexp.MustCompile(`(?m)^templates: \[(.*)\]$|_file: ([^,\n]*)`)
	matches := names.FindAllStringSubmatch(string(text), -1)
	if len(matches) != 5 {
		t.Errorf("alertmanager.yml names %d files, want the texts and 4 secrets", len(matches))
	}
	for _, match := range matches {
		file := path.Join(s.WorkingDir, match[1]+match[2])
		if mounted[file] == "" && mounted[path.Dir(file)] == "" {
			t.Errorf("%s is not mounted", file)
		}
	}
	for file, pattern := range map[string]string{
		composeDir + "secrets/.gitignore": "*",
		"../../.dockerignore":             "deploy",
	} {
		text, err := os.ReadFile(file)
		if err != nil || !slices.Contains(strings.Split(string(text), "\n"), pattern) {
			t.Errorf("%s does not contain the pattern %s: %v", file, pattern, err)
		}
	}
}

func TestAlertmanagerNamesKnownAlerts(t *testing.T) {
	var config struct {
		InhibitRules []struct {
			SourceMatchers []string `yaml:"source_matchers"`
			TargetMatchers []string `yaml:"target_matchers"`
		} `yaml:"inhibit_rules"`
	}
	readYAML(t, composeDir+"alertmanager.yml", &config)
	known := make(map[string]bool)
	for _, r := range readRules(t) {
		known[r.Alert] = true
	}
	names := regexp.MustCompile(`Greenapi(?:(\w+)|\(([\w|]+)\))`)
	found := 0
	for _, rule := range config.InhibitRules {
		text := strings.Join(append(rule.SourceMatchers, rule.TargetMatchers...), " ")
		for _, match := range names.FindAllStringSubmatch(text, -1) {
			for name := range strings.SplitSeq(match[1]+match[2], "|") {
				found++
				if !known["Greenapi"+name] {
					t.Errorf("there is no alert Greenapi%s", name)
				}
			}
		}
	}
	if found < 20 {
		t.Errorf("the inhibition rules name %d alerts", found)
	}
}

// TestGettingStartedShowsTheAlert checks the text of the alert that docs/getting-started.md causes.
func TestGettingStartedShowsTheAlert(t *testing.T) {
	guide, err := os.ReadFile("../../docs/getting-started.md")
	if err != nil {
		t.Fatal(err)
	}
	target := map[string]string{"instance": "exporter:10466"}
	for _, r := range readRules(t) {
		if r.Alert != "GreenapiExporterDown" {
			continue
		}
		for _, name := range []string{"summary", "description", "runbook_url"} {
			var text strings.Builder
			// The shipped rules have no address of the docs.
			query := template.FuncMap{"query": func(string) []string { return nil }}
			annotation := template.Must(template.New(name).Funcs(query).
				Parse("{{ $labels := . }}" + r.Annotations[name]))
			if err := annotation.Execute(&text, target); err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(string(guide), text.String()+"\n") {
				t.Errorf("the guide does not contain the %s %q", name, text.String())
			}
		}
	}
}

type dataSource struct{ UID, URL string }

func dataSources(t *testing.T) []dataSource {
	t.Helper()
	var file struct{ Datasources []dataSource }
	readYAML(t, composeDir+"grafana/datasources.yaml", &file)
	return file.Datasources
}

// TestDashboardUsesProvisionedDataSources also checks that Grafana finds the dashboard and opens it
// as its home page.
func TestDashboardUsesProvisionedDataSources(t *testing.T) {
	var provisioning struct {
		Providers []struct{ Options struct{ Path string } }
	}
	readYAML(t, composeDir+"grafana/dashboards.yaml", &provisioning)
	grafana := composeServices(t, "compose.yaml")["grafana"]
	home := grafana.Environment["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]
	providers := provisioning.Providers
	if len(providers) != 1 || providers[0].Options.Path != path.Dir(home) {
		t.Errorf("the home dashboard is %s, the providers are %+v", home, providers)
	}
	text, err := os.ReadFile(grafana.files()[home])
	if err != nil {
		t.Fatal(err)
	}
	var dashboard struct {
		UID        string
		Inputs     []any `json:"__inputs"`
		Templating struct{ List []struct{ Name, Type string } }
	}
	if err := json.Unmarshal(text, &dashboard); err != nil {
		t.Fatal(err)
	}
	// Only a dashboard that a user imports may have __inputs.
	if dashboard.UID == "" || dashboard.Inputs != nil {
		t.Error("a provisioned dashboard needs a uid and no __inputs")
	}
	known := map[string]bool{
		"grafana": true, "-- Grafana --": true, "-- Dashboard --": true, "-- Mixed --": true,
	}
	for _, source := range dataSources(t) {
		known[source.UID] = true
	}
	for _, v := range dashboard.Templating.List {
		if v.Type == "datasource" {
			known["${"+v.Name+"}"], known["$"+v.Name] = true, true
		}
	}
	reference := regexp.MustCompile(`"datasource":\s*\{[^}]*?"uid":\s*"([^"]*\}?)"`)
	used := reference.FindAllSubmatch(text, -1)
	for _, match := range used {
		if uid := string(match[1]); !known[uid] {
			t.Errorf("the dashboard uses the unknown data source %q", uid)
		}
	}
	if len(used) == 0 {
		t.Error("the dashboard uses no data source")
	}
}

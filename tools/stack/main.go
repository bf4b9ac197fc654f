// Stack reads a compose project, as `docker compose config --format json` writes it, on standard input, and ends with
// code 1 and a line for each thing in it that is not as this project wants it. Each service's bind mounts are copied to
// where its container would see them, in a directory with the service's name below the one that is given, so that
// promtool and amtool can read configurations with all that these refer to. A service that is given with its program,
// SERVICE=PROGRAM, has that program read its command line. The files of Grafana's provisioning, which no program but
// Grafana itself reads, are checked here.
package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// project is what matters here of a project.
type project struct {
	Services map[string]service
}

type service struct {
	Build   any
	Image   string
	Command []string
	Ports   []struct {
		HostIP string `json:"host_ip"`
	}
	ReadOnly    bool     `json:"read_only"`
	CapDrop     []string `json:"cap_drop"`
	CapAdd      []string `json:"cap_add"`
	SecurityOpt []string `json:"security_opt"`
	Privileged  bool
	Environment map[string]string
	Volumes     []mount
}

type mount struct {
	Type, Source, Target string
	ReadOnly             bool `json:"read_only"`
}

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) == 0 {
		return errors.New("usage: docker-compose config --format json | stack DIRECTORY [SERVICE=PROGRAM…]")
	}
	var p project
	if err := json.NewDecoder(os.Stdin).Decode(&p); err != nil {
		return fmt.Errorf("no project on standard input: %w", err)
	}
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(p.Services)) {
		s, root := p.Services[name], filepath.Join(args[0], name)
		for _, err := range append(s.check(), s.stage(root)...) {
			errs = append(errs, fmt.Errorf("service %s: %w", name, err))
		}
	}
	for _, arg := range args[1:] {
		name, program, _ := strings.Cut(arg, "=")
		// A command line is read to its end before the version is told.
		if out, err := exec.Command(program, append(p.Services[name].Command, "--version")...).CombinedOutput(); err != nil {
			errs = append(errs, fmt.Errorf("service %s: %w: %s", name, err, out))
		}
	}
	if len(errs) == 0 {
		errs = p.references(args[0])
	}
	return errors.Join(errs...)
}

// pinned is an image with the version of a release.
var pinned = regexp.MustCompile(`:v?[0-9]+\.[0-9]+\.[0-9]+$`)

func (s service) check() (errs []error) {
	if s.Build == nil && !pinned.MatchString(s.Image) {
		errs = append(errs, fmt.Errorf("image %q is not pinned to a version", s.Image))
	}
	for _, p := range s.Ports {
		if p.HostIP != "127.0.0.1" {
			errs = append(errs, errors.New("a port is published for other machines"))
		}
	}
	if !s.ReadOnly || !slices.Equal(s.CapDrop, []string{"ALL"}) || s.CapAdd != nil || s.Privileged ||
		!slices.Contains(s.SecurityOpt, "no-new-privileges:true") {
		errs = append(errs, errors.New("it is not confined: read_only, cap_drop: [ALL], no-new-privileges"))
	}
	return errs
}

// stage copies what is bound into the container to below root.
func (s service) stage(root string) (errs []error) {
	for _, m := range s.Volumes {
		if m.Type != "bind" {
			continue
		}
		if !m.ReadOnly {
			errs = append(errs, fmt.Errorf("%s can be written", m.Target))
		}
		if err := copyFile(m.Source, filepath.Join(root, m.Target)); err != nil {
			errs = append(errs, err)
		}
	}
	return errs
}

// copyFile copies a file that a container may read, whatever its user is.
func copyFile(from, to string) error {
	info, err := os.Stat(from)
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return fmt.Errorf("%s is no file", from)
	}
	content, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	return os.WriteFile(to, content, 0o644)
}

// references checks what one file says about another: names of services, the data source, the dashboard.
func (p project) references(root string) (errs []error) {
	prometheus := new(prometheusConfig)
	if err := load(filepath.Join(root, "prometheus/etc/prometheus/prometheus.yml"), prometheus, false); err != nil {
		return []error{err}
	}
	var addresses []string
	for _, c := range slices.Concat(prometheus.ScrapeConfigs, prometheus.Alerting.Alertmanagers) {
		for _, s := range c.StaticConfigs {
			addresses = append(addresses, s.Targets...)
		}
	}
	sources := new(datasources)
	if err := loadAll(filepath.Join(root, "grafana/etc/grafana/provisioning/datasources"), sources); err != nil {
		return []error{err}
	}
	var uids []string
	for _, d := range sources.Datasources {
		uids = append(uids, d.UID)
		addresses = append(addresses, strings.TrimPrefix(d.URL, "http://"))
	}
	for _, address := range addresses {
		host, _, _ := strings.Cut(address, ":")
		if _, ok := p.Services[host]; !ok {
			errs = append(errs, fmt.Errorf("%s is asked for, and there is no service of that name", address))
		}
	}
	errs = append(errs, checkAlerts(filepath.Join(root, "alertmanager/etc/alertmanager/alertmanager.yml"),
		filepath.Join(root, "prometheus/etc/prometheus/greenapi.rules.yml"))...)
	boards := new(dashboards)
	if err := loadAll(filepath.Join(root, "grafana/etc/grafana/provisioning/dashboards"), boards); err != nil {
		return append(errs, err)
	}
	home := filepath.Join(root, "grafana", p.Services["grafana"].Environment["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"])
	found := false
	for _, provider := range boards.Providers {
		files, err := filepath.Glob(filepath.Join(root, "grafana", provider.Options.Path, "*.json"))
		if err != nil || len(files) == 0 {
			errs = append(errs, fmt.Errorf("the provider %s has no dashboard in %s", provider.Name, provider.Options.Path))
		}
		for _, file := range files {
			found = found || file == home
			if err := checkDashboard(file, uids); err != nil {
				errs = append(errs, err)
			}
		}
	}
	if !found {
		errs = append(errs, errors.New("the home dashboard is none of those that are provisioned"))
	}
	return errs
}

// checkAlerts checks that each alert that is named in the configuration of Alertmanager is in the rules.
func checkAlerts(config, rules string) (errs []error) {
	named, err := os.ReadFile(config)
	if err != nil {
		return []error{err}
	}
	alerts, err := os.ReadFile(rules)
	if err != nil {
		return []error{err}
	}
	for _, name := range regexp.MustCompile(`Greenapi\w+`).FindAll(named, -1) {
		if !regexp.MustCompile(`alert: ` + string(name) + `\s`).Match(alerts) {
			errs = append(errs, fmt.Errorf("%s: there is no alert %s", config, name))
		}
	}
	return errs
}

// checkDashboard checks that each data source that a dashboard names is there, or is a variable to choose one by. An
// input (__inputs) is asked for only where a dashboard is imported by hand.
func checkDashboard(file string, uids []string) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	var board struct {
		UID        string
		Inputs     []any `json:"__inputs"`
		Templating struct{ List []struct{ Name, Type string } }
	}
	if err := json.Unmarshal(text, &board); err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	if board.UID == "" || board.Inputs != nil {
		return fmt.Errorf("%s: a dashboard that is provisioned has a uid and no __inputs", file)
	}
	known := slices.Concat(uids, []string{"grafana", "-- Grafana --", "-- Dashboard --", "-- Mixed --"})
	for _, v := range board.Templating.List {
		if v.Type == "datasource" {
			known = append(known, "${"+v.Name+"}", "$"+v.Name)
		}
	}
	for _, match := range regexp.MustCompile(`"datasource":\s*\{[^}]*?"uid":\s*"([^"]*\}?)"`).FindAllSubmatch(text, -1) {
		if uid := string(match[1]); !slices.Contains(known, uid) {
			return fmt.Errorf("%s: there is no data source %q", file, uid)
		}
	}
	return nil
}

type prometheusConfig struct {
	ScrapeConfigs []staticConfigs `yaml:"scrape_configs"`
	Alerting      struct{ Alertmanagers []staticConfigs }
}

type staticConfigs struct {
	StaticConfigs []struct{ Targets []string } `yaml:"static_configs"`
}

// datasources and dashboards have those keys of Grafana's provisioning that are used here; another one is an error,
// since Grafana overlooks what it does not know.
type datasources struct {
	APIVersion  int `yaml:"apiVersion"`
	Datasources []struct {
		Name, UID, Type, Access, URL string
		IsDefault                    bool `yaml:"isDefault"`
		Editable                     bool
		JSONData                     struct {
			HTTPMethod   string `yaml:"httpMethod"`
			TimeInterval string `yaml:"timeInterval"`
		} `yaml:"jsonData"`
	}
}

type dashboards struct {
	APIVersion int `yaml:"apiVersion"`
	Providers  []struct {
		Name, Type      string
		DisableDeletion bool `yaml:"disableDeletion"`
		AllowUIUpdates  bool `yaml:"allowUiUpdates"`
		Options         struct{ Path string }
	}
}

// loadAll loads the one file of a directory.
func loadAll(directory string, into any) error {
	files, err := fs.Glob(os.DirFS(directory), "*.yaml")
	if err != nil || len(files) != 1 {
		return fmt.Errorf("%s has %d files, want one", directory, len(files))
	}
	return load(filepath.Join(directory, files[0]), into, true)
}

func load(file string, into any, strict bool) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	d := yaml.NewDecoder(bytes.NewReader(text))
	d.KnownFields(strict)
	if err := d.Decode(into); err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	return nil
}

package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// confined is how each service must be.
const confined = `"image": "prom/prometheus:v3.15.0", "read_only": true, "cap_drop": ["ALL"], "security_opt": ["no-new-privileges:true"]`

func TestServices(t *testing.T) {
	for text, want := range map[string]string{
		`{` + confined + `, "ports": [{"host_ip": "127.0.0.1"}]}`:                       "",
		strings.Replace(`{`+confined+`}`, ":v3.15.0", ":latest", 1):                     "not pinned",
		strings.Replace(`{`+confined+`}`, ":v3.15.0", "", 1):                            "not pinned",
		strings.Replace(`{`+confined+`}`, `"image": "prom/prometheus:v3.15.0",`, "", 1): "not pinned",
		`{"build": {}, ` + confined + `}`:                                               "",
		`{` + confined + `, "ports": [{"host_ip": ""}]}`:                                "other machines",
		`{` + confined + `, "privileged": true}`:                                        "not confined",
		`{` + confined + `, "cap_add": ["NET_ADMIN"]}`:                                  "not confined",
		strings.Replace(`{`+confined+`}`, `"read_only": true`, `"read_only": false`, 1): "not confined",
		strings.Replace(`{`+confined+`}`, `["ALL"]`, `["CHOWN"]`, 1):                    "not confined",
		strings.Replace(`{`+confined+`}`, `no-new-privileges:true`, `seccomp:x`, 1):     "not confined",
	} {
		var s service
		if err := json.Unmarshal([]byte(text), &s); err != nil {
			t.Fatal(err)
		}
		errs := s.check()
		if want == "" && errs != nil || want != "" && (len(errs) != 1 || !strings.Contains(errs[0].Error(), want)) {
			t.Errorf("%s: %v, want %q", text, errs, want)
		}
	}
}

func TestMounts(t *testing.T) {
	directory := t.TempDir()
	file := filepath.Join(directory, "file")
	if err := os.WriteFile(file, []byte("text"), 0o600); err != nil {
		t.Fatal(err)
	}
	for want, m := range map[string]mount{
		"":             {Type: "bind", Source: file, Target: "/etc/file", ReadOnly: true},
		"written":      {Type: "bind", Source: file, Target: "/etc/file"},
		"no such file": {Type: "bind", Source: file + "x", Target: "/etc/file", ReadOnly: true},
		"is no file":   {Type: "bind", Source: directory, Target: "/etc/file", ReadOnly: true},
	} {
		errs := service{Volumes: []mount{m}}.stage(filepath.Join(directory, "root"))
		if want == "" && errs != nil || want != "" && (len(errs) != 1 || !strings.Contains(errs[0].Error(), want)) {
			t.Errorf("%+v: %v, want %q", m, errs, want)
		}
	}
	if text, err := os.ReadFile(filepath.Join(directory, "root/etc/file")); string(text) != "text" {
		t.Errorf("the file is not where its container has it: %q, %v", text, err)
	}
}

func TestDashboards(t *testing.T) {
	file := filepath.Join(t.TempDir(), "d.json")
	for text, good := range map[string]bool{
		`{"uid": "u", "panels": [{"datasource": {"type": "prometheus", "uid": "prometheus"}}]}`:                                      true,
		`{"uid": "u", "templating": {"list": [{"name": "ds", "type": "datasource"}]}, "panels": [{"datasource": {"uid": "${ds}"}}]}`: true,
		`{"uid": "u", "panels": [{"datasource": {"type": "prometheus", "uid": "another"}}]}`:                                         false,
		`{"uid": "u", "panels": [{"datasource": {"uid": "${ds}"}}]}`:                                                                 false,
		`{"uid": "u", "__inputs": []}`: false,
		`{}`:                           false,
		`{`:                            false,
	} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := checkDashboard(file, []string{"prometheus"}); (err == nil) != good {
			t.Errorf("%s: %v", text, err)
		}
	}
}

func TestAlertsThatAreNamedAreThere(t *testing.T) {
	directory := t.TempDir()
	config, rules := filepath.Join(directory, "a"), filepath.Join(directory, "r")
	if err := os.WriteFile(rules, []byte("- alert: GreenapiDown\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for text, good := range map[string]bool{`alertname="GreenapiDown"`: true, `alertname=~"GreenapiDown|GreenapiDow"`: false} {
		if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if errs := checkAlerts(config, rules); (errs == nil) != good {
			t.Errorf("%s: %v", text, errs)
		}
	}
}

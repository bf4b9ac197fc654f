package integration

import (
	"bytes"
	"context"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const oneInstance = "instances: [{id_instance: 1101000001, token: " + secret + "}]\n"

// TestInvalidSettingsExitWithOneLine also checks that the line never repeats the token.
func TestInvalidSettingsExitWithOneLine(t *testing.T) {
	dir := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	busy := httptest.NewServer(nil)
	defer busy.Close()
	configFlag := func(name, text string) string {
		return "--config.file=" + file(name, text+oneInstance)
	}
	type env map[string]string
	id := env{"GREENAPI_ID_INSTANCE": testID}
	with := func(name, value string) env {
		return env{"GREENAPI_ID_INSTANCE": testID, tokenVariable: secret, name: value}
	}
	instance := with("GREENAPI_ID_INSTANCE", testID)
	for name, c := range map[string]struct {
		env  env
		args string // separated by spaces
		want string // in the error
	}{
		"no settings": {nil, "", "GREENAPI_ID_INSTANCE"},
		"no instance": {env{tokenVariable: secret}, "", "GREENAPI_ID_INSTANCE"},
		"no token":    {id, "", tokenVariable},
		"token and token file": {
			instance, "--greenapi.token-file=" + file("token", secret),
			"has two tokens",
		},
		"token and token file in the environment": {
			with("GREENAPI_TOKEN_FILE", file("token", secret)), "",
			"has two tokens",
		},
		"empty token file": {
			env{"GREENAPI_ID_INSTANCE": testID, "GREENAPI_TOKEN_FILE": file("empty", "")}, "",
			"empty",
		},
		"URL of a request": {
			with("GREENAPI_URL", "https://api.green-api.com/waInstance1/x/"+secret), "",
			"/waInstance",
		},
		"http to another host": {
			with("GREENAPI_URL", "http://api.green-api.com"), "",
			"--greenapi.insecure-http",
		},
		"zero minutes":           {instance, "--greenapi.minutes=0", "--greenapi.minutes"},
		"minutes not a number":   {with("GREENAPI_MINUTES", "a day"), "", "GREENAPI_MINUTES"},
		"fractional minutes":     {instance, "--greenapi.minutes=1.5", "--greenapi.minutes"},
		"timeout without a unit": {instance, "--greenapi.timeout=30", "such as 30s"},
		"timeout overflows":      {instance, "--greenapi.timeout=9999999999h", "at most 1h"},
		"minutes overflow": {
			with("GREENAPI_MINUTES", "99999999999999999999"), "",
			"from 1 to 5254560",
		},
		"interval too long":  {with("GREENAPI_MIN_INTERVAL", "25h"), "", "to 1d"},
		"retention too long": {instance, "--storage.retention=11y", "at most 10y"},
		"interval of a fraction of a day": {
			instance, "--greenapi.min-interval=.5d",
			"--greenapi.min-interval (GREENAPI_MIN_INTERVAL) must be a duration such as",
		},
		"variable with a fraction of a day": {
			with("GREENAPI_MIN_INTERVAL", "0.5d"), "",
			"--greenapi.min-interval (GREENAPI_MIN_INTERVAL) must be a duration such as",
		},
		"negative interval": {
			instance, "--greenapi.min-interval=-1s",
			"--greenapi.min-interval",
		},
		"storage path is a file": {
			instance, "--storage.path=" + file("taken", ""),
			"--storage.path (GREENAPI_STORAGE_PATH)",
		},
		"ledger is a directory": {
			with("GREENAPI_STORAGE_PATH", ledgerDirectory(t)), "",
			"move it away",
		},
		"retention too short":     {instance, "--storage.retention=1h", "--storage.retention"},
		"zero calls":              {instance, "--greenapi.max-calls=0", "--greenapi.max-calls"},
		"negative request limit":  {instance, "--web.max-requests=-1", "--web.max-requests"},
		"negative timeout offset": {instance, "--web.timeout-offset=-1s", "--web.timeout-offset"},
		"timeout offset too long": {instance, "--web.timeout-offset=61s", "from 0s to 1m"},
		"URL as a storage path": {
			instance, "--storage.path=https://a.example/" + secret,
			"a URL",
		},
		"unknown flag for a token": {instance, "--greenapi.token=" + secret, tokenVariable},
		"misspelled flag":          {instance, "--collector.incomming", "--collector.incoming?"},
		"telemetry path in use":    {instance, "--web.telemetry-path=/", "--web.telemetry-path"},
		"unknown lookback": {
			with("GREENAPI_LOOKBACK", "tired"), "",
			"--greenapi.lookback (GREENAPI_LOOKBACK) must be one of full, tiered",
		},
		"unknown log level":        {instance, "--log.level=loud", "--log.level"},
		"unknown log format":       {instance, "--log.format=xml", "--log.format"},
		"unknown flag":             {instance, "--greenapi.tokn=x", "--help"},
		"token in a flag":          {instance, "--greenapi.api-token-instance=" + secret, "--help"},
		"token as an argument":     {instance, secret, "--help"},
		"token as a flag name":     {instance, "--" + secret, "--help"},
		"token as a file of flags": {instance, "@" + secret, "--help"},
		"token as minutes": {
			instance, "--greenapi.minutes=" + secret,
			"--greenapi.minutes",
		},
		"token as log level": {instance, "--log.level=" + secret, "--log.level"},
		"token as token file": {
			id, "--greenapi.token-file=" + secret,
			"--greenapi.token-file",
		},
		"token as web config file": {instance, "--web.config.file=" + secret, "--web.config.file"},
		"token as short flags":     {instance, "-" + secret, "--help"},
		"value for a switch":       {instance, "--demo=true", "--no-NAME"},
		"empty listen address":     {instance, "--web.listen-address=", "--web.listen-address"},
		"no systemd socket":        {instance, "--web.systemd-socket", "--web.systemd-socket"},
		"repeated flag": {
			instance, "--greenapi.minutes=5 --greenapi.minutes=6",
			"greenapi.minutes",
		},
		"flag without a value": {instance, "--greenapi.minutes", "greenapi.minutes"},
		"missing web config file": {
			instance, "--web.config.file=" + filepath.Join(dir, "absent"),
			"--web.config.file",
		},
		"invalid web config file": {
			instance, "--web.config.file=" + file("web.yml", "tls_server_config: 5"),
			"--web.config.file",
		},
		"listen address in use": {
			instance, "--web.listen-address=" + busy.Listener.Addr().String(),
			busy.Listener.Addr().String() + ": the address is in use; another exporter may",
		},
		"plaintext password in the web config file": {
			instance,
			"--web.config.file=" + file("password.yml", "basic_auth_users: {a: "+secret+"}"),
			"not a bcrypt hash",
		},
		"unknown host in the listen address": {
			instance, "--web.listen-address=" + secret + ".invalid:0", "the host is unknown",
		},
		"address of another machine": {
			instance, "--web.listen-address=192.0.2.1:0", "address of this machine",
		},
		"invalid listen address": {
			instance, "--web.listen-address=nowhere",
			"--web.listen-address",
		},
		"invalid proxy": {
			with("HTTPS_PROXY", "http://user:pa%zz"+secret+"@127.0.0.1:3128"), "", "HTTPS_PROXY is",
		},
		"demo and instance":        {instance, "--demo", "--demo"},
		"instance and config file": {instance, configFlag("one.yml", ""), "remove"},
		"token file and config file": {
			nil, configFlag("one.yml", "") + " --greenapi.token-file=" + file("token", secret),
			"remove",
		},
		"minutes by flag and config file": {
			nil, configFlag("minutes.yml", "minutes: 5\n") + " --greenapi.minutes=6",
			"minutes.yml:1: minutes is also set by --greenapi.minutes",
		},
		"lookback by variable and config file": {
			env{"GREENAPI_LOOKBACK": "full"}, configFlag("lookback.yml", "lookback: tiered\n"),
			"lookback.yml:1: lookback is also set by GREENAPI_LOOKBACK",
		},
		"interval by variable and config file": {
			env{"GREENAPI_MIN_INTERVAL": "1m"}, configFlag("interval.yml", "min_interval: 5m\n"),
			"by GREENAPI_MIN_INTERVAL",
		},
		"collectors by flag and config file": {
			nil, configFlag("collectors.yml", "collectors: [state]\n") + " --no-collector.queue",
			"by --collector.queue",
		},
		"disabled defaults and config file": {
			nil,
			configFlag("collectors.yml", "collectors: [state]\n") + " --collector.disable-defaults",
			"by --collector.disable-defaults",
		},
		"unused token": {
			env{tokenVariable: secret}, configFlag("one.yml", ""),
			tokenVariable + " is set",
		},
		"demo and config file": {
			env{"GREENAPI_CONFIG_FILE": file("one.yml", oneInstance)}, "--demo",
			"--demo",
		},
		"missing config file": {
			nil, "--config.file=" + filepath.Join(dir, "absent"),
			"--config.file",
		},
		"token as config file": {nil, "--config.file=" + secret, "--config.file"},
		"unknown key in config file": {
			nil, configFlag("slip.yml", "minuets: 5\n"),
			"slip.yml:1: unknown key",
		},
		"URL as a config file": {
			env{"GREENAPI_CONFIG_FILE": "https://a.example/" + secret}, "",
			"GREENAPI_CONFIG_FILE) must name a readable file: it must be a path, not a URL",
		},
		"directory as a config file": {nil, "--config.file=" + dir, dir + " must name a readable"},
		"tab in the config file": {
			nil, configFlag("tab.yml", "minutes: 5\n\ttimeout: 1s\n"),
			"tab.yml:2: invalid YAML: the line is indented with a tab",
		},
		"unknown collector in the config file": {
			nil, configFlag("collector.yml", "collectors: [incomming]\n"),
			`collector.yml:1: unknown collector "incomming" (did you mean incoming?)`,
		},
		"empty list in the config file": {
			nil, "--config.file=" + file("none.yml", "instances: []\n"),
			"none.yml:1: the file has no instances",
		},
		"token in quotes": {with(tokenVariable, "'"+secret+"'"), "", "quotes"},
		"token that a shell did not replace": {
			with(tokenVariable, "${TOKEN}"), "",
			tokenVariable + " of instance " + testID + ": the token is a placeholder",
		},
		"token file with a name": {
			id, "--greenapi.token-file=" + file("env", "T="+secret),
			"begins with a name",
		},
		"unknown metrics scope": {instance, "--web.metrics-scope=some", "--web.metrics-scope"},
		"demo and URL":          {env{"GREENAPI_URL": "https://a.example"}, "--demo", "--demo"},
	} {
		t.Run(name, func(t *testing.T) {
			for name, value := range c.env {
				t.Setenv(name, value)
			}
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second) // in case it starts
			defer cancel()
			var stdout, stderr bytes.Buffer
			code := runMain(ctx, strings.Fields(c.args), &stdout, &stderr)
			text := stderr.String()
			if code != 1 || strings.Count(text, "\n") != 1 || !strings.Contains(text, c.want) {
				t.Errorf("code %d, stderr %q; want code 1 and a line with %q", code, text, c.want)
			}
			if strings.Contains(text, secret) || stdout.Len() > 0 {
				t.Errorf("stdout %q, stderr %q; want no stdout and no token", &stdout, text)
			}
		})
	}
}

// ledgerDirectory returns a storage path in which a directory has the name of the ledger.
func ledgerDirectory(t *testing.T) string {
	path := t.TempDir()
	if err := os.Mkdir(filepath.Join(path, testID+".ledger"), 0o700); err != nil {
		t.Fatal(err)
	}
	return path
}

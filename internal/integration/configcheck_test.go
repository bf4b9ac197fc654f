package integration

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestConfigCheckPrintsInstances(t *testing.T) {
	for _, c := range []struct {
		text, want string
		code       int
	}{
		{
			"instances:\n  - {id_instance: 1101000001, token: " + secret + ", min_interval: 1d, " +
				"labels: {team: sales, city: \"São Paulo\"}}\n" +
				"  - {id_instance: 7, token: " + secret + ", lookback: tiered, minutes: 20160, " +
				"collectors: [state, outgoing], timeout: 1m30s, " +
				"url: \"https://7.api.example/prefix/\"}\n",
			`OK: 2 instances

id_instance  url                           minutes  lookback  min_interval  timeout  ` +
				`collectors            labels
1101000001   https://api.green-api.com     1440     full      1d            30s      ` +
				`outgoing,state,queue  city="São Paulo",team="sales"
7            https://7.api.example/prefix  20160    tiered    1s            1m30s    ` +
				`outgoing,state        -
`, 0,
		},
		{
			"instances: []\npartner: {token: token-of-the-partner}",
			"OK: the instances of the Partner API\n", 0,
		},
		{
			oneInstance + "partner: {token: token-of-the-partner}",
			"OK: 1 instance and those of the Partner API\n\nid_instance  url", 0,
		},
		{"instances: [{id_instance: 1}]", "greenapi.yml:1: instance 1 has no token", 1},
		{
			oneInstance + "min_interval: 1.5d\n",
			"greenapi.yml:2: min_interval must be a duration such as 30s, 5m or 1d12h", 1,
		},
	} {
		storage := filepath.Join(t.TempDir(), "none")
		var output syncBuffer
		code := runMain(t.Context(), []string{
			"--config.file=" + configFile(t, c.text), "--config.check", "--storage.path=" + storage,
		}, &output, &output)
		text := output.String()
		if code != c.code || !strings.Contains(text, c.want) || strings.Contains(text, secret) ||
			strings.Contains(text, "token-of-the-partner") {
			t.Errorf("%s: code %d, %q; want %d, %q", c.text, code, text, c.code, c.want)
		}
		if _, err := os.Stat(storage); err == nil {
			t.Error("--config.check has created the storage directory")
		}
	}
}

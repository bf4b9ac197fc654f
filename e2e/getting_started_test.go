package e2e

import (
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// guide is the text of a page in docs/.
type guide string

// commands returns the block of commands that contains text, with the replacements of strings.
func (g guide) commands(t *testing.T, text string, replacements ...string) string {
	t.Helper()
	for paragraph := range strings.SplitSeq(string(g), "\n\n") {
		if strings.HasPrefix(paragraph, "    ") && strings.Contains(paragraph, text) {
			return strings.NewReplacer(replacements...).Replace(paragraph)
		}
	}
	t.Fatalf("the page has no command with %s", text)
	return ""
}

// shell runs commands in a directory, with another home directory.
func shell(t *testing.T, commands, input, directory, home string) {
	t.Helper()
	command := exec.Command("bash", "-euo", "pipefail", "-c", commands)
	command.Dir, command.Stdin = directory, strings.NewReader(input)
	command.Env = append(os.Environ(), "HOME="+home)
	if out, err := command.CombinedOutput(); err != nil {
		t.Fatalf("%s\n%v: %s", commands, err, out)
	}
}

// TestGettingStarted follows docs/getting-started.md without Docker, up to the test alert.
func TestGettingStarted(t *testing.T) {
	useCore(t)
	text, err := os.ReadFile("../docs/getting-started.md")
	if err != nil {
		t.Fatal(err)
	}
	g := guide(text)
	telegram := make(chan string, 100)
	api := httptest.NewServer(fakeTelegram(t, telegram))
	defer api.Close()
	home := t.TempDir()
	directory := filepath.Join(home, "greenapi")
	shell(t, g.commands(t, "mkdir ~/greenapi",
		"go build -o ~/greenapi/greenapi_exporter .", ""), "", "..", home)
	shell(t, g.commands(t, "secrets/telegram_token", "sudo ", "", "-o 65534 ", ""),
		botToken+"\n", directory, home)
	shell(t, g.commands(t, "getUpdates", "sudo ", "", "https://api.telegram.org", api.URL),
		"", directory, home)
	shell(t, g.commands(t, "receiver: none", "docker compose restart alertmanager", ""),
		"", directory, home)

	for file, address := range map[string]string{
		"prometheus.yml": `["localhost:9093"]`, "secrets/telegram_chat_id": chatID,
	} {
		text, err := os.ReadFile(filepath.Join(directory, file))
		if err != nil || !strings.Contains(string(text), address) {
			t.Errorf("%s does not contain %s: %v", file, address, err)
		}
	}

	config, err := os.ReadFile(filepath.Join(directory, "alertmanager.yml"))
	if err != nil {
		t.Fatal(err)
	}
	absolute := strings.NewReplacer(
		"secrets/", directory+"/secrets/", "[greenapi.tmpl]", "["+directory+"/greenapi.tmpl]")
	alertmanager := startAlertmanager(t, "global: {telegram_api_url: \""+api.URL+"\"}\n"+
		absolute.Replace(string(config)))
	shell(t, g.commands(t, "/api/v2/alerts", "localhost:9093", alertmanager.address),
		"", directory, home)
	await(t, telegram, "🔴 This is a test.\n\nAlerts reach this phone.")
	shown := "\n    🔴 This is a test.\n\n    Alerts reach this phone.\n"
	if !strings.Contains(string(g), shown) {
		t.Error("the guide does not show the message")
	}
}

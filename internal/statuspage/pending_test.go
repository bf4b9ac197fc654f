package statuspage

import (
	"strings"
	"testing"
)

func TestPendingDiscoveryIsOnThePage(t *testing.T) {
	page := get(handlerOf(Snapshot{DiscoveryPending: true}), "/").Body.String()
	if !strings.Contains(page, "✕ No instance is known yet") || !strings.Contains(page, "it has not told its instances yet") {
		t.Errorf("the page: %s", page)
	}
	page = get(handlerOf(Snapshot{}), "/").Body.String()
	if strings.Contains(page, "it has not told") || !strings.Contains(page, "No instance is configured") {
		t.Errorf("the page after discovery: %s", page)
	}
}

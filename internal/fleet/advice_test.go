package fleet

import (
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"greenapi_exporter/internal/greenapi"
)

// TestPartnerFailuresHaveTheirOwnAdvice checks that the advice is not about an instance.
func TestPartnerFailuresHaveTheirOwnAdvice(t *testing.T) {
	ofInstances := regexp.MustCompile(
		`greenapi\.(url|id-instance|minutes|min-interval)|QR|scrape_timeout|collector|journal|` +
			`this instance|apiTokenInstance`)
	partnerResults := slices.DeleteFunc(greenapi.Results(), func(r greenapi.Result) bool {
		return r == greenapi.OK || strings.HasPrefix(string(r), "instance_")
	})
	for _, result := range partnerResults {
		advice := partnerAdvice[result]
		if found := ofInstances.FindString(advice); advice == "" || found != "" {
			t.Errorf("%s: the advice is %q, with %q", result, advice, found)
		}
	}
	if len(partnerAdvice) != len(partnerResults) {
		t.Errorf("%d results have advice, want %d", len(partnerAdvice), len(partnerResults))
	}
}

func TestRejectedPartnerCallIsLoggedWithAdvice(t *testing.T) {
	for name, body := range map[string]string{
		"empty":          "",
		"path":           `{"statusCode":400,"path":"/partner/getInstances/partner-secret"}`,
		"not authorized": "partner-secret is not authorized",
		"expired":        `{"message":"the token partner-secret has expired"}`,
		"deleted":        "Instance deleted",
		"HTML":           "<html>Bad Request</html>",
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newTestSyncer(t)
				s.api.respond(400, body)
				s.configure(t, partnerConfig)
				time.Sleep(10 * time.Minute)
				lines := s.takeLines("")
				if len(lines) != 1 || countLines(lines, "level=error result=bad_request") != 1 {
					t.Fatalf("the log is %s", lines)
				}
				for text, want := range map[string]bool{
					`advice="` + tokenAdvice + `"`: true, "next_call=2000-01-01T00:00:02Z": true,
					"secret": false, "QR code": false,
				} {
					if strings.Contains(lines[0], text) != want {
						t.Errorf("%s, want %s in it: %t", lines[0], text, want)
					}
				}
			})
		})
	}
}

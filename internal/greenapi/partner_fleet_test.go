package greenapi

import (
	"fmt"
	"net/http/httptest"
	"testing"
	"time"

	"greenapi_exporter/internal/simulator"
)

// newFleet returns a simulated fleet of three accounts, one of them deleted, and its Partner.
func newFleet(t *testing.T) (*simulator.Fleet, *Partner) {
	t.Helper()
	fleet := simulator.NewFleet(simulator.FleetConfig{PartnerToken: secret})
	for i := range 3 {
		fleet.Add(simulator.Config{IDInstance: fmt.Sprint(1100000001 + i), Token: other})
	}
	fleet.Subscribe("1100000002", simulator.Subscription{Deleted: true})
	fleet.Subscribe("1100000003",
		simulator.Subscription{Expired: true, Expires: time.Unix(1786300784, 0)})
	server := httptest.NewServer(fleet)
	t.Cleanup(server.Close)
	return fleet, newTestPartner(t, server.URL)
}

func TestPartnerListsTheSimulatedFleet(t *testing.T) {
	fleet, partner := newFleet(t)
	list, err := partner.List(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	instances := list.Instances
	token := testToken(t, other)
	got := ""
	for _, i := range instances {
		got += fmt.Sprintln(i.ID, i.Token.Equal(token), i.Deleted, i.Expired,
			i.Expires.Unix() == 1786300784)
	}
	want := "1100000001 true false false false\n1100000002 true true false false\n" +
		"1100000003 true false true true\n"
	if got != want || !instances[0].Expires.IsZero() {
		t.Errorf("got %s, want %s", got, want)
	}
	if n := fleet.PartnerCalls(); n != 1 {
		t.Errorf("one call made %d requests", n)
	}
}

func TestPartnerFaultsHaveTheirResult(t *testing.T) {
	fleet, partner := newFleet(t)
	partner.maxBody = 1 << 20 // for endless bodies
	results := map[simulator.Fault]Result{
		simulator.FaultUnauthorized:        Unauthorized,
		simulator.FaultUnauthorizedOK:      Unauthorized,
		simulator.FaultLoggedOut:           BadRequest,
		simulator.FaultLoggedOutOK:         BadRequest,
		simulator.FaultStartingOrLoggedOut: BadRequest,
		simulator.FaultStarting:            BadRequest,
		simulator.FaultStartingOK:          BadRequest,
		simulator.FaultExpired:             BadRequest,
		simulator.FaultDeleted:             BadRequest,
		simulator.FaultBadRequest:          BadRequest,
		simulator.FaultForbidden:           Forbidden,
		simulator.FaultRateLimited:         RateLimited,
		simulator.FaultRetryAfter:          RateLimited,
		simulator.FaultQuota:               QuotaExceeded,
		simulator.FaultClientClosed:        ServerError,
		simulator.FaultServerError:         ServerError,
		simulator.FaultBadGateway:          ServerError,
		simulator.FaultUnavailable:         ServerError,
		simulator.FaultGatewayTimeout:      ServerError,
		simulator.FaultNotFound:            UnexpectedStatus,
		simulator.FaultNoContent:           UnexpectedStatus,
		simulator.FaultRedirect:            UnexpectedStatus,
		simulator.FaultHTML:                InvalidResponse,
		simulator.FaultNull:                InvalidResponse,
		simulator.FaultObject:              InvalidResponse,
		simulator.FaultTruncated:           InvalidResponse,
		simulator.FaultCutRow:              InvalidResponse,
		simulator.FaultTrailing:            InvalidResponse,
		simulator.FaultEndless:             TooLarge,
		simulator.FaultEndlessGzip:         TooLarge,
	}
	for _, fault := range simulator.Faults() {
		switch fault {
		case simulator.FaultHang, simulator.FaultHangInBody, simulator.FaultDrip:
			continue // they end with the context
		}
		want, ok := results[fault]
		if !ok {
			want = OK
		}
		fleet.SetPartnerFault(fault)
		_, err := partner.List(t.Context())
		if got := ResultOf(err); got != want {
			t.Errorf("%s: got %v, want %s", fault, err, want)
		}
		assertNoSecret(t, err)
	}
	if followed := fleet.PartnerFollowed(); len(followed) != 0 {
		t.Errorf("followed a redirect: %v", followed)
	}
}

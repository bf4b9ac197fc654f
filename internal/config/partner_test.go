package config

import (
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"greenapi_exporter/internal/greenapi"
)

func TestPartnerInstancesAreFiltered(t *testing.T) {
	c := load(t, strings.Replace(completeFile, "0012", "1101000009", 1))
	token, err := greenapi.NewToken("token-in-the-list")
	if err != nil {
		t.Fatal(err)
	}
	ends := time.Date(2027, 1, 2, 3, 4, 5, 0, time.UTC)
	list := greenapi.PartnerList{BadIDs: 3, Instances: []greenapi.PartnerInstance{
		{ID: "11999", Token: token, Expires: ends},
		{ID: "1101000002", Token: token, Expires: ends},
		{ID: "2101000001", Token: token},
		{ID: "1101000004", Token: token, Deleted: true},
		{ID: "1101000005", Token: token, Expired: true},
		{ID: "1101000006"},
		{ID: "1101000003", Token: token},
		{ID: "1101000009", Token: token, Deleted: true, Expires: ends},
		{ID: "2101000002", Deleted: true, Expired: true},
		{ID: "1101000008", Deleted: true, Expired: true},
		{ID: "1101000007", Expired: true},
	}}
	var ids []string
	instances, unwatched := c.Partner().Instances(list, c.Instances())
	for _, i := range instances {
		ids = append(ids, i.ID())
		inFile := slices.Contains([]string{"1101000001", "1101000002", "1101000009"}, i.ID())
		if i.Token().Token().Equal(token) == inFile {
			t.Errorf("%s has the token of the wrong source", i.ID())
		}
		want := time.Time{}
		if i.ID() == "11999" || i.ID() == "1101000002" || i.ID() == "1101000009" {
			want = ends
		}
		if !i.Expires().Equal(want) {
			t.Errorf("%s expires at %v, want %v", i.ID(), i.Expires(), want)
		}
	}
	want := strings.Fields("1101000001 1101000002 1101000009 11999 1101000003")
	if !slices.Equal(ids, want) {
		t.Errorf("got %s, want %s", ids, want)
	}
	if !c.Instances()[1].Expires().IsZero() {
		t.Error("Instances modified the configuration")
	}
	wantUnwatched := []Unwatched{
		{NoToken, 1, []string{"1101000006"}},
		{BadID, 3, nil},
		{Excluded, 2, []string{"2101000001", "2101000002"}},
		{Deleted, 2, []string{"1101000004", "1101000008"}},
		{Expired, 2, []string{"1101000005", "1101000007"}},
	}
	if !reflect.DeepEqual(unwatched, wantUnwatched) {
		t.Errorf("unwatched: got %v, want %v", unwatched, wantUnwatched)
	}
	for _, u := range unwatched {
		if u.Reason.Advice() == "" {
			t.Errorf("%s has no advice", u.Reason)
		}
	}
}

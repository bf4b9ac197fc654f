package config

import (
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
	listed := []greenapi.PartnerInstance{
		{ID: "11999", Token: token, Expires: ends},
		{ID: "1101000002", Token: token, Expires: ends},
		{ID: "2101000001", Token: token},
		{ID: "1101000004", Token: token, Deleted: true},
		{ID: "1101000005", Token: token, Expired: true},
		{ID: "1101000006"},
		{ID: "1101000003", Token: token},
		{ID: "1101000009", Token: token, Deleted: true, Expires: ends},
	}
	var ids []string
	for _, i := range c.Partner().Instances(listed, c.Instances()) {
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
}

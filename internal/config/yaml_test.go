package config

import (
	"testing"

	"github.com/go-kit/log"
)

func TestAliasesAndMergeKeysAreResolved(t *testing.T) {
	i := load(t, `
minutes: &n 60
collectors: &all [outgoing, &s state]
instances:
  - &first {id_instance: "1", token_file: one, labels: &l {team: *s, country: de}}
  - {id_instance: "2", token_env: TEST_TOKEN, collectors: [*s], minutes: *n}
  - {<<: *first, id_instance: "3", collectors: *all}
  - {<<: [{minutes: 5}, *first], id_instance: "4", labels: {<<: *l, country: at}}
`).Instances()
	if i[0].Labels()["team"] != "state" || !i[1].Collects("state") || i[1].Collects("outgoing") ||
		i[2].ID() != "3" || i[2].Labels()["team"] != "state" {
		t.Errorf("got %+v", i)
	}
	labels := i[3].Labels()
	if i[3].Minutes() != 5 || labels["team"] != "state" || labels["country"] != "at" {
		t.Errorf("got %+v", i[3])
	}
}

func TestAliasCyclesAreRejected(t *testing.T) {
	for _, text := range []string{
		"instances: &x [*x]", "instances: [&x {<<: *x}]", "partner: &x {token: *x}",
		"instances: [{labels: &x {a: *x}}]", "instances: [{collectors: &x [*x]}]",
	} {
		if _, err := newSource(t, text).Load(log.NewNopLogger()); err == nil {
			t.Errorf("%s is valid", text)
		}
	}
}

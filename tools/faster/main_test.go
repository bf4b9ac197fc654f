package main

import (
	"io"
	"strings"
	"testing"
)

func TestAllDurationsAreDivided(t *testing.T) {
	const rules = `
groups:
  - name: g
    interval: 2m
    query_offset: 4m
    rules:
      - record: a:b
        expr: vector(30m) + 60 + rate(x[1h] offset 2h) + rate(y[10m] offset -6m)
      - record: a:c
        labels: {window: 1h}
        expr: max_over_time((z{window="1h"} offset 1d)[1d:2m] offset 2m)
      - record: a:d
        labels: {name: d_seconds}
        expr: vector(600)
      - alert: A
        expr: x > 1
        for: 6m
        keep_firing_for: 10m
        labels: {severity: warning}
`
	const want = `groups:
    - name: g
      interval: 1m
      query_offset: 2m
      rules:
        - record: a:b
          expr: vector(15m) + 60 + rate(x[30m] offset 1h) + rate(y[5m] offset -3m)
        - record: a:c
          expr: max_over_time((z{window="1h"} offset 12h)[12h:1m] offset 1m)
          labels:
            window: 1h
        - record: a:d
          expr: vector(300)
          labels:
            name: d_seconds
        - alert: A
          expr: x > 1
          for: 3m
          keep_firing_for: 5m
          labels:
            severity: warning
`
	var got strings.Builder
	if err := run(strings.NewReader(rules), &got, 2); err != nil {
		t.Fatal(err)
	}
	if got.String() != want {
		t.Errorf("got\n%s, want\n%s", &got, want)
	}
}

func TestInvalidRulesAreRejected(t *testing.T) {
	for _, rules := range []string{
		"groups: 1",
		"groups: [{name: g, rules: [{record: a, expr: 'x +'}]}]",
		"groups: [{name: g, rule: []}]",
	} {
		if err := run(strings.NewReader(rules), io.Discard, 2); err == nil {
			t.Errorf("no error for %s", rules)
		}
	}
}

func TestDivisorMustBePositive(t *testing.T) {
	if err := run(strings.NewReader("groups: []"), io.Discard, 0); err == nil {
		t.Error("no error for 0")
	}
}

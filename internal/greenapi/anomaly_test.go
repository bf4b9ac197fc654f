package greenapi

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// TestBadTimestampsCostOnlyTheTime reads each timestamp in a row of its own, and again between rows
// from which the template learns.
func TestBadTimestampsCostOnlyTheTime(t *testing.T) {
	const format = `{"idMessage":"%d","timestamp":%s,"typeMessage":"a","statusMessage":"sent"},`
	for _, timestamp := range []string{
		`0`, `-3`, `-0`, `0.0`, `1e-400`, `1800000001`, `1800000000.5`, `4070908800`,
		`1706601634000`, `1706601634000000`, `1706601634000000000`, `1e999`, `-1e999`, `1e300`,
		`1706601634.` + strings.Repeat("0", 500), strings.Repeat("9", 500),
		`""`, `"0"`, `"000"`, `"-5"`, `"1.5"`, `" 1706601634"`, `"1706601634 "`, `"+5"`, `"1e9"`,
		`"1706601634000"`, `"` + strings.Repeat("0", 500) + `"`, `"today"`,
		`"2025-12-08T15:30:01Z"`, `"2025-12-08"`, `"NaN"`, `"Infinity"`, `"null"`, `"١"`,
		`"0x10"`, `"1_0"`,
		`true`, `false`, `{}`, `[]`, `[1706601634]`, `{"timestamp":1706601634}`,
		`nan`, `-NaN`, `undefined`, `None`, `0x1F`, `0x1p4`, `1_000`, `1.`, `+1`, `-`, `01`, `.5`,
		`1e+`, `1.2.3`, `inf`, `+Infinity`, `nul`, `nullx`, `today`, strings.Repeat("n", 500),
		`NaN`, `Infinity`, `-Infinity`, `null,"timestamp":{}`, `1706601634,"timestamp":NaN`,
	} {
		var body strings.Builder
		var want []rowValues
		for i := range 12 {
			id, value := strconv.Itoa(i), "1706601634"
			r := row(id, "a", "sent", 1706601634)
			switch {
			case i%6 == 4:
				value, r = "null", untimed(id, "a", "sent")
			case i%2 == 1:
				value, r = timestamp, badlyTimed(id, "a", "sent")
			}
			fmt.Fprintf(&body, format, i, value)
			want = append(want, r)
		}
		rows, err := readAll(strings.NewReader("[" + body.String() + "]"))
		if err != nil || !slices.Equal(rows, want) {
			t.Errorf("%.50s: got %+v, %v", timestamp, rows, err)
		}
	}
}

// TestNumbersAreIDs checks that an idMessage that is a number is the same id as a string.
func TestNumbersAreIDs(t *testing.T) {
	const format = `{"idMessage":%s,"timestamp":5,"typeMessage":"a","statusMessage":"sent"},`
	for number, id := range map[string]string{
		"0": "0", "17": "17", "9007199254740993": "9007199254740993",
		"340282366920938463463374607431768211457": "340282366920938463463374607431768211457",
		"-5": "", "-0": "", "1.0": "", "1.5": "", "1e3": "", "NaN": "", "Infinity": "",
		"-Infinity": "", "true": "", "00123": "", "5x": "", "nan": "", "0x1F": "",
		strings.Repeat("9", 500): "",
		`5,"idMessage":null`:     "", `null,"idMessage":5`: "5", `"x","idMessage":1.5`: "",
	} {
		body := fmt.Sprintf("["+strings.Repeat(format, 5)+"]", `"x"`, number, `6`, number, `"x"`)
		want := []rowValues{row("x", "a", "sent", 5), row(id, "a", "sent", 5),
			row("6", "a", "sent", 5), row(id, "a", "sent", 5), row("x", "a", "sent", 5)}
		rows, err := readAll(strings.NewReader(body))
		if err != nil || !slices.Equal(rows, want) {
			t.Errorf("%.50s: got %+v, %v", number, rows, err)
		}
	}
}

// TestTypesOfTextsAreOneMessage checks that one id is one message under each type of texts, and
// that it is another message under any other type.
func TestTypesOfTextsAreOneMessage(t *testing.T) {
	types := []string{"textMessage", "extendedTextMessage", "quotedMessage", "imageMessage",
		"TextMessage", "textMessage "}
	var body strings.Builder
	for range 3 {
		for _, kind := range types {
			fmt.Fprintf(&body, `{"idMessage":"1","typeMessage":"%s"},`, kind)
		}
	}
	rows, err := readAll(strings.NewReader("[" + body.String() + "]"))
	if err != nil || len(rows) != 3*len(types) {
		t.Fatalf("got %+v, %v", rows, err)
	}
	for i, r := range rows {
		kind := types[i%len(types)]
		key, legacy := keyOf("1", kind), uint64(0)
		if kind == "extendedTextMessage" || kind == "quotedMessage" {
			key, legacy = keyOf("1", "textMessage"), key
		}
		if r.Key != key || r.LegacyKey != legacy || r.Type != kind {
			t.Errorf("row %d, %s: got %+v", i, kind, r)
		}
	}
}

func TestElementsThatAreNotRowsAreSkipped(t *testing.T) {
	const a, b = `{"idMessage":"1","typeMessage":"a"}`, `{"idMessage":"2","typeMessage":"b"}`
	want := []rowValues{untimed("1", "a", ""), untimed("2", "b", "")}
	for _, other := range []string{
		`null`, `true`, `false`, `0`, `-1.5e3`, `"typeMessage"`, `""`, `"]"`, `[]`, `[{}]`,
		`[` + a + `]`, `NaN`, `Infinity`, `-Infinity`,
		`None`, `nan`, `01`, `0x1F`, `-`,
	} {
		r := newRowReader(strings.NewReader("["+other+","+a+","+other+",,"+b+","+other+",]"),
			latestTimestamp)
		var rows []rowValues
		for r.next() {
			rows = append(rows, valuesOf(&r.row))
		}
		if err := r.in.End(); err != nil || !slices.Equal(rows, want) || r.notRows != 3 {
			t.Errorf("%s: got %+v, %d elements skipped, %v", other, rows, r.notRows, err)
		}
	}
}

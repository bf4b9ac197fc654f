package simulator_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"greenapi_exporter/internal/simulator"
)

func TestSetFaultAffectsOnlyTheGivenMethods(t *testing.T) {
	s, _ := newAccount(busy(), time.Hour)
	expect := func(step string, defaultCode int, codes map[string]int) {
		t.Helper()
		for _, method := range methods {
			want, ok := codes[method]
			if !ok {
				want = defaultCode
			}
			if code := get(s, pathOf(method)).Code; code != want {
				t.Errorf("%s: %s: %d, want %d", step, method, code, want)
			}
		}
	}
	s.SetFault(simulator.FaultBadGateway, "getSettings", incoming)
	expect("two methods", 200, map[string]int{"getSettings": 502, incoming: 502})
	s.SetFault(simulator.FaultForbidden, outgoing)
	expect("a third method", 200, map[string]int{"getSettings": 502, incoming: 502, outgoing: 403})
	s.SetFault(simulator.FaultNone, "getSettings")
	expect("one fault ended", 200, map[string]int{incoming: 502, outgoing: 403})
	s.SetFault(simulator.FaultUnauthorized)
	expect("all methods", 401, nil)
	s.SetFault(simulator.FaultNone)
	expect("all faults ended", 200, nil)
}

func TestFaultAnswersAreEqualForAllMethods(t *testing.T) {
	for _, fault := range simulator.Faults() {
		if fault == simulator.FaultHang {
			break // the remaining faults change only the body
		}
		s, _ := newAccount(busy(), time.Hour)
		s.SetFault(fault)
		want := get(s, pathOf(outgoing))
		for _, method := range methods {
			got := get(s, pathOf(method))
			body := strings.ReplaceAll(got.Body.String(), method, outgoing)
			if got.Code != want.Code || body != want.Body.String() {
				t.Errorf("%s: %s: %d %s", fault, method, got.Code, body)
			}
			exceeded := invokeStatus{method, 1000, 1000}
			if fault == simulator.FaultQuota && quotaOf(t, got.Body.Bytes()) != exceeded {
				t.Errorf("%s: %s", method, got.Body)
			}
		}
	}
}

func TestFaultsChangeAnObject(t *testing.T) {
	for _, method := range objects {
		s, _ := newAccount(busy(), time.Hour)
		good := get(s, pathOf(method)).Body.String()
		for fault, want := range map[simulator.Fault]string{
			simulator.FaultCommaMembers: good[:len(good)-1] + ",}",
			simulator.FaultBOM:          "\xef\xbb\xbf" + good,
			simulator.FaultTrailing:     good + "[]",
			simulator.FaultCutRow:       good[:len(good)/2],
			simulator.FaultGzip:         good, // the client does not accept it
			simulator.FaultCommaStart:   good,
			simulator.FaultCommaMiddle:  good,
			simulator.FaultCommaEnd:     good,
			simulator.FaultRowNotObject: good,
			simulator.FaultBadTimestamp: good,
		} {
			s.SetFault(fault, method)
			if w := get(s, pathOf(method)); w.Code != http.StatusOK || w.Body.String() != want {
				t.Errorf("%s: %s: %d %s, want %s", fault, method, w.Code, w.Body, want)
			}
		}
		s.SetFault(simulator.FaultGzip)
		r := httptest.NewRequest(http.MethodGet, pathOf(method), nil)
		r.Header.Set("Accept-Encoding", "gzip")
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		reader, err := gzip.NewReader(w.Body)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := io.ReadAll(reader); err != nil || string(got) != good {
			t.Errorf("%s: compressed: %s, %v", method, got, err)
		}
	}
}

func TestFaultTruncatedEndsAnObjectEarly(t *testing.T) {
	s, _ := newAccount(busy(), time.Hour)
	s.SetFault(simulator.FaultTruncated)
	response, err := requestPath(t.Context(), t, serve(t, s), pathOf("getSettings"))
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(response.Body)
	_ = response.Body.Close()
	if !errors.Is(err, io.ErrUnexpectedEOF) || len(body) == 0 || json.Valid(body) {
		t.Errorf("%d of %d bytes, error %v", len(body), response.ContentLength, err)
	}
}

func TestFaultHangInBodySendsHalfAnObject(t *testing.T) {
	s, _ := newAccount(busy(), time.Hour)
	good := get(s, pathOf("getSettings")).Body.String()
	s.SetFault(simulator.FaultHangInBody)
	server := serve(t, s)
	response, err := requestPath(t.Context(), t, server, pathOf("getSettings"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	half := make([]byte, len(good)/2)
	if _, err := io.ReadFull(response.Body, half); err != nil || string(half) != good[:len(half)] {
		t.Fatalf("not the first half of the body; error %v", err)
	}
	server.CloseClientConnections()
	if rest, err := io.ReadAll(response.Body); err == nil || len(rest) > 0 {
		t.Errorf("%d more bytes, error %v", len(rest), err)
	}
}

func TestFaultEndlessSendsAnEndlessString(t *testing.T) {
	for _, fault := range []simulator.Fault{simulator.FaultEndless, simulator.FaultEndlessGzip} {
		s, _ := newAccount(busy(), time.Hour)
		s.SetFault(fault, "getMessagesCount")
		ctx, cancel := context.WithCancel(t.Context())
		response, err := requestPath(ctx, t, serve(t, s), pathOf("getMessagesCount"))
		if err != nil {
			t.Fatal(err)
		}
		if response.Uncompressed != (fault == simulator.FaultEndlessGzip) {
			t.Errorf("%s: compressed %v", fault, response.Uncompressed)
		}
		prefix := make([]byte, 10<<20)
		if _, err := io.ReadFull(response.Body, prefix); err != nil {
			t.Fatal(err)
		}
		cancel()
		_ = response.Body.Close()
		var members map[string]any
		err = json.Unmarshal(append(bytes.Clone(prefix), `"}`...), &members)
		if err != nil || len(members) != 2 {
			t.Errorf("%s: the body is not the start of an object: %v", fault, err)
		}
	}
}

func TestFaultDripSendsAValidObject(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, _ := newAccount(busy(), time.Hour)
		s.SetFault(simulator.FaultDrip)
		started := time.Now()
		if members := object(t, s, "getStateInstance"); members["stateInstance"] != "authorized" {
			t.Errorf("the answer is %v", members)
		}
		if took := time.Since(started); took != 3*time.Second { // 30 bytes
			t.Errorf("the answer took %v", took)
		}
	})
}

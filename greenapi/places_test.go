package greenapi

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

func TestPlacesAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		places := NewPlaces(4)
		take := func(host string) func() {
			t.Helper()
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			leave, err := places.take(ctx, host)
			if err != nil {
				return nil
			}
			return leave
		}
		first, second := take("dead"), take("dead")
		if first == nil || second == nil {
			t.Fatal("a host does not get half of the places")
		}
		if take("dead") != nil {
			t.Error("one host got more than half of the places")
		}
		third, fourth := take("a"), take("b")
		if third == nil || fourth == nil {
			t.Error("a dead host starves the others")
		}
		if take("c") != nil {
			t.Error("a fifth place of four")
		}
		first()
		if take("c") == nil {
			t.Error("a place that was left is not free again")
		}
	})
}

func TestWaitingForAHostHoldsNoPlaceOfAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		places := NewPlaces(4)
		ctx, cancel := context.WithCancel(t.Context())
		for range 10 {
			go func() { _, _ = places.take(ctx, "dead") }()
		}
		synctest.Wait()
		for range 2 {
			if _, err := places.take(ctx, "alive"); err != nil {
				t.Error(err)
			}
		}
		cancel()
		synctest.Wait()
	})
}

func TestOnePlaceIsEnoughToCall(t *testing.T) {
	if leave, err := NewPlaces(1).take(t.Context(), "a"); err != nil {
		t.Error(err)
	} else {
		leave()
	}
}

func TestACallWithoutAPlaceTimesOut(t *testing.T) {
	client := newTestClient(t, "http://127.0.0.1:0")
	client.service.Places = NewPlaces(1)
	leave, err := client.service.Places.take(t.Context(), client.base.Host)
	if err != nil {
		t.Fatal(err)
	}
	defer leave()
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	if _, _, err := ask(ctx, client); ResultOf(err) != Timeout {
		t.Errorf("got %v, want %s", err, Timeout)
	}
}

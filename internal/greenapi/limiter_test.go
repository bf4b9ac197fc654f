package greenapi

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestPlacesAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		places := NewLimiter(4)
		methods := 0 // each call is of another, so that only hosts are bounded
		take := func(host string) func() {
			t.Helper()
			methods++
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			leave, err := places.acquire(ctx, host, strconv.Itoa(methods))
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
		places := NewLimiter(4)
		ctx, cancel := context.WithCancel(t.Context())
		for range 10 {
			go func() { _, _ = places.acquire(ctx, "dead", LastOutgoingMessages) }()
		}
		synctest.Wait()
		for i := range 2 {
			if _, err := places.acquire(ctx, "alive", strconv.Itoa(i)); err != nil {
				t.Error(err)
			}
		}
		cancel()
		synctest.Wait()
	})
}

func TestOnePlaceIsEnoughToCall(t *testing.T) {
	if leave, err := NewLimiter(1).acquire(t.Context(), "a", GetSettings); err != nil {
		t.Error(err)
	} else {
		leave()
	}
}

func TestACallWithoutAPlaceTimesOut(t *testing.T) {
	client := newTestClient(t, "http://127.0.0.1:0")
	client.backend.Limiter = NewLimiter(1)
	leave, err := client.backend.Limiter.acquire(t.Context(), client.base.Host, LastOutgoingMessages)
	if err != nil {
		t.Fatal(err)
	}
	defer leave()
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	_, _, err = ask(ctx, client)
	var failure *Error
	if !errors.As(err, &failure) || failure.Result != Timeout || !failure.NotSent {
		t.Errorf("got %v, want %s without a request", err, Timeout)
	}
}

// TestAMethodThatHangsLeavesPlacesToTheOthers of its host, from 4 places on.
func TestAMethodThatHangsLeavesPlacesToTheOthers(t *testing.T) {
	for _, n := range []int{4, 5, 6, 7, 8, 9, 10, 16, 33, 256} {
		synctest.Test(t, func(t *testing.T) {
			places := NewLimiter(n)
			ctx, cancel := context.WithCancel(t.Context())
			got := 0
			for range n {
				go func() {
					if _, err := places.acquire(ctx, "host", GetWaSettings); err == nil {
						got++
					}
				}()
				synctest.Wait()
			}
			if leave, err := places.acquire(ctx, "host", LastOutgoingMessages); err != nil {
				t.Error(err)
			} else {
				leave()
			}
			if want := max(1, n/2*3/4); got != want {
				t.Errorf("%d places: a method got %d of the %d of its host, want %d", n, got, n/2, want)
			}
			if leave, err := places.acquire(ctx, "other", GetWaSettings); err != nil {
				t.Error(err)
			} else {
				leave()
			}
			cancel()
			synctest.Wait()
		})
	}
}

// TestGivingUpLeavesNothingTaken, wherever it was waited.
func TestGivingUpLeavesNothingTaken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		places := NewLimiter(4)
		var leave []func()
		for _, host := range []string{"a", "a", "b", "b"} {
			l, err := places.acquire(t.Context(), host, strconv.Itoa(len(leave)))
			if err != nil {
				t.Fatal(err)
			}
			leave = append(leave, l)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		for _, host := range []string{"a", "c"} { // one waits for its host, one for all
			if _, err := places.acquire(ctx, host, GetSettings); err == nil {
				t.Errorf("%s got a fifth place of four", host)
			}
		}
		for _, l := range leave {
			l()
		}
		for name, part := range places.slots {
			n := places.perHost
			if strings.Contains(name, " ") {
				n = places.perMethod
			}
			if !part.TryAcquire(n) {
				t.Errorf("a place of %q is taken still", name)
			}
		}
		if !places.all.TryAcquire(4) {
			t.Error("a place of all is taken still")
		}
	})
}

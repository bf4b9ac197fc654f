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

func TestConcurrentCallsAreLimited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		limiter := NewLimiter(4)
		methods := 0 // every call has its own method, so only the host's limit applies
		acquire := func(host string) func() {
			t.Helper()
			methods++
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			release, err := limiter.acquire(ctx, host, strconv.Itoa(methods))
			if err != nil {
				return nil
			}
			return release
		}
		first, second := acquire("slow"), acquire("slow")
		if first == nil || second == nil {
			t.Fatal("a host does not get half of the slots")
		}
		if acquire("slow") != nil {
			t.Error("a host got more than half of the slots")
		}
		third, fourth := acquire("a"), acquire("b")
		if third == nil || fourth == nil {
			t.Error("a slow host blocks the others")
		}
		if acquire("c") != nil {
			t.Error("a fifth slot of four")
		}
		first()
		if acquire("c") == nil {
			t.Error("a released slot is not free")
		}
	})
}

func TestCallsWaitingForAHostDoNotBlockOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		limiter := NewLimiter(4)
		ctx, cancel := context.WithCancel(t.Context())
		for range 10 {
			go func() { _, _ = limiter.acquire(ctx, "slow", LastOutgoingMessages) }()
		}
		synctest.Wait()
		for i := range 2 {
			if _, err := limiter.acquire(ctx, "fast", strconv.Itoa(i)); err != nil {
				t.Error(err)
			}
		}
		cancel()
		synctest.Wait()
	})
}

func TestOneSlotSuffices(t *testing.T) {
	if release, err := NewLimiter(1).acquire(t.Context(), "a", GetSettings); err != nil {
		t.Error(err)
	} else {
		release()
	}
}

func TestCallWithoutASlotTimesOut(t *testing.T) {
	client := newTestClient(t, "http://127.0.0.1:0")
	client.backend.Limiter = NewLimiter(1)
	release, err := client.backend.Limiter.acquire(t.Context(), client.base.Host,
		LastOutgoingMessages)
	if err != nil {
		t.Fatal(err)
	}
	defer release()
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	_, _, err = readOutgoing(ctx, client)
	var failure *Error
	if !errors.As(err, &failure) || failure.Result != Timeout || !failure.NotSent {
		t.Errorf("got %v, want %s without a request", err, Timeout)
	}
}

func TestSlowMethodLeavesSlotsToOthers(t *testing.T) {
	for _, n := range []int{4, 5, 6, 7, 8, 9, 10, 16, 33, 256} {
		synctest.Test(t, func(t *testing.T) {
			limiter := NewLimiter(n)
			ctx, cancel := context.WithCancel(t.Context())
			got := 0
			for range n {
				go func() {
					if _, err := limiter.acquire(ctx, "host", GetWaSettings); err == nil {
						got++
					}
				}()
				synctest.Wait()
			}
			if release, err := limiter.acquire(ctx, "host", LastOutgoingMessages); err != nil {
				t.Error(err)
			} else {
				release()
			}
			if want := max(1, n/2*3/4); got != want {
				t.Errorf("%d slots: a method got %d of the %d of its host, want %d", n, got, n/2,
					want)
			}
			if release, err := limiter.acquire(ctx, "other", GetWaSettings); err != nil {
				t.Error(err)
			} else {
				release()
			}
			cancel()
			synctest.Wait()
		})
	}
}

func TestFailedAcquireReleasesItsSlots(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		limiter := NewLimiter(4)
		var release []func()
		for _, host := range []string{"a", "a", "b", "b"} {
			r, err := limiter.acquire(t.Context(), host, strconv.Itoa(len(release)))
			if err != nil {
				t.Fatal(err)
			}
			release = append(release, r)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		for _, host := range []string{"a", "c"} { // blocked by its host, and by the total
			if _, err := limiter.acquire(ctx, host, GetSettings); err == nil {
				t.Errorf("%s got a fifth slot of four", host)
			}
		}
		for _, r := range release {
			r()
		}
		for name, slot := range limiter.slots {
			n := limiter.perHost
			if strings.Contains(name, " ") {
				n = limiter.perMethod
			}
			if !slot.TryAcquire(n) {
				t.Errorf("a slot of %q is not released", name)
			}
		}
		if !limiter.all.TryAcquire(4) {
			t.Error("a slot is not released")
		}
	})
}

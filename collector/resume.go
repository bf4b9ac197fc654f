package collector

import (
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/go-kit/log"
	"github.com/go-kit/log/level"

	"greenapi_exporter/internal/greenapi"
	"greenapi_exporter/internal/ledger"
	"greenapi_exporter/internal/poll"
)

// newPersistentPoller returns a Poller that reads the journal. It continues with the state that the
// ledger has stored. The ledger stores the state of the Poller before and after each call.
func newPersistentPoller(s *requestStats, j *journal) *poll.Poller[*ledger.Summary] {
	poller := newPoller(s, poll.Options{
		Interval: s.env.config().MinInterval(),
		Persist:  func(state poll.ResumeState) { j.ledger.Persist(toPollState(state)) },
	}, j.read)
	l := j.ledger
	if l.LastPollState().Called.IsZero() {
		return poller
	}
	var success time.Time
	reading := l.Summary()
	if reading != nil {
		success = reading.RequestedAt
	}
	poller.Resume(s.resume(l.LastPollState(), reading != nil), reading, success)
	return poller
}

// resultInterrupted is the stored result for poll.ErrInterrupted.
const resultInterrupted = "unfinished"

func toPollState(state poll.ResumeState) ledger.PollState {
	stored := ledger.PollState{
		Called: state.Called, Next: state.Next, Failures: state.Failures, Took: state.Took,
		Settings: state.Key.Account + " " + state.Key.Request,
	}
	var failure *greenapi.Error
	switch {
	case errors.As(state.Err, &failure):
		stored.Result = string(failure.Result)
	case state.Err != nil:
		stored.Result = resultInterrupted
	}
	return stored
}

// resume returns the state to continue with after a restart, and logs it if the next call must
// wait.
func (s *requestStats) resume(stored ledger.PollState, hasReading bool) poll.ResumeState {
	state := poll.ResumeState{
		Called: stored.Called, Next: stored.Next, Failures: stored.Failures, Took: stored.Took,
	}
	result := greenapi.Result(stored.Result)
	// Earlier releases did not limit Retry-After.
	limit := max(result.MaxRetryAfter(), s.env.config().MinInterval())
	if result == "" && hasReading {
		limit = s.env.config().MinInterval() // which can be shorter than before the restart
	}
	if latest := stored.Called.Add(stored.Took + limit); state.Next.After(latest) {
		state.Next = latest
	}
	// Earlier releases stored a hash that is the account of no key.
	state.Key.Account, state.Key.Request, _ = strings.Cut(stored.Settings, " ")
	switch key := s.env.requestKey(); {
	case state.Key != key && state.Key != poll.Key{Account: key.Account}:
		return poll.ResumeState{Called: stored.Called, Took: stored.Took, Err: poll.ErrInterrupted}
	case slices.Contains(s.results, result):
		state.Err = &greenapi.Error{Result: result, Detail: "before the restart"}
	case result != "" || !hasReading:
		state.Err = poll.ErrInterrupted
	}
	if !time.Now().Before(state.Next) {
		return state
	}
	logger := log.With(s.logger, "last_call", stored.Called.UTC().Format(time.RFC3339),
		"next_call", state.Next.UTC().Format(time.RFC3339))
	switch {
	case state.Err == nil:
		level.Debug(logger).Log("msg", "using the stored reading until the next call")
	case state.Err == poll.ErrInterrupted:
		level.Warn(logger).Log("msg", "no reading before the next call", "err", state.Err)
	default:
		s.logged[result], s.failingSince = true, stored.Called
		level.Error(logger).Log(
			"msg", "API call failed before the restart, waiting for the next call",
			"result", result, "advice", result.Advice())
	}
	return state
}

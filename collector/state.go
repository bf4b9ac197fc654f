package collector

import (
	"context"
	"time"

	"github.com/go-kit/log"
	"github.com/go-kit/log/level"
	"greenapi_exporter/internal/greenapi"
	"greenapi_exporter/internal/poll"
)

// newState shows the state of the instance.
func newState() factory {
	state := desc("greenapi_instance_state",
		"1 for the state that the instance was in when last read, 0 for every other; unknown where the API says none, other for a new word.",
		"state")
	return &method[greenapi.State]{
		Info:  Info{"state", greenapi.GetStateInstance, "The state of the account: logged in, logged out, suspended and so on", true},
		descs: []*metricDesc{state},
		open: func(t *env, c *requestStats) (source[greenapi.State], error) {
			told := stateLogger{logger: c.logger}
			return periodic(time.Second, func(client *greenapi.Client, ctx context.Context) (greenapi.State, error) {
				now, err := client.State(ctx)
				if err == nil {
					told.observe(now)
				}
				return now, err
			})(t, c)
		},
		render: renderLatest(func(m emitter, now greenapi.State) {
			for _, s := range greenapi.States() {
				m.gauge(state, boolFloat(s == now), string(s))
			}
		}),
		fillStatus: func(s *Status, latest poll.Outcome[greenapi.State]) { s.State = latest.Reading },
	}
}

// stateLogger tells the log of each change of the state, and at the start of one in which not all is well.
type stateLogger struct {
	logger log.Logger
	last   greenapi.State // empty before the first
}

func (t *stateLogger) observe(now greenapi.State) {
	before := t.last
	t.last = now
	advice := now.Advice()
	switch {
	case now == before, before == "" && advice == "":
	case before == "":
		level.Warn(t.logger).Log("msg", "not all is well with the instance", "state", now, "advice", advice)
	case advice == "":
		level.Info(t.logger).Log("msg", "the state of the instance has changed, all is well", "state", now, "before", before)
	default:
		level.Warn(t.logger).Log("msg", "the state of the instance has changed", "state", now, "before", before, "advice", advice)
	}
}

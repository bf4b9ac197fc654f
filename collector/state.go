package collector

import (
	"context"
	"time"

	"github.com/go-kit/log"
	"github.com/go-kit/log/level"

	"greenapi_exporter/internal/greenapi"
)

// newState exports the state of the instance.
func newState() factory {
	var d descs
	state := d.add("greenapi_instance_state",
		"1 for the current state of the instance, 0 for all others. "+
			"The state is unknown if the API returns none, "+
			"and other if it returns an unlisted one.",
		"state")
	return &polled[greenapi.State]{
		Info: Info{
			"state", greenapi.GetStateInstance,
			"State of the instance: authorized, suspended and so on", true,
		},
		descs: d,
		connect: func(p *polled[greenapi.State]) error {
			changes := stateLogger{logger: p.stats.logger}
			read := func(client *greenapi.Client, ctx context.Context) (greenapi.State, error) {
				now, err := client.State(ctx)
				if err == nil {
					changes.observe(now)
				}
				return now, err
			}
			return periodic(time.Second, read)(p)
		},
		render: func(e emitter, now greenapi.State, _ bool) {
			for _, s := range greenapi.States() {
				e.gauge(state, boolFloat(s == now), string(s))
			}
		},
		fillStatus: func(s *Status, now greenapi.State, _ bool) { s.State = now },
	}
}

// stateLogger logs each change of the state, and the first state if it needs attention.
type stateLogger struct {
	logger log.Logger
	last   greenapi.State // empty before the first
}

func (l *stateLogger) observe(now greenapi.State) {
	before, advice := l.last, now.Advice()
	l.last = now
	logger := log.With(l.logger, "state", now)
	switch {
	case now == before, before == "" && advice == "":
	case before == "":
		level.Warn(logger).Log("msg", "instance needs attention", "advice", advice)
	case advice == "":
		level.Info(logger).Log("msg", "instance recovered", "before", before)
	default:
		level.Warn(logger).Log("msg", "instance state changed", "before", before, "advice", advice)
	}
}

package collector

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"greenapi_exporter/greenapi"
)

// newState shows the state of the instance.
func newState() kind {
	state := desc("greenapi_instance_state",
		"1 for the state that the instance was in when last read, 0 for every other; unknown where the API says none, other for a new word.",
		"state")
	return &method[greenapi.State]{
		Info:  Info{"state", greenapi.GetStateInstance, "The state of the account: logged in, logged out, suspended and so on", true},
		descs: []*prometheus.Desc{state},
		open:  every(time.Second, (*greenapi.Client).State),
		render: known(func(m metrics, now greenapi.State) {
			for _, s := range greenapi.States() {
				m.gauge(state, oneIf(s == now), string(s))
			}
		}),
	}
}

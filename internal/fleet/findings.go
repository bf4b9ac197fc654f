package fleet

import (
	"slices"

	"github.com/go-kit/log"
	"github.com/go-kit/log/level"

	"greenapi_exporter/internal/config"
	"greenapi_exporter/internal/greenapi"
)

// finding is an anomaly of an instance in a list.
type finding struct{ reason, id string }

// findingLogger logs the anomalies of a list that the previous list did not have.
type findingLogger struct {
	logger            log.Logger
	previous, current map[finding]bool
	badIDs            int // in the previous list
}

// logList logs the findings about a list.
func (f *findingLogger) logList(list greenapi.PartnerList, unwatched []config.Unwatched) {
	f.previous, f.current = f.current, make(map[finding]bool)
	ignored := make(map[string]bool)
	for _, u := range unwatched {
		logger := level.Info(f.logger)
		if u.Reason.IsFault() {
			logger = level.Warn(f.logger)
		}
		f.log(logger, "not watching listed instances", string(u.Reason), u.Reason.Advice(), u.IDs)
		for _, id := range u.IDs {
			ignored[id] = true
		}
	}
	if list.BadIDs > f.badIDs {
		level.Warn(f.logger).Log("msg", "ignoring entries of the list", "reason", config.BadID,
			"entries", list.BadIDs, "advice", config.BadID.Advice())
	}
	f.badIDs = list.BadIDs

	var badExpires, twoTokens []string
	for _, l := range list.Instances {
		if l.BadExpires && !ignored[l.ID] {
			badExpires = append(badExpires, l.ID)
		}
		if l.TwoTokens && !ignored[l.ID] {
			twoTokens = append(twoTokens, l.ID)
		}
	}
	f.log(level.Warn(f.logger), "watching instances whose expirationDate cannot be read",
		"bad_expiration_date", "look up in the console when their subscriptions end", badExpires)
	f.log(level.Warn(f.logger), "the list has instances with two tokens, using the last",
		"two_tokens", "if their calls fail, configure them under instances, with the tokens in "+
			"the console", twoTokens)
}

// log logs the first ids, and the number of further ones, in one line.
func (f *findingLogger) log(logger log.Logger, msg, reason, advice string, ids []string) {
	var unlogged []string
	for _, id := range ids {
		found := finding{reason, id}
		f.current[found] = true
		if !f.previous[found] {
			unlogged = append(unlogged, id)
		}
	}
	if len(unlogged) > 0 {
		logger.Log("msg", msg, "reason", reason, "ids", joinIDs(unlogged), "advice", advice)
	}
}

// logCounts logs the counts of a list if they have changed.
func (p *partnerPoller) logCounts(list greenapi.PartnerList, unwatched []config.Unwatched) {
	listed := len(list.Instances) + list.BadIDs
	watched := listed
	var reasons []any
	for _, u := range unwatched {
		watched -= u.Count
		reasons = append(reasons, string(u.Reason), u.Count)
	}
	counts := append([]any{"listed", listed, "watched", watched}, reasons...)
	if !slices.Equal(counts, p.lastCounts) {
		p.lastCounts = counts
		fields := []any{"msg", "applied the list of the Partner API"}
		level.Info(p.logger).Log(append(fields, counts...)...)
	}
}

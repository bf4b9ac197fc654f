package fleet

import (
	"fmt"

	"github.com/go-kit/log/level"

	"greenapi_exporter/internal/config"
	"greenapi_exporter/internal/greenapi"
)

// confirmation decides whether a list is credible. A list that is empty or lacks many instances can
// be an error of the API, so it is applied only if the next list confirms it.
type confirmation struct {
	empty  bool            // the latest list had no entries
	lacked map[string]bool // the watched instances that the latest list lacked
}

// accept reports whether to apply a list, and returns the watched instances that it lacks. watched
// are the instances of the list in use, and listed those of the new list.
//
// The new list may lack what the latest list lacked, which confirms that, and up to a fifth of the
// other watched instances. A list lacks an instance if applying it would close the instance.
func (c *confirmation) accept(
	list greenapi.PartnerList, watched, listed []config.Instance,
) (ok bool, lacking []string) {
	stays := make(map[string]bool)
	for _, i := range listed {
		stays[i.ID()] = true
	}
	lacked, unconfirmed := make(map[string]bool), 0
	for _, i := range watched {
		id := i.ID()
		if stays[id] {
			continue
		}
		lacked[id] = true
		lacking = append(lacking, id)
		if !c.lacked[id] {
			unconfirmed++
		}
	}
	others := len(watched) - (len(lacking) - unconfirmed)
	ok = 5*unconfirmed <= others && (!list.Empty() || c.empty)
	c.lacked, c.empty = lacked, list.Empty()
	return ok, lacking
}

// credible reports whether to apply a list, and otherwise logs why not. The caller must hold
// applyMu of the Syncer.
func (p *partnerPoller) credible(list greenapi.PartnerList) bool {
	partner, file := p.syncer.config.Partner(), p.syncer.config.Instances()
	before, _ := partner.Instances(p.syncer.list, file)
	after, _ := partner.Instances(list, file)
	watched, listed := before[len(file):], after[len(file):]
	ok, lacking := p.confirmation.accept(list, watched, listed)
	held := ""
	if !ok {
		held = fmt.Sprintf("The latest list has %d instances to watch. It lacks %d of the %d "+
			"watched instances.", len(listed), len(lacking), len(watched))
		if len(lacking) > 0 {
			held += " Lacking: " + joinIDs(lacking) + "."
		}
		level.Warn(p.logger).Log("msg", "the Partner API's list is empty or lacks more than a "+
			"fifth of the instances, not applying it unless the next one confirms it",
			"watched", len(watched), "lacking", len(lacking), "listed", len(listed),
			"ids", joinIDs(lacking))
		p.lastCounts = nil // so that the next applied list is logged
	}
	p.syncer.mu.Lock()
	defer p.syncer.mu.Unlock()
	p.syncer.heldList = held
	return ok
}

package stories

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"time"
)

// series are the series that Prometheus stores for a story, in the order of their first sample.
type series struct {
	names  []string
	values map[string][]float64 // NaN if there is no sample
	steps  int
	step   int // the current one
}

func (s *series) set(name, labels string, value float64) {
	full := name + "{" + labels + "}"
	if s.values[full] == nil {
		s.names = append(s.names, full)
		s.values[full] = slices.Repeat([]float64{math.NaN()}, s.steps)
	}
	s.values[full][s.step] = value
}

// scrapes returns what Prometheus stores for the story.
func (st *story) scrapes() *series {
	step := cmp.Or(st.step, minute)
	out := &series{values: make(map[string][]float64), steps: int(st.length/step) + 1}
	for i := range out.steps {
		out.step = i
		for j := range st.exporters {
			st.exporters[j].scrape(out, time.Duration(i)*step)
		}
	}
	for i := range st.exporters {
		e := &st.exporters[i]
		for j := range e.accounts {
			e.accounts[j].scrapes(out, e, st.length, step)
		}
	}
	return out
}

func (e *exporter) scrape(out *series, now time.Duration) {
	target := fmt.Sprintf(`instance="%s:10466",job="greenapi"`, e.host)
	if e.isDown(now) {
		out.set("up", target, 0)
		return
	}
	out.set("up", target, 1)
	out.set("process_start_time_seconds", target, (e.lastStart(now) - 10*second).Seconds())
	out.set("greenapi_exporter_build_info", target, 1)
	out.set("greenapi_exporter_instances", target, float64(len(e.accounts)))
	out.set("greenapi_exporter_config_last_reload_successful", target, 1)
	out.set("greenapi_exporter_config_last_reload_success_timestamp_seconds", target,
		(e.lastStart(now) - 10*second).Seconds())
	out.set("greenapi_exporter_storage_failures_total", target, 0)
	out.set("greenapi_exporter_storage_damaged_files_total", target, 0)
	out.set("greenapi_exporter_storage_hanging_writes", target, 0)
}

// lastStart returns when the process that runs at now started.
func (e *exporter) lastStart(now time.Duration) time.Duration {
	start := -30 * day
	for _, s := range e.down {
		if s[1] <= now {
			start = s[1]
		}
	}
	return start
}

// scrapes adds the scrapes of the account. The simulation begins a day early, so that the window is
// full at the beginning.
func (a *account) scrapes(out *series, e *exporter, length, step time.Duration) {
	all := a.batches(length + step)
	l := newLedger()
	begin := a.installed
	if begin == 0 {
		begin = -window - 6*hour
		l.birth, l.lastGood, l.read = -30*day, begin-day, true
	}
	lastCall, start := begin-day, begin
	for now := begin; now <= length; now += step {
		out.step = int(now / step)
		target := fmt.Sprintf(`instance="%s",job="greenapi"`, a.id)
		if e.isDown(now) {
			out.set("up", target, 0)
			continue
		}
		if last := e.lastStart(now); last > start {
			start = last
			if e.memory {
				l = newLedger()
				for _, b := range all {
					b.counted = false
				}
			}
		}
		for len(all) > 0 && all[0].done() && all[0].time < now-window {
			all = all[1:]
		}
		result := a.result("outgoing", now)
		if result == "ok" && now-lastCall >= a.interval {
			lastCall = now
			l.apply(all, now, max(a.interval, step))
		}
		if now < 0 {
			continue
		}
		out.set("up", target, 1)
		a.scrape(out, l, all, e, now)
	}
}

func (a *account) result(collector string, now time.Duration) string {
	for _, f := range a.fails {
		if f.contains(now) && (f.collectors == nil || slices.Contains(f.collectors, collector)) {
			return f.result
		}
	}
	return "ok"
}

// lastSuccess returns the time of the latest successful call of a collector that makes a call for
// each scrape.
func (a *account) lastSuccess(collector string, now time.Duration) time.Duration {
	for _, f := range a.fails {
		if f.contains(now) && (f.collectors == nil || slices.Contains(f.collectors, collector)) {
			return f.span[0] - minute
		}
	}
	return now
}

func (a *account) scrape(out *series, l *ledger, all []*batch, e *exporter, now time.Duration) {
	common := fmt.Sprintf(`id_instance="%[1]s",instance="%[1]s",job="greenapi"`, a.id)
	set := func(name string, value float64) { out.set(name, common, value) }
	collectors := []string{"outgoing", "state", "queue"}
	if a.webhooks != nil {
		collectors = append(collectors, "webhooks")
	}
	if a.settings != nil {
		collectors = append(collectors, "settings")
	}
	if a.suspended != (span{}) {
		collectors = append(collectors, "account")
	}
	for _, c := range collectors {
		labels := fmt.Sprintf(`collector="%s",%s`, c, common)
		result := a.result(c, now)
		success := a.lastSuccess(c, now)
		if c == "outgoing" {
			success = l.lastGood
		}
		out.set("greenapi_collector_success", labels, boolean(result == "ok"))
		out.set("greenapi_collector_last_success_timestamp_seconds", labels, success.Seconds())
		if result != "ok" {
			failing := fmt.Sprintf(`collector="%s",%s,result="%s"`, c, common, result)
			out.set("greenapi_collector_failing", failing, 1)
		}
	}
	set("greenapi_api_clock_skew_seconds", 0)
	a.scrapeJournal(out, l, e, now, common)

	// A collector that fails exports its last values.
	state := levelAt(a.states, a.lastSuccess("state", now), "authorized")
	for _, s := range states {
		labels := common + fmt.Sprintf(`,state="%s"`, s)
		out.set("greenapi_instance_state", labels, boolean(s == state))
	}
	queueTime := a.lastSuccess("queue", now)
	queue := levelAt(a.queue, queueTime, 0)
	for _, b := range all {
		if b.time <= queueTime && b.time+b.delay > queueTime {
			queue += b.n
		}
	}
	set("greenapi_queue_messages", float64(queue))
	if a.webhooks != nil {
		set("greenapi_webhook_queue_notifications",
			float64(a.webhooks(a.lastSuccess("webhooks", now))))
	}
	settingsTime := a.lastSuccess("settings", now)
	for _, s := range a.settings {
		out.set("greenapi_instance_setting_enabled",
			common+fmt.Sprintf(`,setting="%s"`, s.name), boolean(!s.off.contains(settingsTime)))
	}
	if a.suspended.contains(a.lastSuccess("account", now)) {
		set("greenapi_instance_suspended_until_timestamp_seconds", a.suspended[1].Seconds())
	}
}

func (a *account) scrapeJournal(
	out *series, l *ledger, e *exporter, now time.Duration, common string,
) {
	set := func(name string, value float64) { out.set(name, common, value) }
	up := a.result("outgoing", now) == "ok"
	set("greenapi_up", boolean(up))
	set("greenapi_outgoing_window_seconds", window.Seconds())
	set("greenapi_outgoing_ledger_birth_timestamp_seconds", l.birth.Seconds())
	set("greenapi_outgoing_unread_seconds_total", 0)
	if l.lastMessage != 0 {
		set("greenapi_outgoing_last_message_timestamp_seconds", l.lastMessage.Seconds())
	}
	if up && l.oldestPending != 0 {
		set("greenapi_outgoing_oldest_pending_timestamp_seconds", l.oldestPending.Seconds())
	}
	out.set("greenapi_outgoing_messages_total", common+`,type="textMessage"`, float64(l.messages))
	for _, s := range statuses {
		labels := common + fmt.Sprintf(`,status="%s",type="textMessage"`, s)
		out.set("greenapi_outgoing_message_statuses_total", labels, float64(l.statuses[s]))
		if up {
			out.set("greenapi_outgoing_window_messages", labels, float64(l.window[s]))
		}
	}
	if up {
		// A row without id, type and status.
		out.set("greenapi_outgoing_window_messages", common+`,status="unknown",type="unknown"`, 0)
	}
	if now < e.upgraded {
		return
	}
	for _, s := range []string{"sent", "delivered", "read"} {
		const name = "greenapi_outgoing_status_delay_seconds"
		labels := common + fmt.Sprintf(`,status="%s"`, s)
		d, sum := l.delays[s], 0
		for i, bound := range buckets {
			sum += d.counts[i]
			le := fmt.Sprintf(`,le="%.1f"`, bound.Seconds())
			out.set(name+"_bucket", labels+le, float64(sum))
		}
		out.set(name+"_bucket", labels+`,le="+Inf"`, float64(d.count))
		out.set(name+"_count", labels, float64(d.count))
	}
}

var (
	statuses = [...]string{"pending", "sent", "delivered", "read", "noAccount", "notInGroup",
		"failed", "noActiveSession", "suspended", "yellowCard"}
	states = [...]string{"authorized", "notAuthorized", "blocked", "starting", "suspended",
		"yellowCard", "sleepMode", "pendingCode", "pendingPassword", "unknown", "other"}
)

func boolean(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

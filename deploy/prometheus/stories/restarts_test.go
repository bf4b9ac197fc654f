package stories

// restarts has exporters that do not run for a while.
func restarts() story {
	shop := func(id, words string, fires ...firing) []account {
		return []account{{
			id: id, words: words, fires: fires,
			sends: []sending{steady(20, 20*minute, arrive(12), stayUnread(7), end(1, "noAccount"))},
		}}
	}
	down := firing{"GreenapiExporterDown", "critical",
		1 * hour, 1*hour + 20*minute, 3*hour + 30*minute}
	return story{
		file: "restarts",
		name: "exporters restart",
		words: `Exporters that restart. Prometheus scrapes them every minute, and their accounts
			send 60 messages an hour. Nothing fires after a restart, an upgrade or a reboot. An
			exporter that does not return is reported.`,
		length: 4 * hour,
		exporters: []exporter{
			{
				host: "restarted",
				down: []span{{1 * hour, 1*hour + minute}},
				accounts: shop("1101000001", `The exporter restarts. Its counters continue, because
					it has --storage.path. No alert fires.`),
			},
			{
				host: "killed",
				down: []span{{1 * hour, 1*hour + 2*minute}, {3 * hour, 3*hour + minute}},
				accounts: shop("1101000002", `The exporter is killed twice. It has --storage.path.
					No alert fires.`),
			},
			{
				host:   "forgetful",
				memory: true,
				down:   []span{{1 * hour, 1*hour + 2*minute}, {3 * hour, 3*hour + minute}},
				accounts: shop("1101000003", `The exporter is killed twice. It has no
					--storage.path, so its counters begin at 0. No alert fires.`),
			},
			{
				host:     "upgraded",
				down:     []span{{1 * hour, 1*hour + 2*minute}},
				upgraded: 1 * hour,
				accounts: shop("1101000004", `The exporter is upgraded, and has new metrics
					afterwards. No alert fires.`),
			},
			{
				host: "rebooted",
				down: []span{{1 * hour, 1*hour + 6*minute}},
				accounts: shop("1101000005", `The machine of the exporter reboots, which takes 6
					minutes. No alert fires.`),
			},
			{
				host: "stopped",
				down: []span{{1 * hour, 3 * hour}},
				accounts: shop("1101000006", `The exporter does not run from 1:00 to 3:00.
					GreenapiExporterDown fires within 20 minutes.`, down),
				fires: []firing{down},
			},
			{host: "exporter", accounts: []account{healthy()}},
		},
	}
}

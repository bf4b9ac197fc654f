package stories

import "time"

// weeks tests alerts that depend on the day of the week or on several days.
func weeks() story {
	stop, resume := 9*day+10*hour, 9*day+20*hour
	stopped := span{stop, resume}
	silent := firing{"GreenapiGoneSilent", "warning", stop, stop + 2*hour, resume + 2*hour}
	accounts := []account{
		{
			id: "1101000001",
			words: `A shop that sends 60 messages an hour from 9:00 to 18:00, from Monday to Friday.
				The exporter is installed on the first Monday. No alert fires on either weekend.`,
			installed: 8 * hour,
			sends: daily([]int{0, 1, 2, 3, 4, 7, 8, 9, 10, 11}, span{9 * hour, 18 * hour},
				10, 10*minute, arrive(3), stayUnread(2)),
		},
		{
			id: "1101000002",
			words: `2 messages an hour, and a mailing of 300 on the first Wednesday at noon. No
				alert fires, even on the following days.`,
			sends: []sending{
				steady(2, hour, arrive(1)),
				{
					span: span{2*day + 12*hour, 14 * day}, n: 300, pace: second, unseen: true,
					fates: []fate{arrive(97), end(3, "noAccount")},
				},
			},
		},
		{
			id: "1101000003",
			words: `60 messages an hour on the Developer plan: the exporter reads the journal once
				an hour. No alert fires.`,
			interval: hour,
			sends:    []sending{steady(10, 10*minute, arrive(3), stayUnread(2))},
		},
		{
			id: "1101000004",
			words: `15 webhooks an hour that no program consumes. The API stores them for a day, so
				the queue grows to 360. No alert fires.`,
			webhooks: func(t time.Duration) int { return min(15*int(t/hour), 360) },
			sends:    []sending{steady(10, 10*minute, arrive(1))},
		},
		{
			id: "1101000005",
			words: `60 messages an hour. The program that sends them stops on the second Wednesday
				from 10:00 to 20:00. GreenapiGoneSilent fires within 2 hours.`,
			fires: []firing{silent},
			sends: []sending{
				{span: span{-2 * day, stop}, n: 10, every: 10 * minute, fates: []fate{arrive(1)}},
				{span: span{resume, 14 * day}, n: 10, every: 10 * minute, fates: []fate{arrive(1)}},
			},
		},
		{
			id: "1101000006",
			words: `60 webhooks an hour. The program that consumes them stops on the second
				Wednesday from 10:00 to 20:00. GreenapiWebhookQueueGrowing fires within 3 hours.`,
			fires: []firing{
				{"GreenapiWebhookQueueGrowing", "warning", stop, stop + 3*hour, resume + 2*hour},
			},
			webhooks: func(t time.Duration) int {
				if !stopped.contains(t) {
					return 0
				}
				return int((t - stop) / minute)
			},
			sends: []sending{steady(10, 10*minute, arrive(1))},
		},
		{
			id: "1101000007",
			words: `A setting that the journal needs is off on the second Wednesday from 10:00 to
				20:00. GreenapiSettingOff fires within an hour.`,
			fires: []firing{
				{"GreenapiSettingOff", "warning", stop, stop + hour, resume + 2*hour},
			},
			settings: []setting{{"outgoingWebhook", stopped}, {"outgoingMessageWebhook", span{}}},
			sends:    []sending{steady(10, 10*minute, arrive(1))},
		},
		healthy(),
	}
	return story{
		file: "weeks",
		name: "two weeks",
		words: `Two weeks that begin on a Monday with the installation of Prometheus. Nothing fires
			at night, on weekends or after a mailing. One shop falls silent.`,
		length:     14 * day,
		step:       10 * minute,
		evaluation: 30 * minute,
		exporters:  []exporter{{host: "exporter", accounts: accounts}},
	}
}

package stories

import "time"

// quiet has accounts without problems.
func quiet() story {
	campaign := sending{
		span: span{10 * hour, day}, n: 2000, pace: 3600 * time.Millisecond,
		fates: []fate{arrive(97), end(3, "noAccount")},
	}
	unseen := campaign
	unseen.unseen = true
	var off []setting
	for _, name := range []string{"incomingWebhook", "outgoingWebhook", "outgoingMessageWebhook"} {
		off = append(off, setting{name, span{0, 2 * day}})
	}
	usual := steady(20, 40*minute, arrive(12), stayUnread(7), end(1, "noAccount"))
	accounts := []account{
		{
			id: "1101000001",
			words: `20 messages from 9:00 to 19:00. The first of them is to a number without
				WhatsApp.`,
			sends: daily([]int{-1, 0}, span{9 * hour, 19 * hour}, 1, 30*minute,
				end(1, "noAccount"), arrive(19)),
		},
		{
			id: "1101000002",
			words: `The first day of a new installation. The account sends 30 messages an hour. The
				exporter first reads it at 9:00.`,
			installed: 9 * hour,
			sends:     []sending{usual},
		},
		{
			id: "1101000003",
			words: `A new account. Its settings are all off, so its journal is empty. The exporter
				first reads it at 9:00.`,
			installed: 9 * hour,
			settings:  off,
		},
		{
			id: "1101000004",
			words: `The Developer plan: the exporter reads the journal once an hour. The account
				sends 30 messages an hour.`,
			interval: hour,
			sends:    []sending{usual},
		},
		{
			id: "1101000005",
			words: `A campaign of 2,000 messages at 10:00, one every 3.6 seconds, and 8 an hour
				otherwise. 3 % go to numbers without WhatsApp. The messages wait in the queue for up
				to two hours, and the journal shows each message once it is sent.`,
			sends: []sending{steady(2, 15*minute, arrive(1)), unseen},
		},
		{
			id: "1101000006",
			words: `The same campaign, but the journal shows the waiting messages as pending. Their
				delays grow up to two hours.`,
			sends: []sending{steady(2, 15*minute, arrive(1)), campaign},
		},
		{
			id:    "1101000007",
			words: `100,000 messages an hour. 3 % go to numbers without WhatsApp.`,
			sends: []sending{steady(8400, 5*minute, arrive(97), end(3, "noAccount"))},
		},
		healthy(),
	}
	return story{
		file: "quiet",
		name: "nothing fires on a normal day",
		words: `A day on which nothing may fire. Some accounts are large, and some are new. None has
			a problem.`,
		length:     day,
		step:       5 * minute,
		evaluation: 5 * minute,
		exporters:  []exporter{{host: "exporter", accounts: accounts}},
	}
}

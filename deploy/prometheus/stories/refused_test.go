package stories

import "time"

// refused has messages that end with a status of failure.
func refused() story {
	trouble := span{10 * hour, 16 * hour}
	const start, quarter, half = 10 * hour, 10*hour + 15*minute, 10*hour + 30*minute
	accounts := []account{
		{
			id: "1101000001",
			words: `A shop sends 5 messages an hour, and all fail. GreenapiUndelivered fires
				within 2 hours, and GreenapiMostlyUndelivered within 5.`,
			fires: []firing{
				{"GreenapiUndelivered", "warning", start, 12 * hour, 23 * hour},
				{"GreenapiMostlyUndelivered", "critical", start, 15 * hour, 23 * hour},
			},
			sends: during(trouble, 1, 12*minute, end(1, "failed")),
		},
		{
			id: "1101000002",
			words: `A shop sends 15 messages an hour, all to numbers without WhatsApp.
				GreenapiNoAccountHigh and GreenapiMostlyUndelivered fire within an hour.`,
			fires: []firing{
				{"GreenapiNoAccountHigh", "warning", start, 11 * hour, 23 * hour},
				{"GreenapiMostlyUndelivered", "critical", start, 11 * hour, 23 * hour},
			},
			sends: during(trouble, 5, 20*minute, end(1, "noAccount")),
		},
		{
			id: "1101000003",
			words: `400 messages an hour, and all fail. GreenapiUndelivered and
				GreenapiMostlyUndelivered fire within 15 minutes.`,
			fires: []firing{
				{"GreenapiUndelivered", "warning", start, quarter, 23 * hour},
				{"GreenapiMostlyUndelivered", "critical", start, quarter, 23 * hour},
			},
			sends: during(trouble, 33, 5*minute, end(1, "failed")),
		},
		{
			id: "1101000004",
			words: `60 messages an hour. One in four ends with notInGroup or noActiveSession.
				GreenapiUndelivered fires within an hour. Nothing critical fires, because most
				messages arrive.`,
			fires: []firing{{"GreenapiUndelivered", "warning", start, 11 * hour, 23 * hour}},
			sends: during(trouble, 8, 8*minute,
				arrive(6), end(1, "notInGroup"), end(1, "noActiveSession")),
		},
		{
			id: "1101000005",
			words: `60 messages an hour. WhatsApp suspends the account and refuses all of them.
				GreenapiSuspended fires within 10 minutes; GreenapiUndelivered and
				GreenapiMostlyUndelivered fire within 30 minutes.`,
			fires: []firing{
				{"GreenapiSuspended", "critical", start - minute, 10*hour + 10*minute, 17 * hour},
				{"GreenapiUndelivered", "warning", start, half, 23 * hour},
				{"GreenapiMostlyUndelivered", "critical", start, half, 23 * hour},
			},
			sends:     during(trouble, 5, 5*minute, end(1, "suspended")),
			states:    []level[string]{{trouble, "suspended"}},
			suspended: trouble,
		},
		{
			id: "1101000006",
			words: `A campaign of 2,000 messages at 10:00, one every 3.6 seconds, and 8 an hour
				otherwise. 30 % go to numbers without WhatsApp. GreenapiNoAccountHigh fires
				within 30 minutes.`,
			fires: []firing{{"GreenapiNoAccountHigh", "warning", start, half, 20 * hour}},
			sends: []sending{
				steady(2, 15*minute, arrive(1)),
				{
					span: trouble, n: 2000, pace: 3600 * time.Millisecond, unseen: true,
					fates: []fate{arrive(7), end(3, "noAccount")},
				},
			},
		},
		{
			id: "1101000007",
			words: `100,000 messages an hour. 30 % go to numbers without WhatsApp.
				GreenapiNoAccountHigh fires within 15 minutes.`,
			fires: []firing{{"GreenapiNoAccountHigh", "warning", start, quarter, 23 * hour}},
			sends: during(trouble, 8330, 5*minute, arrive(7), end(3, "noAccount")),
		},
		{
			id: "1101000008",
			words: `30 messages an hour on the Developer plan: the exporter reads the journal once
				an hour. All of them fail. GreenapiUndelivered and GreenapiMostlyUndelivered fire
				within 2 hours.`,
			fires: []firing{
				{"GreenapiUndelivered", "warning", start, 12 * hour, 23 * hour},
				{"GreenapiMostlyUndelivered", "critical", start, 12 * hour, 23 * hour},
			},
			interval: hour,
			sends:    during(trouble, 5, 10*minute, end(1, "failed")),
		},
		healthy(),
	}
	return story{
		file: "refused",
		name: "messages are refused from 10:00 to 16:00",
		words: `Messages that are refused: few, some and many an hour. The accounts share a day, and
			each must have its own alerts only. All accounts except the last have trouble from
			10:00 to 16:00.`,
		length:     day,
		evaluation: 5 * minute,
		exporters:  []exporter{{host: "exporter", accounts: accounts}},
	}
}

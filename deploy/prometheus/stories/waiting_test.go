package stories

// waiting has messages that the API accepts, but that do not arrive or arrive late.
func waiting() story {
	trouble := span{10 * hour, 16 * hour}
	const start = 10 * hour
	released := func(sends []sending) []sending {
		sends[1].released = trouble[1]
		return sends
	}
	byDay := []fate{arrive(1)}
	atNight := []fate{arrive(7), arriveAfter(3, 5*second, 9*hour)}
	accounts := []account{
		{
			id: "1101000001",
			words: `5 messages an hour, and all stay pending until 16:00. GreenapiPendingHigh
				and GreenapiQueueGrowing fire within 2 hours.`,
			fires: []firing{
				{"GreenapiPendingHigh", "critical", start, 12 * hour, 17 * hour},
				{"GreenapiQueueGrowing", "warning", start, 12 * hour, 17 * hour},
			},
			sends: released(during(trouble, 1, 12*minute, arrive(1))),
		},
		{
			id: "1101000002",
			words: `4,000 messages an hour. A fifth of them stay pending until 16:00.
				GreenapiQueueGrowing fires within an hour, and GreenapiPendingHigh within 90
				minutes.`,
			fires: []firing{
				{"GreenapiPendingHigh", "critical", start, 11*hour + 30*minute, 17 * hour},
				{"GreenapiQueueGrowing", "warning", start, 11 * hour, 17 * hour},
			},
			sends: append(during(trouble, 260, 5*minute, arrive(1)),
				released(during(trouble, 70, 5*minute, arrive(1)))...),
		},
		{
			id: "1101000003",
			words: `60 messages an hour. 45 % of them stay sent. GreenapiNotDelivered fires within
				2 hours.`,
			fires: []firing{{"GreenapiNotDelivered", "warning", start, 12 * hour, 23 * hour}},
			sends: during(trouble, 20, 20*minute, arrive(11), staySent(9)),
		},
		{
			id: "1101000004",
			words: `400 messages an hour. 45 % of them stay sent. GreenapiNotDelivered fires within
				2 hours.`,
			fires: []firing{{"GreenapiNotDelivered", "warning", start, 12 * hour, 23 * hour}},
			sends: during(trouble, 100, 15*minute, arrive(11), staySent(9)),
		},
		{
			id: "1101000005",
			words: `60 messages an hour. WhatsApp accepts each after 12 minutes.
				GreenapiSendingSlow fires within 2 hours.`,
			fires: []firing{{"GreenapiSendingSlow", "warning", start, 12 * hour, 23 * hour}},
			sends: during(trouble, 5, 5*minute, arriveAfter(1, 12*minute, 12*minute+20*second)),
		},
		{
			id: "1101000006",
			words: `30 messages an hour in a journal that never shows delivered. From 10:00 to
				16:00, they fail. GreenapiUndelivered and GreenapiMostlyUndelivered fire within an
				hour. GreenapiNotDelivered never fires.`,
			fires: []firing{
				{"GreenapiUndelivered", "warning", start, 11 * hour, 23 * hour},
				{"GreenapiMostlyUndelivered", "critical", start, 11 * hour, 23 * hour},
			},
			sends: []sending{
				{span: span{-2 * day, start}, n: 5, every: 10 * minute, fates: []fate{staySent(1)}},
				{span: trouble, n: 5, every: 10 * minute, fates: []fate{end(1, "failed")}},
				{span: span{trouble[1], day}, n: 5, every: 10 * minute, fates: []fate{staySent(1)}},
			},
		},
		{
			id: "1101000007",
			words: `60 messages an hour, day and night. From 20:00 to 8:00, 30 % of the phones are
				off, and those messages are delivered 9 hours later. No alert fires.`,
			sends: []sending{
				{span: span{-4 * hour, 8 * hour}, n: 10, every: 10 * minute, fates: atNight},
				{span: span{8 * hour, 20 * hour}, n: 10, every: 10 * minute, fates: byDay},
				{span: span{20 * hour, day}, n: 10, every: 10 * minute, fates: atNight},
			},
		},
		{
			id: "1101000008",
			words: `100,000 messages an hour. 15 % of them stay pending until 16:00.
				GreenapiPendingHigh fires within an hour, and GreenapiQueueGrowing within 90
				minutes.`,
			fires: []firing{
				{"GreenapiPendingHigh", "critical", start, 11 * hour, 17 * hour},
				{"GreenapiQueueGrowing", "warning", start, 11*hour + 30*minute, 17 * hour},
			},
			sends: append(during(trouble, 7080, 5*minute, arrive(1)),
				released(during(trouble, 1250, 5*minute, arrive(1)))...),
		},
		healthy(),
	}
	return story{
		file: "waiting",
		name: "messages do not arrive from 10:00 to 16:00",
		words: `Messages that stay pending or sent, or are late. The accounts share a day, and each
			must have its own alerts only. All accounts except the last ones have trouble from
			10:00 to 16:00.`,
		length:     day,
		step:       5 * minute,
		evaluation: 5 * minute,
		exporters:  []exporter{{host: "exporter", accounts: accounts}},
	}
}

package stories

// outages has failures of the API and a logout at night.
func outages() story {
	long := span{1 * hour, 3 * hour}
	down := []firing{
		{"GreenapiAPIDown", "critical", 1 * hour, 1*hour + 30*minute, 3*hour + 30*minute},
	}
	sends := []sending{steady(5, 10*minute, arrive(1))}
	accounts := []account{
		{
			id: "1101000001",
			words: `WhatsApp logs the account out from 1:00 to 4:00. GreenapiAccountNotAuthorized
				fires within 10 minutes.`,
			fires: []firing{{"GreenapiAccountNotAuthorized", "critical",
				1 * hour, 1*hour + 10*minute, 4*hour + 30*minute}},
			sends: sends,
			fails: []failure{{
				span: span{1 * hour, 4 * hour}, result: "instance_logged_out",
				collectors: []string{"outgoing", "queue"},
			}},
			states: []level[string]{{span{1 * hour, 4 * hour}, "notAuthorized"}},
		},
		{
			id:    "1101000002",
			words: `The API is down for 10 minutes at 3:00. No alert fires.`,
			sends: sends,
			fails: []failure{{span{3 * hour, 3*hour + 10*minute}, "server_error", nil}},
		},
		{
			id:    "1101000003",
			words: `The API does not respond for 12 minutes at 3:00. No alert fires.`,
			sends: sends,
			fails: []failure{{span{3 * hour, 3*hour + 12*minute}, "timeout", nil}},
		},
		{
			id:    "1101000004",
			words: `The API is down from 1:00 to 3:00. GreenapiAPIDown fires within 30 minutes.`,
			fires: down,
			sends: sends,
			fails: []failure{{long, "server_error", nil}},
		},
		{
			id: "1101000005",
			words: `60 messages are in the queue when the network fails, from 1:00 to 3:00. The
				exporter still exports 60. GreenapiAPIDown fires within 30 minutes, and
				GreenapiQueueGrowing never fires.`,
			fires: down,
			sends: sends,
			queue: []level[int]{{span{58 * minute, 3*hour + 5*minute}, 60}},
			fails: []failure{{long, "network", nil}},
		},
		healthy(),
	}
	return story{
		file: "outages",
		name: "the API fails at night",
		words: `A night in which the API fails, or logs an account out. Nothing fires after a short
			outage. During a long outage, one alert fires, and none fires for the old values. The
			accounts have different API hosts.`,
		length:    6 * hour,
		exporters: []exporter{{host: "exporter", accounts: accounts}},
	}
}

package stories

import "time"

// steady sends n messages at a time, all day.
func steady(n int, every time.Duration, fates ...fate) sending {
	return sending{span: span{-2 * day, 60 * day}, n: n, every: every, fates: fates}
}

// during sends n messages at a time. In the span, they have the fates. Before and after it, they
// arrive.
func during(s span, n int, every time.Duration, fates ...fate) []sending {
	return []sending{
		{span: span{-2 * day, s[0]}, n: n, every: every, fates: []fate{arrive(1)}},
		{span: s, n: n, every: every, fates: fates},
		{span: span{s[1], 60 * day}, n: n, every: every, fates: []fate{arrive(1)}},
	}
}

// daily sends messages between two times of day on each of the days.
func daily(days []int, hours span, n int, every time.Duration, fates ...fate) (all []sending) {
	for _, d := range days {
		start := time.Duration(d) * day
		all = append(all, sending{
			span: span{start + hours[0], start + hours[1]}, n: n, every: every, fates: fates,
		})
	}
	return all
}

// healthy returns an account for which no alert may fire.
func healthy() account {
	return account{
		id: "1101000009",
		words: `A healthy shop with 60 messages an hour. 5 % go to numbers without WhatsApp, and a
			third are not read. No alert fires.`,
		sends: []sending{steady(20, 20*minute, arrive(12), stayUnread(7), end(1, "noAccount"))},
	}
}

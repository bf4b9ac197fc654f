package statuspage

import "greenapi_exporter/internal/config"

// unwatchedView shows the instances that the Partner API lists but the exporter does not watch.
type unwatchedView struct {
	Severity severity // warning if the list lacks data, otherwise unknown
	Reasons  []unwatchedReason
}

// unwatchedReason shows the instances that are not watched for one reason.
type unwatchedReason struct {
	Name, Count, Advice string
	IDs                 []string // the first instances
	More                string   // the number of further instances, or empty
}

// newUnwatchedView returns nil if all listed instances are watched.
func newUnwatchedView(all []config.Unwatched) *unwatchedView {
	v := unwatchedView{Severity: unknown}
	for _, u := range all {
		if u.Count == 0 {
			continue
		}
		r := unwatchedReason{
			Name: string(u.Reason), Count: formatInt(u.Count), Advice: u.Reason.Advice(),
			IDs: u.IDs[:min(len(u.IDs), maxListedIDs)],
		}
		if more := len(u.IDs) - len(r.IDs); more > 0 {
			r.More = formatInt(more)
		}
		if u.Reason.IsFault() {
			v.Severity = warning
		}
		v.Reasons = append(v.Reasons, r)
	}
	if len(v.Reasons) == 0 {
		return nil
	}
	return &v
}

// IsFault reports whether the list lacks the data to watch an instance.
func (v *unwatchedView) IsFault() bool { return v.Severity == warning }

package healing

import "fmt"

// Confirmation is the answer to the question asked backwards.
type Confirmation struct {
	// Confirmed tells whether the old page agrees; Reason says why.
	Confirmed bool   `json:"confirmed"`
	Reason    string `json:"reason"`
}

// Confirm asks the old page whether what was found there stood for the same element: the new locator applied to the old page must pick
// the target (its number in the old page) or nothing at all, and the element found must be most similar to the target.
func Confirm(old *Page, target int, found Fingerprint, locator Locator) Confirmation {
	if target < 0 || target >= old.Len() {
		return Confirmation{Reason: "the old page does not have the target"}
	}
	if matched := old.Matches(locator); len(matched) > 0 {
		for _, i := range matched {
			if i == target || old.kin(i, target) {
				continue
			}
			return Confirmation{Reason: fmt.Sprintf("on the old page the new locator finds %s, not %s", old.call(i), old.call(target))}
		}
		return Confirmation{Confirmed: true, Reason: "on the old page the new locator finds the old element"}
	}
	r := old.Rank(found)
	best := r.Best()
	if best.Index != target && !old.kin(best.Index, target) {
		return Confirmation{Reason: fmt.Sprintf("of the old page's elements %s is more similar to what was found than %s", old.call(best.Index), old.call(target))}
	}
	return Confirmation{Confirmed: true, Reason: "of the old page's elements the target is the most similar to what was found"}
}

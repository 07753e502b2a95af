package testcase

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
)

// ActsOnElement reports whether the step does something to an element that its selectors name, so that the element may be looked for
// elsewhere on a page that changed. Steps that check, wait or read do not: what they say of another element would not be true.
func (s Step) ActsOnElement() bool {
	if len(s.Selectors) == 0 {
		return false
	}
	switch s.Action() {
	case TypeClick, TypeDoubleClick, TypeHover, TypeChange, TypeScroll,
		CustomSelect, CustomCheck, CustomUncheck, CustomPress, CustomTypeText, CustomUploadFile, CustomDrag, CustomDownload:
		return true
	}
	return false
}

// NamesAlways reports whether the step's selectors name the same element in every run: none has a variable in it.
func (s Step) NamesAlways() bool {
	return !slices.ContainsFunc(s.Selectors, func(selector Selector) bool {
		return slices.ContainsFunc(selector, reference.MatchString)
	})
}

// TargetHash names what the step does to which element: it stays the same while the case's other steps, and what is typed, change.
func (s Step) TargetHash() string {
	identity, err := json.Marshal([]any{s.Action(), s.Target, s.Frame, s.Selectors})
	if err != nil {
		return "" // texts and numbers can always be encoded
	}
	sum := sha256.Sum256(identity)
	return hex.EncodeToString(sum[:12])
}

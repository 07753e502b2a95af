// Package healing finds an element again on a page that has changed, or says that it is not there.
//
// A [Fingerprint] is what was known of an element when it was last used, a [Page] holds the fingerprints of all elements that a page
// has now. [Page.Rank] compares the one with the other and says which element is most alike, why, and how likely it is the
// right one; [Page.RankTogether] does so for several elements of one page, which support each other. [Page.Decide] then
// heals or refuses, with its reasons in words: a wrong heal is worse than none. [Confirm] asks the question backwards, on the old page.
//
// The package is pure: it knows no browser, no store and no clock, asks no network and no model, and gives the same answer
// to the same question every time. A Page may be used by several goroutines at once. It must not import any other package of this
// repository. `make bench/healing` measures it on recorded changes of public sites.
package healing

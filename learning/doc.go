// Package learning says what runs that have ended tell: how reliable a case is and how flaky, which learned locators proved
// themselves and which did not, what fails again and again in the same way, and which steps have become slower.
//
// It is pure: the same records give the same answer each time, the clock included. What is old counts for less by its age when
// the newest run ended. It imports nothing of the product.
package learning

// Package testsite is the Cinnamon Spice Shop: a small web shop that exists to be tested.
//
// It behaves like the sites that people really test: a login, a searchable catalogue that loads late, a cart that lives
// in the server's session, a checkout with validation on both sides, dialogs, frames, tabs, uploads, keyboard
// navigation, a shadow root, endless scrolling, slow pages and broken ones. It needs nothing but this package: assets
// are embedded, state is in memory, and no page makes a request to another host.
//
// The shop exists twice. Version 1 is the shop as it was recorded; version 2 is a redesign of it with the same functions
// and other markup: ids, classes, field names, labels, order, and buttons that became links. What a test should check
// is the same in both: URLs, page titles, and what the shop answers. `?v=2` on any request moves that browser to version
// 2 with a cookie, `?v=1` moves it back.
//
//	/                              start page: featured spices, dialog "Join the Spice Club"
//	/catalogue                     search, region combobox and sorting; results arrive 200 to 500 ms later
//	/products/{slug}               product page with variants, quantity and reviews in a frame
//	/cart, /checkout, /orders/{n}  cart, checkout form, confirmation
//	/login, /account               sign in with [DemoEmail] and [DemoPassword]; display name edited by double click
//	/gift                          photo upload
//	/kitchen                       unit converter in a shadow root
//	/journal                       more stories whenever the end scrolls into view
//	/terms                         the page that links open in a new tab
//	/slow?ms=3000                  answers after that time (at most 15 s)
//	/error, /broken                status 500; a page whose script throws
//	/lab/…                         plain pages for every kind of step: frames, tabs, shadow roots, dialogs, downloads, an echo
//	/healthz                       "ok"
//
// The package uses the standard library only and imports nothing of this module.
package testsite

// Package egress decides what a page under test may reach. A Policy says which
// addresses are open; a Guard enforces it with a forward proxy on loopback for
// each browser session, at the moment of connecting and on the address that is
// really dialled, so that no spelling, redirect or change of mind of a name
// server makes a difference.
//
// It imports no other package of this module.
package egress

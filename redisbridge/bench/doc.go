// Command bench compares the bridge with BullMQ in Node, on one real redis-server that it starts itself: how many jobs
// a second go through a whole life, what a job costs in round trips and bytes, how soon a listener hears of progress,
// and whether a backlog makes jobs dearer. The sides take turns, and after each turn the same check makes sure that
// nothing was left out. Run it with `make bench/bridge`.
package main

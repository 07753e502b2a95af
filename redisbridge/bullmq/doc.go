// Package bullmq is BullMQ's protocol on Redis: its keys, its encodings and its event stream, as unmodified clients
// of majors 5 and 6 read them. PARITY.md lists what of it is written here.
//
// A [Projector] shows jobs that are kept elsewhere: it moves a job to the state that a [Change] says, from wherever
// Redis has it or from nowhere, and tells the clients that listen. All it writes for one change happens at once.
//
// A [Queue] adds jobs, controls them and looks into the queue, as BullMQ's own clients do; [Events] are what happens there.
//
// A [Worker] takes jobs and does them, beside any number of others, be they of this package or BullMQ's own.
//
// What a projector promises:
//   - a change may be applied any number of times, in any grouping, and counts once;
//   - a job's changes take effect in the order of their numbers: an older one that comes late is ignored;
//   - an id is in exactly one of BullMQ's collections, and its hash is there;
//   - what clients parse as JSON is JSON: a change that would break them is refused, alone, with a [ChangeError].
//
// Beside BullMQ's own fields a projected job's hash holds private ones, which clients ignore: cn:seq, the number of the
// change it shows; cn:ev, the number of the newest change that was told to listeners; cn:at, the collection the job was
// put into; cn:log, the number of the newest line of its log. A deleted hash leaves them in a tombstone for a while. Private keys lie outside the queue's
// prefix, where BullMQ's own cleaners don't find them.
//
// Redis 6.2 or later is needed, with maxmemory-policy noeviction. On a cluster the prefix must be a hash tag ("{bull}").
//
// The package knows nothing of what the jobs are for. It imports go-redis and nothing of the product. Its tests start
// a redis-server of their own, and ask the real npm libraries in e2e/bullmq what they see.
package bullmq

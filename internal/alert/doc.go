// Package alert tells people when something is wrong, and when it is well again: rules over what Postgres and the health checks say,
// the memory that makes several processes tell once, and the delivery to chats, mail and a signed webhook. It is the only home of
// shoutrrr, and knows no role.
package alert

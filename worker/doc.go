// Package worker is the composition root of a worker process: it takes runs from the task queues and drives browsers.
//
// It joins the implementations (Playwright, Postgres, Redis) to the workflows and activities, which know them only
// through interfaces.
package worker

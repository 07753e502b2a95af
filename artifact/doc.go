// Package artifact keeps the files that runs leave behind: screenshots, traces, videos, logs. A Store is either a Folder,
// which workers write and the API reads (on several hosts it must be a shared one), or the bucket of package s3.
//
// It imports nothing of the product.
package artifact

// Package artifact keeps the files that runs leave behind, such as screenshots, in a folder. Workers write and the API
// reads it; on several hosts it must be a shared one.
//
// It imports nothing of the product.
package artifact

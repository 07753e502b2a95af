// Package backend opens the artifact store that the settings name. It is the only package that knows all of them.
package backend

package process

// Internals that tests look at.
var (
	PackageManager = packageManager
	MissingWith    = missing
)

package learning

// For tests.
var (
	Quantile = quantile
	Below    = below
	Larger   = larger
)

package testcase

// Names of the custom steps.
const (
	CustomAssertText       = "assertText"
	CustomAssertValue      = "assertValue"
	CustomAssertAttribute  = "assertAttribute"
	CustomAssertCount      = "assertCount"
	CustomAssertVisible    = "assertVisible"
	CustomAssertEnabled    = "assertEnabled"
	CustomAssertChecked    = "assertChecked"
	CustomAssertURL        = "assertUrl"
	CustomAssertTitle      = "assertTitle"
	CustomAssertScreenshot = "assertScreenshot"
	CustomAssertDialog     = "assertDialog"

	CustomSelect       = "select"
	CustomCheck        = "check"
	CustomUncheck      = "uncheck"
	CustomPress        = "press"
	CustomTypeText     = "type"
	CustomUploadFile   = "uploadFile"
	CustomDrag         = "drag"
	CustomHandleDialog = "handleDialog"
	CustomDownload     = "download"

	CustomAPIRequest      = "apiRequest"
	CustomWaitForResponse = "waitForResponse"
	CustomSetCookie       = "setCookie"
	CustomSetLocalStorage = "setLocalStorage"

	CustomExtract     = "extract"
	CustomSetVariable = "setVariable"
	CustomRunCase     = "runCase"
)

// Parameters of a custom step. Its name says which of them have a meaning.
type Parameters struct {
	// Expected is the text, value, URL, title or message that an assertion
	// expects, the address that waitForResponse waits for, and the name of the
	// file that download expects.
	Expected string
	Match    Match
	// Wanted is whether assertVisible, assertEnabled and assertChecked expect
	// it to be so, and whether handleDialog accepts.
	Wanted bool
	// Attribute is what assertAttribute compares and extract reads.
	Attribute string
	// Values are the options that select chooses.
	Values []string
	// Text is what type types, the keys that press presses, what handleDialog
	// answers a prompt with, and what download expects in the file.
	Text string
	// Delay is the time between two characters that are typed, in milliseconds.
	Delay int
	// To is where drag drops.
	To    []Selector
	Files []File
	// Items are the pairs of setLocalStorage, and the variables that runCase
	// hands over.
	Items   map[string]string
	Request Request
	Cookie  Cookie
	Extract Extraction
	SubCase SubCase
}

// File is what an uploadFile step uploads.
type File struct {
	Name     string
	MIMEType string
	Content  []byte
}

// Request is what an apiRequest step sends and expects. A waitForResponse step
// uses its method and status.
type Request struct {
	// Method is empty where any will do; apiRequest sends GET then.
	Method, URL string
	Headers     map[string]string
	Body        string
	// Status is the status that is expected; 0 for any below 400.
	Status int
}

// Cookie is what a setCookie step sets.
type Cookie struct {
	Name, Value string
	// URL is whose cookie it is; the page's own if it is empty and there is no
	// domain.
	URL, Domain, Path string
	HTTPOnly, Secure  bool
	// SameSite is Strict, Lax, None or empty.
	SameSite string
	// Expires is in seconds since 1970; 0 for a cookie of the session.
	Expires float64
}

// The things that an extract step can read.
const (
	FromText       = "text"
	FromValue      = "value"
	FromAttribute  = "attribute"
	FromCount      = "count"
	FromURL        = "url"
	FromTitle      = "title"
	FromExpression = "expression"
	FromResponse   = "response"
)

// Extraction says what an extract or an apiRequest step keeps in a variable.
type Extraction struct {
	// Variable is empty where an apiRequest step keeps nothing.
	Variable string
	From     string
	// Expression is JavaScript whose value is kept.
	Expression string
	// Path leads into a JSON answer: items.0.id.
	Path string
	// Pattern cuts out its first group, or all of its match.
	Pattern string
}

// SubCase is the case that a runCase step runs: stored, in a file, or inline.
type SubCase struct {
	ID   string
	File string
	Case *Case
}

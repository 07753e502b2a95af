package testcase

import (
	"encoding/base64"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

func customReaders() map[string]fieldReader {
	return map[string]fieldReader{
		CustomAssertText:       readAssertText,
		CustomAssertValue:      readAssertValue,
		CustomAssertAttribute:  readAssertAttribute,
		CustomAssertCount:      readAssertCount,
		CustomAssertVisible:    func(o object, s *Step) { readSelectors(o, s); s.Parameters.Wanted = o.flagOr("visible", true) },
		CustomAssertEnabled:    func(o object, s *Step) { readSelectors(o, s); s.Parameters.Wanted = o.flagOr("enabled", true) },
		CustomAssertChecked:    func(o object, s *Step) { readSelectors(o, s); s.Parameters.Wanted = o.flagOr("checked", true) },
		CustomAssertURL:        func(o object, s *Step) { readExpected(o, s, "url") },
		CustomAssertTitle:      func(o object, s *Step) { readExpected(o, s, "title") },
		CustomAssertScreenshot: readSelectorsIfAny,
		CustomAssertDialog:     func(o object, s *Step) { readExpected(o, s, "message") },
		CustomSelect:           readSelect,
		CustomCheck:            readSelectors,
		CustomUncheck:          readSelectors,
		CustomPress:            readPress,
		CustomTypeText:         readType,
		CustomUploadFile:       readUploadFile,
		CustomDrag:             readDrag,
		CustomHandleDialog:     readHandleDialog,
		CustomDownload:         readDownload,
		CustomAPIRequest:       readAPIRequest,
		CustomWaitForResponse:  readWaitForResponse,
		CustomSetCookie:        readSetCookie,
		CustomSetLocalStorage:  func(o object, s *Step) { s.Parameters.Items = o.texts("items", required, maxValue) },
		CustomExtract:          readExtract,
		CustomSetVariable:      readSetVariable,
		CustomRunCase:          readRunCase,
	}
}

func readCustomStep(o object, s *Step) {
	s.Name = o.text("name", required, maxName)
	if s.Name == "" {
		return
	}
	read, ok := customReaders()[s.Name]
	if !ok {
		o.problem("name", fmt.Sprintf("is %q, which does not exist: use one of %s", s.Name, strings.Join(CustomNames(), ", ")))
		return
	}
	o.action = s.Name
	need := required
	if s.Name == CustomAssertScreenshot || s.Name == CustomHandleDialog {
		need = optional
	}
	parameters, ok := o.inner("parameters", need, "a JSON object")
	switch {
	case ok:
		read(parameters, s)
		parameters.noteUnknown()
	case need == optional && o.absent("parameters"):
		read(o.at("parameters", nil), s)
	}
}

func readAssertText(o object, s *Step) {
	readSelectors(o, s)
	readExpected(o, s, "text")
}

func readAssertValue(o object, s *Step) {
	readSelectors(o, s)
	readExpected(o, s, "value")
}

func readAssertAttribute(o object, s *Step) {
	readSelectors(o, s)
	s.Parameters.Attribute = o.text("attribute", required, maxName)
	readExpected(o, s, "value")
}

func readAssertCount(o object, s *Step) {
	readSelectors(o, s)
	count := o.integer("count", required, 0, maxCount)
	s.Count = &count
	s.Operator = Operator(o.choice("operator", string(OperatorEquals), string(OperatorAtLeast), string(OperatorAtMost)))
}

func readExpected(o object, s *Step, field string) {
	s.Parameters.Expected = o.value(field, maxValue)
	readMatch(o, s, field)
}

func readMatch(o object, s *Step, field string) {
	s.Parameters.Match = Match(o.choice("match", string(MatchEquals), string(MatchContains), string(MatchRegexp)))
	if s.Parameters.Match == MatchRegexp {
		o.checkPattern(field, s.Parameters.Expected)
	}
}

// checkPattern reports a regular expression that is none. One with a variable
// in it is known only when it is used.
func (o object) checkPattern(field, pattern string) {
	if _, err := regexp.Compile(pattern); err != nil && !reference.MatchString(pattern) {
		o.problem(field, "is not a valid regular expression: "+err.Error())
	}
}

func readSelect(o object, s *Step) {
	readSelectors(o, s)
	if !o.absent("value") {
		s.Parameters.Values = []string{o.value("value", maxValue)}
		if !o.absent("values") {
			o.problem("values", "and value are both given: give one of them")
		}
		return
	}
	entries, ok := o.list("values", required, "a list of values or labels of options", maxOptions)
	for i, raw := range entries {
		if value, ok := o.asText(fmt.Sprintf("values[%d]", i), raw, maxValue); ok {
			s.Parameters.Values = append(s.Parameters.Values, value)
		}
	}
	if ok && len(entries) == 0 {
		o.problem("values", "is empty: give at least one")
	}
}

func readPress(o object, s *Step) {
	readSelectorsIfAny(o, s)
	s.Parameters.Text = o.text("keys", required, maxName)
}

func readType(o object, s *Step) {
	readSelectorsIfAny(o, s)
	s.Parameters.Text = o.value("text", maxValue)
	s.Parameters.Delay = o.integer("delay", optional, 0, maxTypingDelay)
}

func readUploadFile(o object, s *Step) {
	readSelectors(o, s)
	entries, ok := o.list("files", required, "a list of files", maxFiles)
	if ok && len(entries) == 0 {
		o.problem("files", "is empty: give at least one file")
	}
	for i, raw := range entries {
		name := fmt.Sprintf("files[%d]", i)
		fields, ok := decodeObject(raw)
		if !ok {
			o.problem(name, "must be a JSON object with a name and a text")
			continue
		}
		inner := o.at(name, fields)
		s.Parameters.Files = append(s.Parameters.Files, readFile(inner))
		inner.noteUnknown()
	}
}

func readFile(o object) File {
	f := File{
		Name:     o.text("name", required, maxTitle),
		MIMEType: o.text("mimeType", optional, maxName),
	}
	if strings.ContainsAny(f.Name, `/\`) {
		o.problem("name", "must be a file name without folders")
	}
	_, text := o.raw("text", optional, "")
	encoded, binary := o.raw("base64", optional, "")
	switch {
	case text && binary:
		o.problem("text", "and base64 are both given: give one of them")
	case text:
		f.Content = []byte(o.value("text", MaxBytes))
	case binary:
		if s, ok := o.asText("base64", encoded, MaxBytes); ok {
			content, err := base64.StdEncoding.DecodeString(s)
			if err != nil {
				o.problem("base64", "is not valid base64")
			}
			f.Content = content
		}
	default:
		o.problem("text", "is missing: give the content as text or base64")
	}
	return f
}

func readDrag(o object, s *Step) {
	readSelectors(o, s)
	raw, ok := o.raw("to", required, "the selectors of the place to drop at")
	if !ok {
		return
	}
	s.Parameters.To = o.alternatives("to", raw)
}

func readHandleDialog(o object, s *Step) {
	s.Parameters.Wanted = o.choice("action", "accept", "dismiss") == "accept"
	s.Parameters.Text = o.text("promptText", optional, maxValue)
}

func readDownload(o object, s *Step) {
	readSelectors(o, s)
	s.Parameters.Expected = o.text("fileName", optional, maxTitle)
	readMatch(o, s, "fileName")
	s.Parameters.Text = o.text("contains", optional, maxValue)
}

func readAPIRequest(o object, s *Step) {
	s.Parameters.Request = Request{
		Method:  o.choice("method", "GET", methods()...),
		URL:     o.text("url", required, maxURL),
		Headers: o.texts("headers", optional, maxValue),
		Status:  o.integer("status", optional, 100, 599),
	}
	if s.Parameters.Request.URL != "" {
		o.checkAddress("url", s.Parameters.Request.URL)
	}
	o.checkHeaders("headers", s.Parameters.Request.Headers)
	body, text := o.raw("body", optional, "")
	value, isJSON := o.raw("json", optional, "")
	switch {
	case text && isJSON:
		o.problem("body", "and json are both given: give one of them")
	case text:
		s.Parameters.Request.Body, _ = o.asText("body", body, maxValue)
	case isJSON:
		s.Parameters.Request.Body = string(value)
		if len(value) > maxValue {
			o.problem("json", fmt.Sprintf("has %d bytes: at most %d are allowed", len(value), maxValue))
		}
		if s.Parameters.Request.Headers == nil {
			s.Parameters.Request.Headers = map[string]string{}
		}
		if !slices.ContainsFunc(sortedKeys(s.Parameters.Request.Headers), func(name string) bool { return strings.EqualFold(name, "Content-Type") }) {
			s.Parameters.Request.Headers["Content-Type"] = "application/json"
		}
	}
	s.Parameters.Text = o.text("contains", optional, maxValue)
	if inner, ok := o.inner("extract", optional, ""); ok {
		s.Parameters.Extract = Extraction{
			Variable: inner.variable("variable"), From: FromResponse,
			Path: inner.text("path", optional, maxName), Pattern: inner.pattern("pattern"),
		}
		inner.noteUnknown()
	}
}

func methods() []string {
	return []string{"HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}
}

func readWaitForResponse(o object, s *Step) {
	s.Parameters.Expected = o.text("url", required, maxURL)
	readMatch(o, s, "url")
	s.Parameters.Request.Method = o.choice("method", "", append(methods(), "GET")...)
	s.Parameters.Request.Status = o.integer("status", optional, 100, 599)
}

func readSetCookie(o object, s *Step) {
	s.Parameters.Cookie = Cookie{
		Name: o.text("name", required, maxName), Value: o.value("value", maxCookie),
		URL: o.text("url", optional, maxURL), Domain: o.text("domain", optional, maxTitle), Path: o.text("path", optional, maxURL),
		HTTPOnly: o.flagOr("httpOnly", false), Secure: o.flagOr("secure", false),
		SameSite: o.choice("sameSite", "", "Strict", "Lax", "None"),
		Expires:  orZero(o.number("expires", optional, 0, 1e11)),
	}
	if s.Parameters.Cookie.URL != "" && s.Parameters.Cookie.Domain != "" {
		o.problem("url", "and domain are both given: give one of them")
	}
}

func readExtract(o object, s *Step) {
	e := Extraction{
		Variable: o.variable("variable"),
		From:     o.choice("from", FromText, FromValue, FromAttribute, FromCount, FromURL, FromTitle, FromExpression),
		Pattern:  o.pattern("pattern"),
	}
	switch e.From {
	case FromText, FromValue, FromAttribute, FromCount:
		readSelectors(o, s)
	case FromExpression:
		e.Expression = o.text("expression", required, maxExpression)
	}
	if e.From == FromAttribute {
		s.Parameters.Attribute = o.text("attribute", required, maxName)
	}
	s.Parameters.Extract = e
}

func readSetVariable(o object, s *Step) {
	s.Parameters.Extract.Variable = o.variable("variable")
	s.Parameters.Text = o.value("value", MaxVariable)
}

func readRunCase(o object, s *Step) {
	s.Parameters.Items = o.variables("variables")
	given := 0
	for _, name := range []string{"id", "file", "case"} {
		if !o.absent(name) {
			given++
		}
	}
	if given != 1 {
		o.problem("id", "or file or case: give exactly one of them")
	}
	s.Parameters.SubCase.ID = o.text("id", optional, 128)
	s.Parameters.SubCase.File = o.text("file", optional, maxURL)
	if inner, ok := o.inner("case", optional, ""); ok {
		if o.depth >= MaxDepth {
			o.problem("case", fmt.Sprintf("is nested more than %d deep", MaxDepth))
			return
		}
		inner.depth++
		c := inner.parser.parseCase(inner)
		c.raw = o.fields["case"]
		s.Parameters.SubCase.Case = c
	}
}

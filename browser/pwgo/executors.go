package pwgo

import "github.com/cinnamon-qa/cinnamon/testcase"

// executor runs one kind of step.
type executor func(*run) error

// executors has one for every action that testcase knows.
func executors() map[string]executor {
	return map[string]executor{
		testcase.TypeSetViewport:       (*run).setViewport,
		testcase.TypeNavigate:          (*run).navigate,
		testcase.TypeClick:             (*run).click,
		testcase.TypeDoubleClick:       (*run).doubleClick,
		testcase.TypeHover:             (*run).hover,
		testcase.TypeChange:            (*run).change,
		testcase.TypeKeyDown:           (*run).keyDown,
		testcase.TypeKeyUp:             (*run).keyUp,
		testcase.TypeScroll:            (*run).scroll,
		testcase.TypeWaitForElement:    (*run).waitForElement,
		testcase.TypeWaitForExpression: (*run).waitForExpression,
		testcase.TypeClose:             (*run).close,
		testcase.TypeEmulateNetwork:    (*run).emulateNetwork,

		testcase.CustomAssertText:       (*run).assertText,
		testcase.CustomAssertValue:      (*run).assertValue,
		testcase.CustomAssertAttribute:  (*run).assertAttribute,
		testcase.CustomAssertCount:      (*run).waitForElement,
		testcase.CustomAssertVisible:    (*run).assertVisible,
		testcase.CustomAssertEnabled:    (*run).assertEnabled,
		testcase.CustomAssertChecked:    (*run).assertChecked,
		testcase.CustomAssertURL:        (*run).assertURL,
		testcase.CustomAssertTitle:      (*run).assertTitle,
		testcase.CustomAssertScreenshot: (*run).assertScreenshot,
		testcase.CustomAssertDialog:     (*run).assertDialog,

		testcase.CustomSelect:       (*run).selectOptions,
		testcase.CustomCheck:        func(r *run) error { return r.setChecked(true) },
		testcase.CustomUncheck:      func(r *run) error { return r.setChecked(false) },
		testcase.CustomPress:        (*run).press,
		testcase.CustomTypeText:     (*run).typeText,
		testcase.CustomUploadFile:   (*run).uploadFile,
		testcase.CustomDrag:         (*run).drag,
		testcase.CustomHandleDialog: (*run).handleDialog,
		testcase.CustomDownload:     (*run).download,

		testcase.CustomAPIRequest:      (*run).apiRequest,
		testcase.CustomWaitForResponse: (*run).waitForResponse,
		testcase.CustomSetCookie:       (*run).setCookie,
		testcase.CustomSetLocalStorage: (*run).setLocalStorage,

		testcase.CustomExtract:     (*run).extract,
		testcase.CustomSetVariable: (*run).setVariable,
		testcase.CustomRunCase:     (*run).runCase,
	}
}

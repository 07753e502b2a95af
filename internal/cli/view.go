package cli

import (
	"io"
	"time"
)

// view shows how the tests are doing while they run.
type view interface {
	// update shows the tests as they are now.
	update(tests []test)
	// notice says something about the invocation as a whole.
	notice(text string)
	// close ends the view; what comes next is written below it.
	close()
}

func newView(o *Options, tests []test, refresh time.Duration) view {
	out := progressOf(o)
	if o.Terminal && !o.Detach {
		return newBarsView(out, o.Width, tests, o.colors(), refresh)
	}
	return newPlainView(out)
}

// progressOf is where progress goes.
func progressOf(o *Options) io.Writer {
	if o.Output == OutputJSON || o.Detach {
		return o.Stderr
	}
	return o.Stdout
}

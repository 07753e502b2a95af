//go:build !linux

package pwgo

import "errors"

type memory struct{ own, shared int64 }

// memoryOf knows nothing: the limit on memory has no effect on this system.
func memoryOf(int) (memory, error) { return memory{}, errors.ErrUnsupported }

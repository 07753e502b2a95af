//go:build !linux

package process

import "syscall"

// dieWithParent does nothing: only Linux can tie a program's life to its parent's.
func dieWithParent(*syscall.SysProcAttr, syscall.Signal) {}

package process

import "syscall"

// dieWithParent has the kernel send the signal to the program when this process dies, however it dies.
func dieWithParent(attr *syscall.SysProcAttr, farewell syscall.Signal) {
	attr.Pdeathsig = farewell
}

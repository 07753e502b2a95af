package process

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
)

// User is the account that a program runs as. Nil means the account of this process.
type User struct {
	Name string
	UID  uint32
	GID  uint32
}

// ServiceUser returns the account that servers run as. Postgres refuses to run as root, and no server needs to: when this
// process is root it is the first of the names that exists.
func ServiceUser(names ...string) (*User, error) {
	if os.Geteuid() != 0 {
		return nil, nil //nolint:nilnil // nil is the account of this process
	}
	for _, name := range names {
		account, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, err := strconv.ParseUint(account.Uid, 10, 32)
		if err != nil {
			return nil, fmt.Errorf("reading the id of user %s: %w", name, err)
		}
		gid, err := strconv.ParseUint(account.Gid, 10, 32)
		if err != nil {
			return nil, fmt.Errorf("reading the group of user %s: %w", name, err)
		}
		return &User{Name: name, UID: uint32(uid), GID: uint32(gid)}, nil
	}
	return nil, fmt.Errorf("none of the users %v exists, and servers must not run as root", names)
}

// OwnFolder makes a folder, and gives it to the user, who alone may look into it.
func (u *User) OwnFolder(path string) error {
	if err := os.MkdirAll(path, 0o700); err != nil {
		return fmt.Errorf("making the folder %s: %w", path, err)
	}
	if u == nil {
		return nil
	}
	if err := u.reach(filepath.Dir(path)); err != nil {
		return err
	}
	return u.Own(path)
}

// Own gives a file or a folder to the user.
func (u *User) Own(path string) error {
	if u == nil {
		return nil
	}
	if err := os.Lchown(path, int(u.UID), int(u.GID)); err != nil {
		return fmt.Errorf("giving %s to user %s: %w", path, u.Name, err)
	}
	return nil
}

// reach reports a parent folder that the user may not enter: a server's own messages about it are hard to read.
func (u *User) reach(path string) error {
	path, err := filepath.Abs(path)
	if err != nil {
		return fmt.Errorf("finding the folder %s: %w", path, err)
	}
	for ; ; path = filepath.Dir(path) {
		info, err := os.Stat(path)
		if err != nil {
			return fmt.Errorf("looking at the folder %s: %w", path, err)
		}
		if !u.mayEnter(info) {
			return fmt.Errorf("user %s, who runs the servers when you are root, may not enter %s: "+
				"choose another place with --data-dir (with --ephemeral: TMPDIR), or run chmod o+x %s", u.Name, path, path)
		}
		if path == filepath.Dir(path) {
			return nil
		}
	}
}

func (u *User) mayEnter(info fs.FileInfo) bool {
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return true
	}
	switch mode := info.Mode().Perm(); {
	case stat.Uid == u.UID:
		return mode&0o100 != 0
	case stat.Gid == u.GID:
		return mode&0o010 != 0
	default:
		return mode&0o001 != 0
	}
}

// credential is what the operating system is told.
func (u *User) credential() *syscall.Credential {
	if u == nil {
		return nil
	}
	return &syscall.Credential{Uid: u.UID, Gid: u.GID}
}

// WriteSecret writes a file that only the user may read.
func (u *User) WriteSecret(path, content string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("replacing %s: %w", path, err)
	}
	file, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	_, err = file.WriteString(content)
	if err := errors.Join(err, file.Close()); err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	return u.Own(path)
}

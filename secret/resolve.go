package secret

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

var (
	// ErrUnknown says that there is no secret of that name.
	ErrUnknown = errors.New("there is no such secret")
	// ErrUnfit says that a value can't be a secret: it could not be kept out of texts.
	ErrUnfit = errors.New("it could not be kept secret")
)

// Check returns an error that wraps ErrUnfit for a value that can't be a secret.
func Check(name, value string) error {
	if !LongEnough(value) {
		return fmt.Errorf("secret %s has fewer than %d characters besides white space, so it would be found in every text: %w", name, Shortest, ErrUnfit)
	}
	if !utf8.ValidString(value) {
		return fmt.Errorf("secret %s is not UTF-8 text: %w", name, ErrUnfit)
	}
	return nil
}

const (
	// maxValue bounds a value, in bytes.
	maxValue       = 64 << 10
	commandTimeout = 10 * time.Second
)

// Resolver finds the value of a secret. An error that wraps ErrUnknown means
// that asking again won't help. No error may hold a value.
type Resolver interface {
	Resolve(ctx context.Context, name string) (string, error)
}

// ValidName reports whether a secret may be called so: letters, digits and _.
func ValidName(name string) bool { return validName.MatchString(name) }

var validName = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_]{0,99}$`)

// Values are secrets by name, as they come from the environment.
type Values map[string]string

// Resolve implements Resolver.
func (v Values) Resolve(_ context.Context, name string) (string, error) {
	if value, ok := v[name]; ok {
		return value, nil
	}
	return "", unknown(name)
}

// String keeps the values out of what prints them.
func (v Values) String() string { return fmt.Sprintf("%d secrets", len(v)) }

// GoString keeps the values out of what prints them.
func (v Values) GoString() string { return v.String() }

// Folder holds each secret in a file of its name, as container platforms mount
// them. One line end at the end of a file is not part of the value.
type Folder string

// Resolve implements Resolver.
func (f Folder) Resolve(_ context.Context, name string) (string, error) {
	if !ValidName(name) {
		return "", unknown(name)
	}
	root, err := os.OpenRoot(string(f))
	if err != nil {
		return "", fmt.Errorf("opening the folder of secrets: %w", err)
	}
	defer func() { _ = root.Close() }() // it was only read
	value, err := root.ReadFile(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "", unknown(name)
	case err != nil:
		return "", fmt.Errorf("reading secret %s: %w", name, err)
	}
	return checked(name, value)
}

// Command asks a program, such as one that reads a vault: it is called with the
// name as its last argument and prints the value. It says with exit code 3 that
// there is no such secret.
type Command []string

// noSuchSecret is the exit code for an unknown name.
const noSuchSecret = 3

// Resolve implements Resolver.
func (c Command) Resolve(ctx context.Context, name string) (string, error) {
	if !ValidName(name) || len(c) == 0 {
		return "", unknown(name)
	}
	ctx, cancel := context.WithTimeout(ctx, commandTimeout)
	defer cancel()
	args := slices.Concat(c[1:], []string{name})
	// The operator names the program, and a valid name can't be an option.
	value, err := exec.CommandContext(ctx, c[0], args...).Output()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok && exit.ExitCode() == noSuchSecret {
		return "", unknown(name)
	}
	if err != nil {
		return "", fmt.Errorf("asking for secret %s: %w", name, err)
	}
	return checked(name, value)
}

// First asks one resolver after the other, until one knows the name.
type First []Resolver

// Resolve implements Resolver.
func (f First) Resolve(ctx context.Context, name string) (string, error) {
	for _, r := range f {
		value, err := r.Resolve(ctx, name)
		if !errors.Is(err, ErrUnknown) {
			return value, err
		}
	}
	return "", unknown(name)
}

func checked(name string, value []byte) (string, error) {
	if len(value) > maxValue {
		return "", fmt.Errorf("secret %s has more than %d bytes", name, maxValue)
	}
	value = bytes.TrimSuffix(bytes.TrimSuffix(value, []byte("\n")), []byte("\r"))
	return string(value), nil
}

func unknown(name string) error {
	return fmt.Errorf("secret %s: %w", strings.ToValidUTF8(name, "?"), ErrUnknown)
}

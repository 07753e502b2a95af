package main

import (
	"github.com/spf13/cobra"

	"github.com/cinnamon-qa/cinnamon/config"
	"github.com/cinnamon-qa/cinnamon/internal/cli"
)

// apiFlag is the flag of commands that speak to the API.
func apiFlag(cmd *cobra.Command, address *string) {
	cmd.Flags().StringVar(address, "api", "", "address of the API (default: CINNAMON_API_URL)")
}

// reach says where the API is, unless the flag does, and what its key is. It returns all that the environment says.
func reach(address, key *string) config.Client {
	client := config.ClientFromEnvironment()
	if *address == "" {
		*address = client.APIURL
	}
	*key = client.APIKey.Reveal()
	return client
}

// ended makes a command end with the code that it returned.
func ended(code int, err error) error {
	if code == exitPassed && err == nil {
		return nil
	}
	return exitError{code: code, err: err}
}

// failed makes a command end with the code of its error.
func failed(err error) error {
	if err == nil {
		return nil
	}
	return exitError{code: cli.CodeOf(err), err: err}
}

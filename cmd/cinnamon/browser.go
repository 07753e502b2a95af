package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/cinnamon-qa/cinnamon/browser/pwgo"
	"github.com/cinnamon-qa/cinnamon/config"
)

func newBrowser() *cobra.Command {
	cmd := &cobra.Command{Use: "browser", Short: "Manage what drives browsers on this machine", GroupID: "system"}
	var withBrowser, withVideo bool
	install := &cobra.Command{
		Use: "install", Short: "Install Playwright's driver, and a browser if the machine has none",
		Long: `Installs Playwright's driver (npm's playwright-core, run by this machine's Node.js) into the user's cache folder, through
npm's own registry settings. A Chromium of the machine is used as it is; where there is none, or with --with-browser,
Playwright's own is downloaded.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := config.FromEnvironment()
			if err != nil {
				return usageError{err}
			}
			driver := driverConfig(cfg)
			if err := pwgo.InstallDriver(cmd.Context(), driver); err != nil {
				return err
			}
			found, err := pwgo.Locate(driver)
			if withBrowser || (err != nil && found.Browser == "") {
				if err := pwgo.InstallBrowser(cmd.Context(), driver); err != nil {
					return err
				}
				found, err = pwgo.Locate(driver)
			}
			if err != nil {
				return err
			}
			if withVideo {
				if err := pwgo.InstallVideo(cmd.Context(), driver); err != nil {
					return err
				}
			}
			fmt.Fprintf(cmd.OutOrStdout(), "Playwright %s drives %s (%s).\n", found.DriverVersion, found.Browser, found.BrowserVersion)
			return nil
		},
	}
	install.Flags().BoolVar(&withBrowser, "with-browser", false, "download Playwright's own browser even if the machine has one")
	install.Flags().BoolVar(&withVideo, "with-video", false, "also give Playwright the machine's ffmpeg, or its own, to record videos with")
	cmd.AddCommand(install)
	return cmd
}

func driverConfig(cfg config.Config) pwgo.Config {
	return pwgo.Config{
		Executable: cfg.Browser.Executable, NodePath: cfg.Browser.NodePath, DriverDir: cfg.Browser.DriverDir,
		NoSandbox: !cfg.Browser.Sandbox,
	}
}

package main

import (
	"context"
	"io"

	"github.com/spf13/cobra"

	"github.com/cinnamon-qa/cinnamon/internal/cli"
)

func newSchedule(stdout io.Writer) *cobra.Command {
	cmd := &cobra.Command{
		Use: "schedule", Short: "Run stored cases and suites again and again", GroupID: "test",
		Long: `A schedule runs a stored case or a stored suite at times that cron patterns or an interval name. Temporal keeps it: its Web UI
shows it under Schedules, and what is changed there counts here.

Exit codes: 0 done, 2 wrong usage or no such schedule, 3 the platform failed.

Environment: CINNAMON_API_URL (http://127.0.0.1:8080), CINNAMON_API_KEY.`,
		Example: `  cinnamon schedule save nightly --suite smoke --cron '0 2 * * *' --time-zone Europe/Berlin
  cinnamon schedule save login --case shop.login --every 15m --jitter 1m --overlap skip
  cinnamon schedule pause nightly --note 'the site moves'
  cinnamon schedule backfill nightly --start 72h
  cinnamon schedule list`,
	}
	cmd.AddCommand(
		newScheduleSave(stdout),
		scheduleList(stdout),
		scheduleOf(stdout, "show", "Print a schedule as JSON", cli.ShowSchedule, nil),
		scheduleOf(stdout, "pause", "Stop a schedule until it is resumed; what runs goes on", cli.PauseSchedule, noteFlag),
		scheduleOf(stdout, "resume", "Let a paused schedule go on", cli.ResumeSchedule, noteFlag),
		scheduleOf(stdout, "trigger", "Run what a schedule asks for now, paused or not", cli.TriggerSchedule, func(cmd *cobra.Command, o *cli.ScheduleOptions) {
			overlapFlag(cmd, o, "the schedule's own")
		}),
		scheduleOf(stdout, "backfill", "Start the runs that a schedule would have started in a span of time", cli.BackfillSchedule, func(cmd *cobra.Command, o *cli.ScheduleOptions) {
			cmd.Flags().StringVar(&o.StartAt, "start", "", "a time (2026-11-03T12:00:00Z), or how long ago (72h)")
			cmd.Flags().StringVar(&o.EndAt, "end", "", "the same (default: now)")
			overlapFlag(cmd, o, "bufferAll: one after the other")
		}),
		scheduleOf(stdout, "delete", "Remove a schedule; what it has started goes on", cli.DeleteSchedule, nil),
	)
	return cmd
}

func noteFlag(cmd *cobra.Command, o *cli.ScheduleOptions) {
	cmd.Flags().StringVar(&o.Note, "note", "", "why, for who looks at the schedule")
}

func overlapFlag(cmd *cobra.Command, o *cli.ScheduleOptions, otherwise string) {
	cmd.Flags().StringVar(&o.Overlap, "overlap", "",
		"when the run before has not ended: skip, bufferOne, bufferAll, cancelOther or allowAll (default: "+otherwise+")")
}

// scheduleOf is a command that does something to one schedule.
func scheduleOf(
	stdout io.Writer, name, short string, do func(ctx context.Context, o cli.ScheduleOptions, id string) error, flags func(*cobra.Command, *cli.ScheduleOptions),
) *cobra.Command {
	o := cli.ScheduleOptions{}
	o.Stdout = stdout
	cmd := &cobra.Command{
		Use: name + " ID", Short: short, Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			reach(&o.APIURL, &o.APIKey)
			return failed(do(cmd.Context(), o, args[0]))
		},
	}
	listFlags(cmd, &o.SuiteOptions)
	if flags != nil {
		flags(cmd, &o)
	}
	return cmd
}

func scheduleList(stdout io.Writer) *cobra.Command {
	o := cli.ScheduleOptions{}
	o.Stdout = stdout
	cmd := &cobra.Command{
		Use: "list", Short: "List the schedules", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			reach(&o.APIURL, &o.APIKey)
			return failed(cli.ListSchedules(cmd.Context(), o))
		},
	}
	listFlags(cmd, &o.SuiteOptions)
	return cmd
}

func newScheduleSave(stdout io.Writer) *cobra.Command {
	return scheduleOf(stdout, "save", "Store a schedule, in the place of the one of that id", cli.SaveSchedule, func(cmd *cobra.Command, o *cli.ScheduleOptions) {
		f := cmd.Flags()
		f.StringVar(&o.Case, "case", "", "id of the stored case that runs")
		f.StringVar(&o.Suite, "suite", "", "id of the stored suite that runs")
		f.StringArrayVar(&o.Cron, "cron", nil, "a pattern: minute hour day month weekday (may be repeated)")
		f.DurationVar(&o.Every, "every", 0, "an interval, counted from 1970 on: 15m is at :00, :15, :30 and :45")
		f.DurationVar(&o.Offset, "offset", 0, "shifts the times of the interval")
		f.StringVar(&o.TimeZone, "time-zone", "", "of the patterns (default: UTC)")
		f.DurationVar(&o.Jitter, "jitter", 0, "delay each time by a random while of up to this")
		f.StringVar(&o.StartAt, "start", "", "not before this time (2026-11-03T12:00:00Z)")
		f.StringVar(&o.EndAt, "end", "", "not after this time")
		overlapFlag(cmd, o, "skip")
		f.DurationVar(&o.CatchUp, "catch-up", 0, "how late a time may be made up for that was missed (default: 1m)")
		f.BoolVar(&o.Paused, "paused", false, "store it, and don't let it run yet")
		noteFlag(cmd, o)
		f.StringVar(&o.UserID, "user", "", "whose runs these are; users share the workers fairly")
		f.StringVar(&o.Priority, "priority", "", "low, normal, high, urgent, or a number (higher is more urgent)")
		f.IntVar(&o.Attempts, "attempts", 0, "attempts of each test at the most (default: the suite's, or the API's)")
		f.IntVar(&o.Parallel, "parallel", 0, "tests of the suite at once at the most")
		f.BoolVar(&o.FailFast, "fail-fast", false, "stop the suite at the first test that fails")
		f.StringVar(&o.BaseURL, "base-url", "", "where relative addresses of the cases lead")
		f.StringVar(&o.Environment, "env", "", "the environment whose address in config.baseUrls counts")
	})
}

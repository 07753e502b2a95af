package activities

import (
	"encoding/json"

	"github.com/cinnamon-qa/cinnamon/store"
)

// mostError, mostTable and mostAdaptations bound what goes into the workflow's history: runes of an error, bytes of a table of
// steps or runs together with the adaptations, bytes of the adaptations alone.
const (
	mostError       = 1000
	mostTable       = 24 << 10
	mostAdaptations = 8 << 10
)

// lines is the table of steps as it goes into the workflow's history: the first ones, as many as there is room for, in bytes.
func lines(steps []store.Step, notes map[int]string, room int) []StepLine {
	const mostLines = 100
	table := make([]StepLine, 0, min(len(steps), mostLines))
	size := 0
	for _, s := range steps[:min(len(steps), mostLines)] {
		line := StepLine{
			Number: s.Number, Description: bounded(s.Description, 80), Status: s.Status, Duration: s.Duration.Milliseconds(),
			Error: bounded(s.Error, 120), Note: bounded(notes[s.Number], 160),
		}
		text, err := json.Marshal(line)
		if size += len(text) + 1; err != nil || size > room {
			break
		}
		table = append(table, line)
	}
	return table
}

// room is how much a table of steps may take beside a result.
func room(r Result) int {
	text, err := json.Marshal(r.Adaptations)
	if err != nil {
		return 0
	}
	return mostTable - len(text)
}

// inShort are adaptations as they go into a job's result: the first ones, as many as there is room for.
func inShort(list []store.Adaptation) []store.ResultAdaptation {
	var short []store.ResultAdaptation
	size := 0
	for _, a := range list {
		one := store.ResultAdaptation{
			StepNumber: a.Step.Number, AdaptationType: a.Type, Reason: bounded(a.Reason, 300), Successful: a.Successful,
			OldLocator: bounded(a.Evidence.OldLocator, 200), NewLocator: bounded(a.Evidence.NewLocator, 200),
			Score: hundredths(a.Evidence.Score), Confidence: hundredths(a.Evidence.Confidence),
		}
		text, err := json.Marshal(one)
		if size += len(text) + 1; err != nil || size > mostAdaptations {
			break
		}
		short = append(short, one)
	}
	return short
}

func hundredths(v float64) float64 { return float64(int(v*100+0.5)) / 100 }

// notesOf say which steps were adapted, and how.
func notesOf(list []store.Adaptation) map[int]string {
	notes := map[int]string{}
	for _, a := range list {
		if a.Successful {
			notes[a.Step.Number] = noteOf(a)
		}
	}
	return notes
}

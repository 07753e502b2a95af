package activities

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/cinnamon-qa/cinnamon/artifact"
	"github.com/cinnamon-qa/cinnamon/browser"
	"github.com/cinnamon-qa/cinnamon/store"
	"github.com/cinnamon-qa/cinnamon/testcase"
)

const (
	// captureWithin bounds a picture of a page, and its HTML.
	captureWithin = 5 * time.Second
	// keepWithin bounds what happens with recordings once the attempt has ended.
	keepWithin = 60 * time.Second
)

// artifactStore keeps files.
type artifactStore interface {
	Put(ctx context.Context, o artifact.Object, body io.Reader) (artifact.File, error)
}

// artifactRecords records files.
type artifactRecords interface {
	SaveArtifacts(ctx context.Context, queueName string, artifacts []store.Artifact) error
	Artifacts(ctx context.Context, runID string) ([]store.Artifact, error)
}

// keeper keeps the artifacts of one attempt. What it can't keep it says in the log and in the records: an attempt without
// artifacts is better than no verdict.
type keeper struct {
	*attempt

	policies map[artifact.Kind]artifact.Policy
	limits   map[artifact.Kind]int64
	left     int64 // bytes that the run may still keep; -1 until they are counted
	names    map[string]int
}

func newKeeper(a *attempt) *keeper {
	rules := a.Rules.With(a.claim.Run.Config.Artifacts)
	return &keeper{attempt: a, policies: rules.For(a.claim.Attempt), limits: rules.Limits, left: -1, names: make(map[string]int)}
}

// recordings are the artifacts that a session records while it goes on.
func recordings() map[artifact.Kind]browser.Recording {
	return map[artifact.Kind]browser.Recording{
		artifact.Trace: browser.Trace, artifact.Video: browser.Video, artifact.HAR: browser.HAR,
		artifact.Console: browser.Console, artifact.Network: browser.Network,
	}
}

// record says what a session that runs these steps records.
func (k *keeper) record(title string, steps []testcase.Step) browser.Record {
	var r browser.Record
	for _, kind := range artifact.Kinds() {
		if recording, ok := recordings()[kind]; ok && (k.policies[kind] == artifact.On || k.policies[kind] == artifact.OnFailure) {
			r.Kinds = append(r.Kinds, recording)
		}
	}
	if len(r.Kinds) > 0 {
		r.Title = fmt.Sprintf("%s, attempt %d", title, k.claim.Attempt)
		r.LogBytes = int(min(k.limits[artifact.Console], k.limits[artifact.Network]))
	}
	for _, s := range steps {
		if s.Confidential() {
			r.Secrets = append(r.Secrets, s.Typed()...)
		}
	}
	return r
}

// screenshot keeps a picture of what a step left, if that is asked for.
func (k *keeper) screenshot(ctx context.Context, session browser.Session, s *store.Step, failed bool) *store.Artifact {
	kept := k.capture(ctx, artifact.Screenshot, s, failed, session.Screenshot)
	if kept != nil && kept.Path == "" { // nothing that a step can show
		k.save(ctx, []store.Artifact{*kept})
		return nil
	}
	return kept
}

// html keeps the HTML of what a step left, if that is asked for.
func (k *keeper) html(ctx context.Context, session browser.Session, s *store.Step, failed bool) {
	if kept := k.capture(ctx, artifact.DOM, s, failed, session.DOM); kept != nil {
		k.save(ctx, []store.Artifact{*kept})
	}
}

func (k *keeper) capture(ctx context.Context, kind artifact.Kind, s *store.Step, failed bool, take func(context.Context) ([]byte, error)) *store.Artifact {
	if !k.policies[kind].Keeps(failed) {
		return nil
	}
	taking, cancel := context.WithTimeout(ctx, captureWithin)
	defer cancel()
	data, err := take(taking)
	if err != nil {
		k.log.WarnContext(ctx, "no artifact of the step", "kind", kind, "step", s.Number, "error", err)
		return nil
	}
	name := fmt.Sprintf("attempt-%d-step-%d%s", s.Attempt, s.Number, kind.Extension())
	return k.put(ctx, kind, s.Number, name, int64(len(data)), bytes.NewReader(data))
}

// recorded ends the session and keeps its recordings. A session whose worker stops is not worth that: another attempt
// takes its place.
func (k *keeper) recorded(ctx context.Context, session browser.Session, asked []browser.Recording, failed bool) {
	if len(asked) == 0 {
		return
	}
	var keep []browser.Recording
	for kind, recording := range recordings() {
		if slices.Contains(asked, recording) && k.policies[kind].Keeps(failed) {
			keep = append(keep, recording)
		}
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), keepWithin)
	defer cancel()
	files, err := session.Finish(ctx, keep...)
	if err != nil {
		k.log.WarnContext(ctx, "not everything could be recorded", "error", err)
	}
	var kept []store.Artifact
	for _, kind := range artifact.Kinds() {
		for _, f := range files {
			if f.Kind == recordings()[kind] {
				kept = append(kept, k.putFile(ctx, kind, f.Path))
			}
		}
		if err != nil && slices.Contains(keep, recordings()[kind]) && !slices.ContainsFunc(kept, func(a store.Artifact) bool { return a.Kind == kind }) {
			kept = append(kept, k.describe(kind, 0, "it could not be recorded: "+bounded(err.Error(), 300)))
		}
	}
	k.save(ctx, slices.DeleteFunc(kept, func(a store.Artifact) bool { return a.ID == "" }))
}

func (k *keeper) putFile(ctx context.Context, kind artifact.Kind, path string) store.Artifact {
	name := fmt.Sprintf("attempt-%d-%s", k.claim.Attempt, kind)
	k.names[name]++
	if k.names[name] > 1 {
		name = fmt.Sprintf("%s-%d", name, k.names[name]) // of another tab
	}
	file, err := os.Open(path)
	if err != nil {
		return k.describe(kind, 0, "it could not be read: "+err.Error())
	}
	defer func() { _ = file.Close() }()
	info, err := file.Stat()
	if err != nil {
		return k.describe(kind, 0, "it could not be read: "+err.Error())
	}
	if kept := k.put(ctx, kind, 0, name+kind.Extension(), info.Size(), file); kept != nil {
		return *kept
	}
	return store.Artifact{}
}

// put writes a file within the limits. What is too large leaves a record that says so.
func (k *keeper) put(ctx context.Context, kind artifact.Kind, step int, name string, size int64, body io.Reader) *store.Artifact {
	k.count(ctx)
	a := k.describe(kind, step, "")
	switch limit := k.limits[kind]; {
	case size > limit:
		a.Note = fmt.Sprintf("not kept: it has %d bytes, and a %s may have %d", size, kind, limit)
		return &a
	case size > k.left:
		a.Note = fmt.Sprintf("not kept: it has %d bytes, and the run's artifacts may have %d more", size, k.left)
		return &a
	}
	file, err := k.Artifacts.Put(ctx, artifact.Object{RunID: k.in.RunID, Name: name, ContentType: kind.ContentType(), MaxBytes: size}, body)
	if err != nil {
		k.log.WarnContext(ctx, "an artifact could not be stored", "kind", kind, "error", err)
		a.Note = "it could not be stored; the worker's log says why"
		return &a
	}
	k.left -= file.Bytes
	a.Bytes, a.SHA256, a.Path = file.Bytes, file.SHA256, file.Path
	return &a
}

// count finds out how much room the run has left.
func (k *keeper) count(ctx context.Context) {
	if k.left >= 0 {
		return
	}
	k.left = k.Rules.RunLimit
	list, err := k.Store.Artifacts(ctx, k.in.RunID)
	if err != nil {
		k.log.WarnContext(ctx, "the run's artifacts could not be counted", "error", err)
	}
	for _, a := range list {
		k.left = max(k.left-a.Bytes, 0)
	}
}

func (k *keeper) describe(kind artifact.Kind, step int, note string) store.Artifact {
	return store.Artifact{
		ID: uuid.NewString(), RunID: k.in.RunID, Attempt: k.claim.Attempt, StepNumber: step, Kind: kind,
		ContentType: kind.ContentType(), Note: note,
	}
}

func (k *keeper) save(ctx context.Context, list []store.Artifact) {
	if len(list) == 0 {
		return
	}
	err := k.persist(ctx, func(ctx context.Context) error { return k.Store.SaveArtifacts(ctx, k.in.Queue, list) })
	if err != nil {
		k.log.WarnContext(ctx, "artifacts could not be recorded", "error", err)
	}
}

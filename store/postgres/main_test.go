package postgres_test

import (
	"os"
	"testing"

	"github.com/cinnamon-qa/cinnamon/internal/testkit"
)

var server testkit.Postgres

func TestMain(m *testing.M) {
	code := m.Run()
	server.Stop()
	os.Exit(testkit.NoLeaks(code))
}

// modes are the two ways to a database. Everything works the same in both, but for LISTEN.
var modes = []struct {
	name    string
	pooled  bool
	address func(t *testing.T, database string) string
}{
	{"direct", false, func(_ *testing.T, database string) string { return database }},
	{"pooled", true, server.Pooled},
}

// suite is what the store does, in the order of a run's life.
var suite = []struct {
	name string
	run  func(t *testing.T, f *fixture)
}{
	{"migrations go down and up again", testMigrationsGoDownAndUpAgain},
	{"two processes migrate at the same time", testTwoMigrateAtTheSameTime},
	{"migrating waits for another process only as long as it may", testMigratingGivesUp},

	{"cases are saved and replaced", testCasesAreSavedAndReplaced},
	{"cases are listed in pages", testCasesAreListedInPages},

	{"a run is created with its job and its first change", testRunIsCreated},
	{"a run id is taken once", testRunIDIsTakenOnce},
	{"an idempotency key finds the first run", testIdempotencyKeyFindsTheFirstRun},
	{"an idempotency key is used by many at the same time", testIdempotencyKeyIsUsedByMany},
	{"runs are read by id or newest first", testRunsAreRead},
	{"runs without a workflow are listed most urgent first", testNotStarted},

	{"an attempt passes", testAttemptPasses},
	{"steps are counted while they run", testStepsAreCountedLive},
	{"a screenshot is kept with its step", testScreenshot},
	{"artifacts are kept in order", testArtifacts},
	{"an attempt is given back", testReleasedAttempt},
	{"a run that waits is ended", testEndWaiting},
	{"a database that is read-only is one that is away", testReadOnly},
	{"an adapted step and run", testAdapted},
	{"what is known of elements", testMemory},
	{"adaptations are recorded with the outcome", testAdaptations},
	{"what runs left is learned once", testLearning},
	{"a case waits to be learned of once", testLearningDue},
	{"people and learning decide about locators", testDecisions},
	{"a case in quarantine leaves it by passing", testQuarantine},
	{"learning puts flaky cases in quarantine", testLearningQuarantines},
	{"what fails in quarantine fails no suite", testQuarantineInSuite},
	{"learned locators are listed with where they come from", testLocators},
	{"what a rejected locator found is forgotten", testForgottenElement},
	{"one of many decisions counts", testManyDecide},
	{"an attempt fails and the next one is due later", testAttemptFailsWithBackoff},
	{"the attempts run out", testAttemptsRunOut},
	{"a final failure ends the run", testFinalFailure},
	{"a run that passes at the second try is flaky", testFlaky},
	{"steps that were not reached are skipped", testSkippedSteps},
	{"a claim knows the case", testClaimKnowsTheCase},
	{"a suite run keeps its config", testSuiteRunKeepsItsConfig},
	{"runs of a batch are created or found one by one", testRunsOfABatch},
	{"a stalled attempt is fenced", testStalledAttemptIsFenced},
	{"a step waits for a claim in progress", testStepWaitsForAClaim},
	{"an outcome is recorded once", testOutcomeIsRecordedOnce},
	{"workers claim at the same time", testWorkersClaimAtTheSameTime},
	{"a run is ended from outside", testEndRun},
	{"what does not exist is not found", testNotFound},

	{"a record follows what was done in Redis", testReconcile},
	{"a run that was only planned goes with its job", testPlannedRun},
	{"an attempt that Redis granted", testAttemptThatRedisGranted},

	{"a job that failed for good leaves a letter", testDeadLetter},
	{"letters are filtered", testLettersAreFiltered},
	{"a failed run is requeued", testRequeue},
	{"letters follow what was done in Redis", testLetterAndRedis},
	{"a run of a suite is requeued", testRequeueInSuite},
	{"a run waits for a worker as long as it may", testQueueTimeout},
	{"a run of a suite waits from its turn on", testQueueTimeoutOfSuite},

	{"changes are relayed in order", testRelayInOrder},
	{"changes stay when they can't be applied", testRelayKeepsWhatFailed},
	{"rejected changes are set aside", testRelaySetsAside},
	{"one relay works at a time", testOneRelayAtATime},
	{"changes of many writers keep their order", testRelayOfManyWriters},
	{"a queue's position grows with every batch", testPosition},
	{"relays can be held", testHold},
	{"listening wakes at each commit", testListenWakes},
	{"listening ends with its context or its connection", testListenEnds},
	{"open jobs come in pages and in order", testOpenJobs},
	{"the newest finished jobs come oldest first", testNewestFinished},
	{"finished jobs are found by their ids", testFinishedAmong},

	{"what is old goes, and nothing else", testCleanup},
	{"runs are held by their tags", testHoldByTag},
	{"the chart counts what waits and what goes on", testQueryOfTheChart},
	{"what is too much goes", testCleanupByBudget},
	{"a clean-up that broke off goes on", testCleanupGoesOn},
	{"files without a record go", testCleanupOfOrphans},

	{"texts of a page are made storable", testTexts},
	{"texts that can't be stored are invalid", testInvalidTexts},
	{"a record that can't be read is a defect", testUnreadableRecords},
	{"connections that break are replaced", testConnectionsBreak},
	{"a context that ended is no defect", testContextEnded},
	{"missing tables are told from a server that is away", testMissingTables},
}

func TestStore(t *testing.T) {
	t.Parallel()
	for _, mode := range modes {
		t.Run(mode.name, func(t *testing.T) {
			t.Parallel()
			for _, test := range suite {
				t.Run(test.name, func(t *testing.T) {
					t.Parallel()
					database := server.Database(t)
					test.run(t, &fixture{direct: database, address: mode.address(t, database), pooled: mode.pooled})
				})
			}
		})
	}
}

package config_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cinnamon-qa/cinnamon/artifact"
	"github.com/cinnamon-qa/cinnamon/config"
)

func TestWhatIsKept(t *testing.T) {
	t.Parallel()
	c, err := config.Load(nil)
	require.NoError(t, err)
	require.Equal(t, artifact.Rules{
		Policies: map[artifact.Kind]artifact.Policy{
			"screenshot": "on-failure", "dom": "on-failure", "console": "on-retry", "network": "on-retry", "trace": "on-retry", "har": "off", "video": "off",
		},
		Limits: map[artifact.Kind]int64{
			"screenshot": 20 << 20, "dom": 8 << 20, "console": 1 << 20, "network": 1 << 20, "trace": 64 << 20, "har": 16 << 20, "video": 64 << 20,
		},
		RunLimit: 512 << 20,
	}, c.Artifacts.Rules())

	c, err = config.Load([]string{"ARTIFACTS_TRACE=on", "ARTIFACTS_LIMITS=trace:1GiB,video:5 KiB,dom:7", "ARTIFACTS_RUN_LIMIT=2GiB"})
	require.NoError(t, err)
	rules := c.Artifacts.Rules()
	require.Equal(t, artifact.On, rules.Policies[artifact.Trace])
	require.Equal(t, []int64{1 << 30, 5 << 10, 7, 20 << 20}, []int64{
		rules.Limits[artifact.Trace], rules.Limits[artifact.Video], rules.Limits[artifact.DOM], rules.Limits[artifact.Screenshot],
	})
	require.EqualValues(t, 2<<30, rules.RunLimit)
}

func TestArtifactSettingsThatAreWrong(t *testing.T) {
	t.Parallel()
	for setting, words := range map[string]string{
		"ARTIFACTS_VIDEO=always":               `ARTIFACTS_VIDEO: "always" is no policy`,
		"ARTIFACTS_LIMITS=film:1":              `there is no artifact "film"`,
		"ARTIFACTS_LIMITS=trace":               "is not a kind of artifact and a size",
		"ARTIFACTS_LIMITS=trace:-1":            "is not a size",
		"ARTIFACTS_LIMITS=trace:9999999999GiB": "is not a size",
		"ARTIFACTS_RUN_LIMIT=much":             "is not a size",
		"ARTIFACTS_STORE=ftp":                  "it must be folder or s3",
		"ARTIFACTS_STORE=s3":                   "S3_BUCKET is not set",
	} {
		_, err := config.Load([]string{setting})
		require.ErrorContains(t, err, words, setting)
	}
}

func TestBucket(t *testing.T) {
	t.Parallel()
	settings := []string{"ARTIFACTS_STORE=s3", "S3_BUCKET=b", "S3_ACCESS_KEY_ID=id", "S3_SECRET_ACCESS_KEY=hunter2"}
	c, err := config.Load(append(settings, "S3_ENDPOINT=https://project.storage.supabase.test/storage/v1/s3"))
	require.NoError(t, err)
	require.Equal(t, "hunter2", c.Artifacts.S3.SecretAccessKey.Reveal())
	require.NotContains(t, fmt.Sprintf("%v %+v", c, c.Artifacts.S3), "hunter2")
	for _, endpoint := range []string{"minio:9000", "ftp://minio", "http://", "http://user:hunter2@minio"} {
		_, err := config.Load(append(settings, "S3_ENDPOINT="+endpoint))
		require.ErrorContains(t, err, "S3_ENDPOINT", endpoint)
		require.NotContains(t, err.Error(), "hunter2")
	}
}

package backend

import (
	"github.com/cinnamon-qa/cinnamon/artifact"
	"github.com/cinnamon-qa/cinnamon/artifact/s3"
	"github.com/cinnamon-qa/cinnamon/config"
)

// Open opens the store. A bucket is not asked for anything yet.
func Open(cfg config.Artifacts) (artifact.Store, error) {
	if cfg.Store != config.StoreS3 {
		return artifact.OpenFolder(cfg.Dir)
	}
	return s3.Open(s3.Config{
		Endpoint: cfg.S3.Endpoint, Region: cfg.S3.Region, Bucket: cfg.S3.Bucket, Prefix: cfg.S3.Prefix,
		AccessKeyID: cfg.S3.AccessKeyID, SecretAccessKey: cfg.S3.SecretAccessKey.Reveal(), PathStyle: cfg.S3.PathStyle,
	})
}

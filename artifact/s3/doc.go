// Package s3 keeps artifacts in a bucket of a server that speaks S3: AWS, Supabase Storage, MinIO and the like. It is the
// only package that imports the AWS SDK, which signs the whole path of a request: Supabase's endpoint has one.
//
// It must not import anything of this product but artifact.
package s3

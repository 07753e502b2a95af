// Serves S3 from the folder in the first argument, with the bucket "artifacts", on a free port of this machine. Prints the
// port once it listens, and ends with its standard input.
const S3rver = require('s3rver');

const server = new S3rver({
  port: 0, address: '127.0.0.1', silent: true, directory: process.argv[2], configureBuckets: [{ name: 'artifacts' }],
});
server.run().then(({ port }) => console.log(port));
process.stdin.on('end', () => process.exit()).resume();

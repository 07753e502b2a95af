// Package codecserver opens sealed payloads for the Temporal Web UI and command
// line: an HTTP endpoint in the shape that these ask, POST …/decode.
//
// It is what turns access to Temporal into access to what runs say, so it
// listens on the loopback interface unless it has a token to ask for, answers
// pages of the Web UI alone, and seals nothing unless told to.
package codecserver

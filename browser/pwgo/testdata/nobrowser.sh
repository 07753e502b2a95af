#!/bin/sh
echo "this is no browser" >&2
exit 1

#!/bin/sh
# Collects the licenses of everything in the binaries: modules and Go itself.
# Usage: licenses.sh DIRECTORY
set -eu
rm -rf "$1"
# go-licenses uses GOROOT to recognize the packages of the standard library.
GOROOT=$(go env GOROOT)
export GOROOT CGO_ENABLED=0
for os in linux darwin windows; do
	out=$(GOOS=$os .tools/bin/go-licenses save . --ignore greenapi_exporter --save_path "$1.$os" \
		--force 2>&1) || { echo "$out" >&2; exit 1; }
	mkdir -p "$1"
	cp -R "$1.$os/." "$1"
done
mkdir "$1/go"
cp "$GOROOT/LICENSE" "$1/go"
chmod -R u=rwX,go=rX "$1" # go-licenses preserves the modes of the read-only module cache
find "$1" -exec touch -d "@$SOURCE_DATE_EPOCH" {} +

#!/bin/sh
# Collects the license texts of everything that the binaries contain: modules and Go itself.
# Usage: licenses.sh DIRECTORY
set -eu
rm -rf "$1"
# go-licenses recognizes the packages of the standard library by GOROOT.
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
chmod -R u=rwX,go=rX "$1" # go-licenses copies the modes of the module cache
find "$1" -exec touch -d "@$SOURCE_DATE_EPOCH" {} +

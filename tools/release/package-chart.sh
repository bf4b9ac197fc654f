#!/bin/sh
# Packages the Helm chart. By default, the packaged chart runs the image in REPOSITORY.
# Usage: package-chart.sh REPOSITORY DIRECTORY
set -eu
copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
cp -RL deploy/helm/. "$copy" # -L copies the rules and the dashboard, which are links
sed -e '/# Required: the registry/d' -e "s|^  repository: \"\"\$|  repository: $1|" \
	deploy/helm/values.yaml > "$copy/values.yaml"
.tools/bin/helm package "$copy" --destination "$2"

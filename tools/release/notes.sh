#!/bin/sh
# Prints the section of a version of the change log on standard input.
# Usage: notes.sh VERSION < CHANGELOG.md
set -eu
awk -v version="$1" '
	/^## / { name = $2; gsub(/[][]/, "", name); found = name == version; next }
	found { print }
	found && NF { any = 1 }
	END {
		if (!any) { print "the change log has no section for " version > "/dev/stderr"; exit 1 }
	}'

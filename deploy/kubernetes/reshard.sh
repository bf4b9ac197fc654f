#!/bin/sh
# Moves each ledger to the exporter that hashmod of scrape.yml gives its instance to. No exporter may run meanwhile.
#
#     reshard.sh REPLICAS DIRECTORY...
#
# REPLICAS is how many exporters there will be. The directories are the storage of exporter 0, 1, 2, ..., of those too
# that there will be no more. It can be run again after it was interrupted.
set -eu

fail() {
	echo "reshard: $*" >&2
	exit 1
}

n=${1:-}
case $n in '' | 0* | *[!0-9]*) fail "usage: reshard.sh REPLICAS DIRECTORY..." ;; esac
shift
[ $# -ge "$n" ] || fail "$n exporters need $n directories, these are $#"

# The last 64 bits of the MD5 sum, modulo n, as Prometheus does it; in two halves, since the shell's numbers have a sign.
shard() {
	sum=$(printf %s "$1" | md5sum)
	sum=${sum%% *}
	sum=${sum#????????????????}
	echo $(((0x${sum%????????} % n * (4294967296 % n) + 0x${sum#????????} % n) % n))
}

flock=$(command -v flock) || echo "reshard: there is no flock to see whether an exporter runs" >&2
for dir; do
	[ -d "$dir" ] || fail "$dir is no directory"
	[ ! -e "$dir/lock" ] || [ -z "$flock" ] || flock -n "$dir/lock" true || fail "an exporter runs on $dir: stop it"
done

# for_each runs a command with each ledger's path, and the path where it belongs.
for_each() {
	for dir; do
		for file in "$dir"/*.ledger; do
			[ -e "$file" ] || continue
			name=${file##*/}
			at=$(($(shard "${name%%.*}") + 1))
			eval "to=\${$at}"
			[ "$to" = "$dir" ] || $act "$file" "$to/$name"
		done
	done
}

compare() {
	[ ! -e "$2" ] || cmp -s "$1" "$2" || fail "$1 and $2 are of one instance: remove the older one"
}

# A copy has its name once it is whole.
move() {
	if [ ! -e "$2" ]; then
		cp -p "$1" "$2.moving"
		mv "$2.moving" "$2"
	fi
	rm "$1"
	moved=$((moved + 1))
}

moved=0
act=compare for_each "$@"
act=move for_each "$@"
sync
echo "moved $moved ledgers"

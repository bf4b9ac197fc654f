#!/bin/sh
# Moves each ledger to the exporter to which hashmod in scrape.yml assigns its instance. Stop all
# exporters before you run this script.
#
#     reshard.sh REPLICAS DIRECTORY...
#
# REPLICAS is the new number of exporters. The directories are the storage of exporters 0, 1, 2, and
# so on, including those that will be removed. The script can be run again if it was interrupted.
set -eu

fail() {
	echo "reshard: $*" >&2
	exit 1
}

n=${1:-}
case $n in '' | 0* | *[!0-9]*) fail "usage: reshard.sh REPLICAS DIRECTORY..." ;; esac
shift
[ $# -ge "$n" ] || fail "$n exporters need $n directories, got $#"

# shard prints the last 64 bits of the MD5 sum modulo n, as Prometheus computes it. It uses two
# halves, because the shell's integers are signed.
shard() {
	sum=$(printf %s "$1" | md5sum)
	sum=${sum%% *}
	sum=${sum#????????????????}
	echo $(((0x${sum%????????} % n * (4294967296 % n) + 0x${sum#????????} % n) % n))
}

flock=$(command -v flock) ||
	echo "reshard: flock is missing, so running exporters are not detected" >&2
for dir; do
	[ -d "$dir" ] || fail "$dir is not a directory"
	[ ! -e "$dir/lock" ] || [ -z "$flock" ] || flock -n "$dir/lock" true ||
		fail "an exporter is using $dir: stop it"
done

# for_each runs $act with the path of each misplaced ledger, and with the path where it belongs.
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
	[ ! -e "$2" ] || cmp -s "$1" "$2" ||
		fail "$1 and $2 belong to the same instance: remove the older one"
}

# move renames a copy to its final name once the copy is complete.
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

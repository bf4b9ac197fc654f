#!/bin/sh
# Tests the packages in /packages. check.sh runs this script as root in a minimal Debian system.
set -eux
export DEBIAN_FRONTEND=noninteractive
unit=greenapi_exporter.service
install="apt-get install --yes --quiet --no-install-recommends"

$install /packages/old.deb
greenapi_exporter --version | grep -F "version $(cat /packages/VERSION) "
[ "$(readlink -f "$(command -v greenapi_exporter)")" = /usr/bin/greenapi_exporter ]

# Any warning is an error.
[ -z "$(systemd-analyze verify --man=no --recursive-errors=no "$unit" 2>&1 | tee /dev/stderr)" ]

# Create the files of a service that has run: settings, a token and a ledger.
echo 'GREENAPI_ID_INSTANCE=1101000001' >> /etc/default/greenapi_exporter
echo token > /etc/greenapi_exporter/token
mkdir -p /var/lib/private/greenapi_exporter
ln -s private/greenapi_exporter /var/lib/greenapi_exporter
touch /var/lib/private/greenapi_exporter/ledger
systemctl enable "$unit"

# The administrator and version 99 have both changed the default file. dpkg must keep the
# administrator's changes.
$install -o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold /packages/new.deb
[ "$(dpkg-query -W -f '${Version}' greenapi-exporter)" = 99 ]
grep -x GREENAPI_ID_INSTANCE=1101000001 /etc/default/greenapi_exporter
systemctl is-enabled "$unit"
[ -e /var/lib/greenapi_exporter/ledger ]

apt-get remove --yes greenapi-exporter
grep -x GREENAPI_ID_INSTANCE=1101000001 /etc/default/greenapi_exporter
[ -e /var/lib/greenapi_exporter/ledger ]
[ ! -L /etc/systemd/system/multi-user.target.wants/"$unit" ]

apt-get purge --yes greenapi-exporter
left=$(find / -xdev \( -path /packages -o -path /proc -o -path /sys -o -path /var/log \) -prune \
	-o -iname '*greenapi*' -print)
[ -z "$left" ]

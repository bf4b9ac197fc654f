#!/bin/sh
# dpkg and rpm run this script after a removal. For a purge, dpkg runs it with the argument "purge",
# and it removes the token and the ledgers. systemd stores the ledgers in /var/lib/private.
set -e

if [ "$1" = purge ]; then
	rm -rf /etc/greenapi_exporter /var/lib/greenapi_exporter /var/lib/private/greenapi_exporter
fi
if [ -d /run/systemd/system ]; then
	systemctl daemon-reload
fi

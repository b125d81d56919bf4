#!/bin/sh
# Started by preseed/early_command, as soon as the preseed file is there: before any disk is looked at.
MUSTER=${MUSTER:-/var/lib/muster}
. "$MUSTER/lib.sh"

set_clock || log "the clock was left alone: no time from $HEALTH_URL"
stage installer-started

# A package installed later may not overwrite these: the installer's own directories take hooks by name.
hook() {
	mkdir -p "${2%/*}"
	printf '#!/bin/sh\nexec sh %s/%s\n' "$MUSTER" "$1" >"$2"
	chmod 755 "$2"
}
hook partitioned.sh /lib/partman/finish.d/99muster
hook packages.sh /usr/lib/pre-pkgsel.d/99muster
hook late.sh /usr/lib/finish-install.d/92muster
hook finish.sh /usr/lib/finish-install.d/96muster

# Looks for failures in the background. Its streams must not be those of debconf.
sh "$MUSTER/watch.sh" </dev/null >/dev/null 2>&1 3>&- &
exit 0

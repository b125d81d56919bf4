#!/bin/sh
# Run by partman/early_command: chooses the system disks, makes sure that nobody else's data is on them, hides all
# others, and tells partman what to do. Nothing is written before every question is answered.
MUSTER=${MUSTER:-/var/lib/muster}
. "$MUSTER/lib.sh"
. "$MUSTER/disks.sh"
. "$MUSTER/signatures.sh"
. "$MUSTER/marker.sh"
. "$MUSTER/hide.sh"

stage partitioning
self_test || fail "the tools of this installer cannot look at disks as they should"

# Disks may still be turning up: controllers take their time.
tries=0
until disks=$(select_disks 2>"$MUSTER/why"); do
	tries=$((tries + 1))
	[ "$tries" -ge "${DISK_TRIES:-10}" ] && break
	sleep 3
	udevadm settle 2>/dev/null
done
if [ -z "$disks" ] || [ "$(echo "$disks" | wc -l)" != "$(printf '%s\n' "$DISK_RULES" | wc -l)" ]; then
	there=$(for name in $(candidates); do describe "$name"; done | tr '\n' ';' | sed 's/;$//; s/;/; /g')
	fail "the install disk is not singled out: $(cat "$MUSTER/why"). Disks here: ${there:-none}"
fi

guard() {
	contents "$(device "$1")" "$(bytes_of "$1")" | sort -u >"$WORK/contents"
	[ -s "$WORK/contents" ] || { log "$(describe "$1") is blank"; return 0; }
	found=$(tr '\n' ';' <"$WORK/contents" | sed 's/;$//; s/;/; /g')
	if [ "$WIPE" = 1 ]; then
		log "$(describe "$1") is overwritten as asked for (install.wipe): $found"
		return 0
	fi
	if why=$(own "$1"); then
		log "$(describe "$1") is this machine's own earlier system disk"
		return 0
	fi
	fail "$(describe "$1") is not empty: $found${why:+; $why}. Nothing was written. Set install.wipe to overwrite it, or choose another disk."
}
for disk in $disks; do
	guard "$disk"
done
for disk in $disks; do
	[ -n "$(serial_of "$disk")$(wwn_of "$disk")" ] ||
		log "$(describe "$disk") has neither a serial number nor a WWN: it will be known again by its marker, model and size only"
done
echo "$disks" >"$MUSTER/system-disks"

for name in $(candidates); do
	echo "$disks" | grep -qx "$name" || hide "$name"
done
for disk in $disks; do
	clear_disk "$disk" || fail "$(describe "$disk") could not be prepared"
	marker_write "$disk" || fail "the marker could not be written to $(describe "$disk")"
done

part() {
	case $1 in *[0-9]) echo "$(device "$1")p$2" ;; *) echo "$(device "$1")$2" ;; esac
}

devices=$(for disk in $disks; do device "$disk"; done | tr '\n' ' ' | sed 's/ $//')
if [ "$(firmware)" = uefi ]; then
	recipe=$RECIPE_UEFI raid=$RAID_UEFI
else
	recipe=$RECIPE_BIOS raid=$RAID_BIOS
fi
debconf-set partman-auto/disk "$devices"
debconf-set partman-auto/method "$METHOD"
debconf-set partman-auto/expert_recipe "$recipe"
debconf-set grub-installer/bootdev "$devices"
if [ "$METHOD" = raid ]; then
	# Two disks are no file that grub-installer would find: it takes them without a question when they count as answered.
	if [ "$(firmware)" != uefi ]; then
		echo "d-i grub-installer/bootdev string $devices" >"$MUSTER/bootdev"
		debconf-set-selections "$MUSTER/bootdev"
	fi
	# shellcheck disable=SC2086
	set -- $disks
	for n in 1 2 3 4; do
		raid=$(echo "$raid" | sed "s,@A$n@,$(part "$1" $n),g; s,@B$n@,$(part "$2" $n),g")
	done
	debconf-set partman-auto-raid/recipe "$raid"
fi

# Security updates come through the appliance too; a mirror without them must not end in a dialogue.
if wget -q --spider -T 20 -t 2 "$SECURITY_URL/dists/$CODENAME-security/Release"; then
	debconf-set apt-setup/services-select "security, updates"
else
	log "no security updates: $SECURITY_URL does not serve $CODENAME-security"
	debconf-set apt-setup/services-select "updates"
fi
exit 0

# shellcheck shell=sh
# RAID1 on UEFI: both disks get the same EFI system partition and a boot entry of their own. The list of partitions
# is kept in the installed system, which copies the first to the others after every change (boot-templates/first-boot/esp).

mkdir -p /target/etc/muster
: >/target/etc/muster/esps
for disk in $(system_disks); do
	for link in /dev/disk/by-partuuid/*; do
		case $(readlink -f "$link") in
		"$(device "$disk")1" | "$(device "$disk")p1") echo "${link##*/}" >>/target/etc/muster/esps ;;
		esac
	done
done
[ "$(wc -l </target/etc/muster/esps)" = 2 ] || fail "the EFI system partitions of both disks were not found"
# The machine must come up with either disk missing. Nothing waits for a mount that may fail, so a slow disk gets its minute.
sed -i 's,^\([^#][^ 	]*[ 	]*/boot/efi[ 	]*vfat[ 	]*\)\([^ 	]*\),\1\2\,nofail\,x-systemd.device-timeout=60s,' /target/etc/fstab
grep -q '/boot/efi.*nofail' /target/etc/fstab || fail "the EFI system partition is not in the new system's fstab"
inside systemctl enable muster-esp.service
inside /usr/local/lib/muster/esp

#!/bin/sh
# Writes the socket units of one interface: sudo sh examples/systemd/add-interface.sh enp3s0
# DESTDIR puts them below another root.
set -eu

interface=${1:?name the interface the machines are on}
case $interface in
  *[!A-Za-z0-9_.-]*) echo "$interface is no name of an interface" >&2; exit 2 ;;
esac
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
units=${DESTDIR:-}/etc/systemd/system
install -d "$units"

for purpose in dhcp proxy tftp syslog; do
  unit=muster-$purpose-$interface.socket
  sed -e '/^#/d' -e "s/eth1/$interface/g" "$here/muster-$purpose-eth1.socket" > "$units/$unit"
  echo "$units/$unit"
done
if [ -z "${DESTDIR:-}" ]; then
  systemctl daemon-reload
  echo "Then: systemctl enable --now muster-dhcp-$interface.socket muster-proxy-$interface.socket muster-tftp-$interface.socket"
fi

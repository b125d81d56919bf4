#!/bin/sh
# Stands for every program that the node script calls, under its name. $LAB holds the machine (root), what the appliance
# remembers, and the count of calls; at call number $KILL_AT the whole script is killed, as by a power cut.
name=${0##*/}
appliance=$LAB/appliance
root=$LAB/root

die_here() {
	calls=$(($(cat "$LAB/calls") + 1))
	echo "$calls" >"$LAB/calls"
	if [ "$calls" = "${KILL_AT:-0}" ]; then
		echo "$name $*" >"$LAB/killed-at"
		kill -9 "-$(cat "$LAB/group")"
		exec /bin/sleep 5
	fi
}

real() {
	PATH=$REAL_PATH exec "$name" "$@"
}

remember() {
	echo "$*" >>"$LAB/log"
}

# What kubeadm init and join write, in its order; a power cut may fall between any two.
write() {
	mkdir -p "$root${1%/*}"
	echo "$2" >"$root$1"
	die_here write "$1"
}

control_plane() {
	[ "$(wc -l <"$root/etc/kubernetes/pki/ca.key")" -gt 0 ] || exit 1
	write /etc/kubernetes/pki/apiserver.crt "a certificate"
	write /etc/kubernetes/admin.conf "an admin"
	[ "$1" != init ] || write /etc/kubernetes/super-admin.conf "a super admin"
	write /etc/kubernetes/manifests/kube-apiserver.yaml "a pod"
	if [ ! -e "$root/var/lib/etcd/member/id" ]; then
		mkdir -p "$root/var/lib/etcd/member"
		if [ "$1" = init ]; then
			echo "cluster-$(cat "$LAB/calls")-$$" >"$root/var/lib/etcd/member/id"
		else
			cp "$appliance/etcd-id" "$root/var/lib/etcd/member/id"
		fi
	fi
	cat "$root/var/lib/etcd/member/id" >>"$LAB/etcd-ids"
	die_here etcd
}

kubeadm() {
	what=$1
	case " $* " in *" --config "*) grep -o '[a-z0-9]\{6\}\.[a-z0-9]\{16\}' "$3" >"$LAB/token-used" ;; esac
	case $what in
	init)
		case "$*" in
		*DirAvailable--var-lib-etcd*) ;;
		*)
			if [ -e "$root/etc/kubernetes/manifests/kube-apiserver.yaml" ] || [ -d "$root/var/lib/etcd/member" ]; then
				echo "[ERROR DirAvailable--var-lib-etcd]: /var/lib/etcd is not empty"
				exit 1
			fi
			;;
		esac
		control_plane init
		write /etc/kubernetes/kubelet.conf "a kubelet"
		;;
	join)
		if [ -e "$LAB/fail-join" ]; then
			rm -f "$LAB/fail-join"
			write /etc/kubernetes/kubelet.conf "half a kubelet"
			echo "error execution phase kubelet-start: timed out with token abcdef.0123456789abcdef"
			exit 1
		fi
		for file in kubelet.conf bootstrap-kubelet.conf; do
			[ ! -e "$root/etc/kubernetes/$file" ] || { echo "[ERROR FileAvailable--$file]"; exit 1; }
		done
		if grep -q '^controlPlane:' "$3"; then
			[ ! -d "$root/var/lib/etcd/member" ] || { echo "[ERROR DirAvailable--var-lib-etcd]"; exit 1; }
			control_plane join
		else
			[ ! -e "$root/etc/kubernetes/pki/ca.crt" ] || { echo "[ERROR FileAvailable--ca.crt]"; exit 1; }
			write /etc/kubernetes/bootstrap-kubelet.conf "a token"
			write /etc/kubernetes/pki/ca.crt "a certificate"
			rm -f "$root/etc/kubernetes/bootstrap-kubelet.conf"
		fi
		write /etc/kubernetes/kubelet.conf "a kubelet"
		;;
	reset) rm -rf "$root/etc/kubernetes/manifests" "$root/etc/kubernetes/"*.conf ;;
	esac
}

# The appliance: one sticky init, joins afterwards, as the turns of the real one are told apart.
turn() {
	case "$1" in *'"step":"addons"'*) if [ -e "$appliance/addons" ]; then echo "action=done"; else echo "action=addons"; fi; return ;; esac
	if [ -e "$appliance/acknowledged" ]; then
		echo "action=done"
	elif [ -s "$appliance/orders" ]; then
		head -n 1 "$appliance/orders"
		sed -i 1d "$appliance/orders"
	else
		cat "$appliance/turn"
	fi
	echo "token=$(printf '%06d.%016d' "$(cat "$LAB/calls")" 7)"
	echo "retrySeconds=0"
	echo "reason='because a test says so'"
}

# Answers that are no, one in each line: what is asked for and the code.
refused() {
	next=$(head -n 1 "$appliance/refusals" 2>/dev/null)
	[ -n "$next" ] && [ "${1##*/}" = "${next% *}" ] || return 1
	sed -i 1d "$appliance/refusals"
	echo "the store is busy" >"$out"
	printf %s "${next#* }"
}

curl() {
	out=''
	url=''
	data=''
	while [ $# -gt 0 ]; do
		case $1 in
		-o) out=$2; shift ;;
		--data-binary) data=$(cat "${2#@}"); shift ;;
		-w | --max-time | --cacert | --cert | --key | -H | --retry | --speed-limit | --speed-time) shift ;;
		-*) ;;
		*) url=$1 ;;
		esac
		shift
	done
	if refused "$url"; then return; fi
	case $url in
	*/mirror/*) cp "$appliance/files/${url##*/}" "$out" ;;
	*/payload)
		if [ -s "$appliance/unready" ]; then
			head -n 1 "$appliance/unready"
			sed -i 1d "$appliance/unready"
		else
			cp "$appliance/payload" "$out"
			printf 200
		fi
		;;
	*/turn) turn "$data" >"$out"; printf 200 ;;
	*/secrets) cp "$appliance/secrets.tar" "$out"; remember secrets; printf 200 ;;
	*/addons) : >"$out"; printf 204 ;;
	*/routes) cp "$appliance/routes" "$out"; printf 200 ;;
	*/report)
		: >"$out"
		case $data in
		*'"step":"kubeadm","state":"done"'*)
			if [ -e "$appliance/not-believed" ]; then
				rm -f "$appliance/not-believed"
				echo "it is not its turn" >"$out"
				printf 409
				return
			fi
			;;
		esac
		printf '%s\n' "$data" >>"$appliance/reports"
		case $data in
		*'"step":"kubeadm","state":"done"'*) : >"$appliance/acknowledged" ;;
		*'"step":"addons","state":"done"'*) : >"$appliance/addons" ;;
		esac
		printf 204
		;;
	esac
}

case $name in
mv | rm | tar | sync | chmod | install) die_here "$@"; real "$@" ;;
esac
die_here "$@"
case $name in
curl) curl "$@" ;;
kubeadm) remember "kubeadm $1"; kubeadm "$@" ;;
ip)
	case "$*" in
	*addr*) echo "2: enp1s0    inet $OWN_ADDRESS/24 brd 10.20.0.255 scope global enp1s0" ;;
	*"route show"*) cat "$LAB/routes" 2>/dev/null ;;
	*"route replace"*) echo "$3 via $5 dev enp1s0" >>"$LAB/routes"; remember "ip $*" ;;
	*) remember "ip $*" ;;
	esac
	;;
dpkg-query) if grep -qx "$4" "$LAB/packages" 2>/dev/null; then echo installed; fi ;;
apt-get)
	remember "apt-get $*"
	for word; do case $word in [a-z]*) echo "$word" >>"$LAB/packages" ;; esac; done
	;;
ctr) case "$*" in *"images list"*) grep -Fx "${6#name==}" "$LAB/images" 2>/dev/null ;; *"images pull"*) for last; do :; done; echo "$last" >>"$LAB/images" ;; esac ;;
crictl) echo "$2" >>"$LAB/images" ;;
systemctl)
	case "$*" in
	"is-active -q "*) grep -qx "$3" "$LAB/active" 2>/dev/null ;;
	restart* | reload*) for last; do :; done; remember "$1 $last"; echo "$last" >>"$LAB/active" ;;
	start*) remember "start $2" ;;
	stop*) remember "stop $2" ;;
	disable*) for last; do :; done; remember "disable $last" ;;
	is-enabled*) for last; do :; done; case $last in haproxy | keepalived) grep -qx "$last" "$LAB/enabled" 2>/dev/null ;; *) false ;; esac ;;
	enable*) for last; do :; done; echo "$last" >>"$LAB/enabled" ;;
	esac
	;;
ss) echo LISTEN ;;
nft) remember "nft $(cat 2>/dev/null | wc -l)" ;;
lsblk | findmnt | wipefs | swapoff | modprobe | sysctl | update-ca-certificates | dpkg | haproxy | keepalived | containerd | sshd | timeout) if [ "$name" = timeout ]; then shift; exec "$@"; fi ;;
sleep)
	# A script that waits for ever waits for nothing here.
	echo . >>"$LAB/sleeps"
	if [ "$(wc -l <"$LAB/sleeps")" -gt 40 ]; then kill -9 "-$(cat "$LAB/group")"; fi
	;;
esac

# shellcheck shell=sh
# shellcheck disable=SC2034 # used by those that source it
# What the steps of the node script share; sourced by each of them. $root is empty on a machine.
set -u
umask 022

root=${MUSTER_ROOT:-}
etc=$root/etc/muster
plan=$etc/node
state=$root/var/lib/muster
node=$state/node
run=$root/run/muster
steps=$root/usr/local/lib/muster/steps
# MACHINE, GENERATION, NODE_URL, HEALTH_URL
# shellcheck source=/dev/null
. "$etc/settings"
# ADDRESS, ROLES, STEPS and whatever else the plan says
# shellcheck source=/dev/null
. "$plan/settings"
mkdir -p "$node" "$run"
answer=$run/answer
why=

say() {
	echo "muster: $*"
}

fail() {
	say "$*"
	exit 1
}

# Tokens of kubeadm never leave the machine in a log.
without_secrets() {
	sed 's/[a-z0-9]\{6\}\.[a-z0-9]\{16\}/(token)/g'
}

json_text() {
	tr '\t' ' ' | tr -d '\000-\010\013-\037\177' | sed 's/\\/\\\\/g; s/"/\\"/g' |
		awk '{ printf "%s%s", sep, $0; sep = "\\n" }'
}

# request PATH [CURL OPTION…]: 0 when the appliance said yes. The answer is in $answer (memory, not disk), its code in $code.
request() {
	path=$1
	shift
	code=$(curl -sS --max-time 60 --cacert "$etc/ca.pem" --cert "$state/node.crt" --key "$state/node.key" \
		"$@" -o "$answer" -w '%{http_code}' "$NODE_URL/$path" 2>"$run/error") || code=000
	case $code in
	2??) return 0 ;;
	000) why="$NODE_URL/$path is not reached: $(tail -n 1 "$run/error")" ;;
	*) why="the appliance answered $code to $path: $(head -c 400 "$answer" | tr '\n' ' ')" ;;
	esac
	return 1
}

# post PATH: the body is in $run/body. No part of a pipeline, which would keep $why to itself.
post() {
	request "$1" --max-time 20 -H 'Content-Type: application/json' -H 'Accept: text/plain' --data-binary "@$run/body"
}

# tell STEP STATE [LOG]: reports a step with the tail of its log.
tell() {
	{
		printf '{"event":"step","step":"%s","state":"%s"' "$1" "$2"
		if [ -s "${3:-/dev/null}" ]; then
			printf ',"log":"%s"' "$(tail -c 4000 "$3" | without_secrets | json_text)"
		fi
		printf '}\n'
	} >"$run/body"
	post report
}

has_role() {
	case " $ROLES " in
	*" $1 "*) return 0 ;;
	esac
	return 1
}

is_node() {
	has_role control-plane || has_role worker || has_role storage
}

# in_time SECONDS COMMAND…: tries until the command succeeds, five times in the first second and every second from then on.
in_time() {
	left=$1
	quick=5
	shift
	until "$@" >/dev/null 2>&1; do
		if [ "$quick" -gt 0 ]; then
			quick=$((quick - 1))
			sleep 0.2
			continue
		fi
		left=$((left - 1))
		[ "$left" -gt 0 ] || return 1
		sleep 1
	done
}

# configured SERVICE FILE…: the service is enabled and runs with these files. Packages start their services with
# defaults, so a service that happens to run is restarted unless it was started with exactly these.
configured() {
	service=$1
	shift
	mkdir -p "$node/applied"
	wanted=$(cat "$@" | sha256sum)
	systemctl enable -q "$service"
	if [ "$wanted" = "$(cat "$node/applied/$service" 2>/dev/null)" ] && systemctl is-active -q "$service"; then
		return 0
	fi
	# With $RELOAD a service that runs with an earlier configuration of ours keeps its connections.
	how=restart
	if [ -n "${RELOAD:-}" ] && [ -e "$node/applied/$service" ]; then how=reload-or-restart; fi
	rm -f "$node/applied/$service"
	if ! systemctl "$how" "$service" || ! in_time 30 systemctl is-active -q "$service"; then
		systemctl status --no-pager -n 20 "$service" || true
		fail "$service does not run with the configuration it was given"
	fi
	echo "$wanted" >"$node/applied/$service"
}

listens() {
	ss -Hltn "sport = :$1" | grep -q .
}

# own_interface: the one with this machine's address, whatever its name is today.
own_interface() {
	found=$(ip -4 -o addr show | awk -v own="$ADDRESS" '{ split($4, part, "/"); if (part[1] == own) { sub(/@.*/, "", $2); print $2; exit } }')
	if [ -z "$found" ]; then
		fail "no interface has the address $ADDRESS of this machine; here are: $(ip -4 -o addr show scope global | awk '{ printf "%s%s %s", sep, $2, $4; sep = ", " }')"
	fi
	echo "$found"
}

# Something of a kubeadm run is here that was never acknowledged.
leftovers() {
	for trace in kubelet.conf bootstrap-kubelet.conf admin.conf pki/apiserver.crt manifests/kube-apiserver.yaml; do
		if [ -e "$root/etc/kubernetes/$trace" ]; then return 0; fi
	done
	# A worker is given no file of the cluster's PKI: this one is from a join, and would stop the next.
	if ! has_role control-plane && [ -e "$root/etc/kubernetes/pki/ca.crt" ]; then return 0; fi
	etcd_data
}

etcd_data() {
	[ -d "$root${ETCD_DATA:-/var/lib/etcd}/member" ]
}

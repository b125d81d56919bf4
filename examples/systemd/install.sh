#!/bin/sh
# Installs this checkout as a system service: sudo sh examples/systemd/install.sh
# DESTDIR puts everything below another root, for packages and images; nothing is started then.
set -eu

checkout=$(CDPATH='' cd -- "$(dirname -- "$0")/../.." && pwd)
root=${DESTDIR:-}
target=$root/opt/muster

# Brings a supported Node, the packages of the lock file and the build.
node "$checkout/src/bootstrap/muster.mjs" version
runtime=$(cd "$checkout" && node --input-type=module -e \
  'import("./src/bootstrap/node.mjs").then((node) => console.log(node.supportedNode()))')

rm -rf "$target.new"
install -d "$target.new/bin" "$root/etc/muster" "$root/etc/systemd/system" "$root/usr/local/bin"
install -m 0755 "$runtime" "$target.new/bin/node"
(cd "$checkout" && cp -a --parents package.json package-lock.json dist node_modules boot-templates preseed \
  src/adapters/http/views docs examples LICENSE "$target.new/")
(cd "$target.new" && npm prune --omit=dev --ignore-scripts --no-audit --no-fund --loglevel=error)
rm -rf "$target"
mv "$target.new" "$target"

printf '#!/bin/sh\nexec /opt/muster/bin/node /opt/muster/dist/cli/muster.js "$@"\n' > "$root/usr/local/bin/muster"
chmod 0755 "$root/usr/local/bin/muster"
install -m 0644 "$checkout/examples/systemd/muster.service" "$root/etc/systemd/system/"
if [ ! -e "$root/etc/muster/muster.yaml" ]; then
  install -m 0644 "$checkout/examples/systemd/muster.yaml" "$root/etc/muster/muster.yaml"
fi

if [ -z "$root" ]; then
  systemctl daemon-reload
  echo "Edit /etc/muster/muster.yaml, then: systemctl enable --now muster.service"
fi

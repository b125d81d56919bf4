# The base may be any Debian 12 or 13 with its own name: docker build --build-arg BASE=… .
ARG BASE=docker.io/library/debian:trixie-slim

FROM ${BASE} AS packages
# Where the public mirror or registry cannot be reached, name your own.
ARG DEBIAN_MIRROR=
ARG NPM_REGISTRY=
RUN if [ -n "${DEBIAN_MIRROR}" ]; then \
      . /etc/os-release \
      && rm -f /etc/apt/sources.list.d/* \
      && echo "deb ${DEBIAN_MIRROR} ${VERSION_CODENAME} main" > /etc/apt/sources.list; \
    fi

FROM packages AS build
ENV DEBIAN_FRONTEND=noninteractive NPM_CONFIG_UPDATE_NOTIFIER=false
RUN apt-get update \
 && apt-get -o Dpkg::Options::=--force-unsafe-io install --yes --no-install-recommends ca-certificates nodejs npm
WORKDIR /opt/muster
COPY . .
# The launcher brings a supported Node (from npm, its checksum pinned), the packages of the lock file and the build.
# Behind a proxy with a CA of its own: --secret id=ca,src=/etc/ssl/certs/ca-certificates.crt
RUN --mount=type=secret,id=ca \
    if [ -s /run/secrets/ca ]; then export NODE_EXTRA_CA_CERTS=/run/secrets/ca; fi \
 && if [ -n "${NPM_REGISTRY}" ]; then npm config set registry "${NPM_REGISTRY}"; fi \
 && node src/bootstrap/muster.mjs version \
 && npm prune --omit=dev --ignore-scripts --no-audit --no-fund --loglevel=error \
 && node="$(node --input-type=module -e 'import("/opt/muster/src/bootstrap/node.mjs").then((node) => console.log(node.supportedNode()))')" \
 && mkdir -p /out/src/adapters/http \
 && cp "${node}" /opt/node \
 && mv src/adapters/http/views /out/src/adapters/http/ \
 && mv package.json dist node_modules boot-templates preseed LICENSE /out/ \
 && rm -rf /opt/muster/* /root/.cache /root/.npm

FROM packages AS runtime
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="Muster" \
      org.opencontainers.image.description="Bootstrap appliance: DHCP, TFTP and HTTP boot, unattended installation, phone-home" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
COPY --from=build /opt/node /usr/local/bin/node
# Node alone may open ports below 1024; the process is no root and has no other right.
RUN apt-get update \
 && DEBIAN_FRONTEND=noninteractive apt-get -o Dpkg::Options::=--force-unsafe-io install --yes --no-install-recommends \
      ca-certificates debian-archive-keyring gpgv iputils-ping libcap2-bin xz-utils \
 && rm -rf /var/lib/apt/lists/* \
 && setcap cap_net_bind_service=+ep /usr/local/bin/node \
 && useradd --system --uid 10001 --user-group --home-dir /var/lib/muster --no-create-home muster \
 && install -d -o muster -g muster -m 0700 /var/lib/muster \
 && install -d /etc/muster \
 && printf '#!/bin/sh\nexec /usr/local/bin/node /opt/muster/dist/cli/muster.js "$@"\n' > /usr/local/bin/muster \
 && chmod 0755 /usr/local/bin/muster
COPY --from=build /out /opt/muster
ENV NODE_ENV=production MUSTER_DATA_DIR=/var/lib/muster
USER muster
WORKDIR /var/lib/muster
VOLUME /var/lib/muster
EXPOSE 67/udp 69/udp 4011/udp 514/udp 8080/tcp 8443/tcp
HEALTHCHECK --interval=30s --timeout=10s --start-period=15s CMD ["muster", "status", "--quiet"]
ENTRYPOINT ["muster"]
CMD ["serve"]

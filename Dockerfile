# syntax=docker/dockerfile:1

# Which Node: 24, in long-term support until April 2028. The idle agent with the sidecar bootstrap,
# resident and anonymous MB, measured: 24.21: 65/19, 22.23: 67/17, 20.20: 51/13; but 22 ends in
# April 2027, and 20, the oldest that Baton runs on, has had no security fixes since April 2026.
# The release of Debian is named so that all stages share one C library; Envoy asks for 2.30 of it
# or newer, this one has 2.36.
ARG NODE_IMAGE=node:24-bookworm-slim
ARG ENVOY_IMAGE=envoyproxy/envoy:v1.40.0

FROM ${NODE_IMAGE} AS build
WORKDIR /source
COPY package.json package-lock.json ./
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY tsconfig.json ./
COPY deploy/build.mjs deploy/bundled-text.ts deploy/run-typescript.mjs deploy/
COPY bootstrap-templates bootstrap-templates
COPY src src
RUN npm run build

FROM ${NODE_IMAGE} AS init
RUN apt-get update && apt-get install --yes --no-install-recommends tini

FROM ${ENVOY_IMAGE} AS envoy

# deploy/assemble-image.mjs reads this stage and makes the same file system without a container
# engine, its RUN line included; keep that line to what sh and coreutils can do.
FROM ${NODE_IMAGE}
LABEL org.opencontainers.image.title="baton" \
      org.opencontainers.image.description="Runs Envoy and replaces it without traffic noticing" \
      org.opencontainers.image.licenses="Apache-2.0"

# 1337 is the user whose traffic a sidecar's redirection leaves alone. The package managers go:
# nothing is installed into a running container. Base: coreutils' mkfifo (Baton's pipes) and bash
# (the health check) are used from it.
RUN echo 'baton:x:1337:1337::/nonexistent:/bin/false' >> /etc/passwd \
 && echo 'baton:x:1337:' >> /etc/group \
 && install -d -m 0700 -o 1337 -g 1337 /run/baton \
 && install -d /etc/certs \
 && ln -s baton.mjs /usr/local/bin/baton \
 && echo 'source <(baton completion bash)' >> /etc/bash.bashrc \
 && rm -rf /opt/yarn-* /usr/local/lib/node_modules \
           /usr/local/bin/npm /usr/local/bin/npx /usr/local/bin/corepack \
           /usr/local/bin/yarn /usr/local/bin/yarnpkg

COPY --from=init /usr/bin/tini /usr/bin/tini
COPY --from=envoy /usr/local/bin/envoy /usr/local/bin/envoy
COPY --chmod=0755 deploy/image/probe.sh /usr/local/bin/baton-probe
COPY --from=build /source/dist/baton.mjs /usr/local/bin/baton.mjs

# The root file system may be read-only; all that is written goes to the run directory. It holds
# copies of private keys: give it memory, not a disk, so there is no VOLUME here.
#   docker run --read-only --tmpfs /var/run/baton:uid=1337,gid=1337,mode=0700 ...
#   Kubernetes: readOnlyRootFilesystem: true and an emptyDir of medium Memory
# Envoy's hot restart keeps its shared memory in /dev/shm, which the engine provides.
ENV TMPDIR=/var/run/baton
USER 1337:1337
EXPOSE 15020
STOPSIGNAL SIGTERM

# For engines that restart what is unhealthy, so it asks whether the agent lives, not whether
# traffic is served: a crashed Envoy is Baton's to restart. Kubernetes ignores it: there use
# httpGet /healthz/live and /healthz/ready on 15020.
HEALTHCHECK --interval=30s --timeout=3s --start-period=10s CMD ["baton-probe"]

# tini reaps what is orphaned, which Node as process 1 does not, and hands signals to Baton alone:
# when Envoy ends is Baton's decision, so no -g.
ENTRYPOINT ["tini", "--", "baton"]
CMD ["run"]

# Where npx and uvx servers run (Obot:Hosting:Docker:RuntimeImage): Node.js, uv, Python and the shim as their bridge.
#   docker build -f deploy/runtime.Dockerfile --build-arg SHIM=registry.example.com/obot/shim:1 -t registry.example.com/obot/runtime:1 .
ARG SHIM=obot/shim
FROM ${SHIM} AS shim
FROM ghcr.io/astral-sh/uv:0.9 AS uv

FROM node:22-bookworm-slim
RUN apt-get update && apt-get install -y --no-install-recommends ca-certificates git libssl3 python3 && rm -rf /var/lib/apt/lists/* \
 && groupadd -g 10001 obot && useradd -u 10001 -g 10001 -d /home/obot -M obot \
 && install -d -o 10001 -g 10001 -m 0700 /home/obot /packages
COPY --from=uv /uv /uvx /usr/local/bin/
COPY --from=shim /opt/obot/Obot.Shim /opt/obot/Obot.Shim
ENV HOME=/home/obot NODE_EXTRA_CA_CERTS=/etc/ssl/certs/ca-certificates.crt
WORKDIR /home/obot
USER 10001:10001
ENTRYPOINT ["/opt/obot/Obot.Shim"]

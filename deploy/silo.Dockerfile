# A silo with every role; it needs PostgreSQL (Obot__Database__ConnectionString).
#   docker build -f deploy/silo.Dockerfile --build-arg SHIM=registry.example.com/obot/shim:1 -t registry.example.com/obot/silo:1 .
ARG SHIM=obot/shim
FROM ${SHIM} AS shim

FROM mcr.microsoft.com/dotnet/sdk:10.0-noble AS build
WORKDIR /src
COPY . .
RUN dotnet publish Silo -c Release -o /out --nologo && install -d -m 0700 /data

# Node.js, for npx servers as processes, is not here: with this image packages belong in containers (Obot__Hosting__Backend)
FROM mcr.microsoft.com/dotnet/aspnet:10.0-noble-chiseled
COPY --from=build /out /app
COPY --from=build --chown=10001:10001 /data /data
COPY --from=shim /opt/obot/Obot.Shim /app/Obot.Shim
ENV Obot__Url=http://0.0.0.0:8080 Obot__DataFolder=/data
EXPOSE 8080 8443 11111 30000
VOLUME /data
USER 10001:10001
ENTRYPOINT ["/app/Obot.Silo"]

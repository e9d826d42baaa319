# The guard (Obot:Hosting:Docker:ShimImage), and a stage that others take the shim from.
#   docker build -f deploy/shim.Dockerfile -t registry.example.com/obot/shim:1 .
FROM mcr.microsoft.com/dotnet/sdk:10.0-noble AS build
RUN apt-get update && apt-get install -y --no-install-recommends clang zlib1g-dev && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY global.json Directory.Build.props Directory.Packages.props .editorconfig BannedSymbols.txt ./
COPY Shim.Contracts Shim.Contracts
COPY Shim Shim
RUN dotnet publish Shim -c Release --use-current-runtime -o /out --nologo && install -d -m 0700 /var/obot

# glibc, OpenSSL and certificates, no shell, a user that is not root
FROM mcr.microsoft.com/dotnet/runtime-deps:10.0-noble-chiseled
COPY --from=build /out/Obot.Shim /opt/obot/Obot.Shim
COPY --from=build --chown=10001:10001 /var/obot /var/obot
USER 10001:10001
ENTRYPOINT ["/opt/obot/Obot.Shim"]

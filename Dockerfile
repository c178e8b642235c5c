# docker build -t walferry .
# docker run -v ./walferry.toml:/etc/walferry/walferry.toml:ro -v ./secrets:/run/secrets:ro \
#     -p 9780:9780 --read-only --cap-drop ALL walferry
#
# In the configuration: `listen = "0.0.0.0:9780"`, so that the published port reaches it, and
# `password_file = "/run/secrets/source"`. The files must be readable by user 65532. Large
# transactions wait in `[apply] spool_dir`: mount a volume there that this user may write to, or set
# `spool_max = "0"` and leave them to the source.

FROM rust:1.95-slim-bookworm AS build
# aws-lc-rs compiles C
RUN apt-get update \
    && apt-get install -y --no-install-recommends build-essential \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /walferry
COPY Cargo.toml Cargo.lock ./
COPY src src
COPY migrations migrations
COPY config config
# the test target that Cargo.toml names has to exist
COPY tests tests
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/walferry/target \
    cargo build --release --locked \
    && cp target/release/walferry /usr/local/bin/walferry \
    && strip /usr/local/bin/walferry

# distroless: glibc, root certificates, a user 65532, and neither shell nor package manager.
# The glibc of bookworm, which the build used.
FROM gcr.io/distroless/cc-debian12:nonroot
COPY --from=build /usr/local/bin/walferry /usr/bin/walferry
EXPOSE 9780
# drains the batch in flight, within 20 s; give it `--stop-timeout 60`
STOPSIGNAL SIGTERM
# There is no shell and no curl here, so the health check is the orchestrator's: GET /healthz for
# liveness, GET /readyz for readiness, port 9780. For plain docker, `walferry status` answers.
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s \
    CMD ["/usr/bin/walferry", "--config", "/etc/walferry/walferry.toml", "status"]
ENTRYPOINT ["/usr/bin/walferry", "--config", "/etc/walferry/walferry.toml"]
CMD ["run"]

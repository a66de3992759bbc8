# vidne alone, without a shell, as nobody in particular. It writes to /var/lib/vidne only.
#
#   docker build --tag vidne .            or: buildah bud --tag vidne .
#   docker run --read-only --volume vidne:/var/lib/vidne --network host vidne
#
# Other base images, for example from a registry of your own: --build-arg BUILD_IMAGE=... --build-arg RUNTIME_IMAGE=...

# Rust and a C compiler.
ARG BUILD_IMAGE=docker.io/library/rust:1.94-bookworm
# glibc and libgcc, not older than those of the image that builds.
ARG RUNTIME_IMAGE=gcr.io/distroless/cc-debian12:nonroot

FROM ${BUILD_IMAGE} AS build
WORKDIR /src
COPY Cargo.toml Cargo.lock build.rs ./
COPY .cargo .cargo
COPY migrations migrations
COPY proto proto
COPY src src
# What the program can do beside: `s3,azblob,gcs`.
ARG FEATURES=""
RUN cargo build --release --locked --bin vidne --features "${FEATURES}" && mkdir -p /out/data && cp target/release/vidne /out/vidne

FROM ${RUNTIME_IMAGE}
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="vidne" \
      org.opencontainers.image.description="An audit-event service: records who did what to whom, and keeps it in order" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
COPY --from=build /out/vidne /usr/local/bin/vidne
COPY --from=build --chown=65532:65532 /out/data /var/lib/vidne
ENV VIDNE_DATA_DIR=/var/lib/vidne
WORKDIR /var/lib/vidne
VOLUME /var/lib/vidne
EXPOSE 50051 50052 9464
USER 65532:65532
ENTRYPOINT ["/usr/local/bin/vidne"]
CMD ["serve"]

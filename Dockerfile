# syntax=docker/dockerfile:1

# Container images of the server, for x86-64.
#
#   docker build -t mien .                               CPU, the default target
#   docker build -t mien:gpu --target gpu .              CUDA; start with `docker run --gpus all`
#   docker build --target symbols --output symbols .     debug information of the binary
#
# The images are based on plain Debian. The CUDA and cuDNN libraries come from NVIDIA's Python wheels, the same
# pinned files as in `cargo xtask setup --gpu`. The driver comes from the host. An nvidia/cuda base image would
# contain a second copy of the libraries.
#
# Cache mounts store compiled dependencies and runtime libraries between builds. A change of a source file therefore
# compiles only the crates of this repository, and does not download the runtime libraries again.
# Cargo locks its registry, so the cache of the registry does not need `sharing=locked`. Buildah 1.28 releases only
# one of several locks of a RUN instruction (containers/buildah#4349), and the next stage with this cache would wait
# forever.

FROM rust:1.95.0-slim-bookworm AS source
RUN test "$(dpkg --print-architecture)" = amd64 \
    || { echo "the pinned runtime libraries are for x86-64; build with --platform linux/amd64" >&2; exit 1; }
# pip downloads the runtime libraries, make builds jemalloc. Their versions are those of Debian.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends make python3-pip \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /mien
COPY . .

FROM source AS build
# Cargo compares modification times, which are misleading if an older checkout is built after a newer one. `cargo clean`
# therefore removes the crates of this repository from the cache.
# Most of the binary is debug information. The link lets debuggers and backtraces find it if mien.debug is in the
# directory of the binary.
RUN --mount=type=cache,id=mien-registry,target=/usr/local/cargo/registry \
    --mount=type=cache,id=mien-server,target=/mien/target,sharing=locked \
    cargo clean --release --locked --package mien --package mien-faces --package mien-host --package mien-loadgen --package mien-onnx \
    && cargo build --release --locked --package mien --features jemalloc \
    && mkdir /out \
    && objcopy --only-keep-debug target/release/mien /out/mien.debug \
    && objcopy --strip-debug --add-gnu-debuglink=/out/mien.debug target/release/mien /out/mien

FROM scratch AS symbols
COPY --from=build /out/mien.debug /

# The bill of materials has the time of SOURCE_DATE_EPOCH, because the sources in the image do not have a commit.
FROM source AS runtime-cpu
ARG SOURCE_DATE_EPOCH
RUN --mount=type=cache,id=mien-registry,target=/usr/local/cargo/registry \
    --mount=type=cache,id=mien-xtask,target=/mien/target,sharing=locked \
    --mount=type=cache,id=mien-runtime-cpu,target=/mien/.runtime,sharing=locked \
    cargo clean --locked --package xtask \
    && cargo xtask setup --serving \
    && cargo xtask sbom --output /opt/sbom.cdx.json \
    && cp --archive .runtime/onnxruntime .runtime/openvino .runtime/yunet /opt/

FROM source AS runtime-gpu
ARG SOURCE_DATE_EPOCH
RUN --mount=type=cache,id=mien-registry,target=/usr/local/cargo/registry \
    --mount=type=cache,id=mien-xtask,target=/mien/target,sharing=locked \
    --mount=type=cache,id=mien-runtime-gpu,target=/mien/.runtime,sharing=locked \
    cargo clean --locked --package xtask \
    && cargo xtask setup --serving --gpu \
    && cargo xtask sbom --output /opt/sbom.cdx.json \
    && cp --archive .runtime/onnxruntime .runtime/nvidia .runtime/openvino .runtime/yunet /opt/

FROM debian:bookworm-slim AS server
COPY --from=build /out/mien /usr/local/bin/mien
COPY models /models
ENV MIEN_ADDR=0.0.0.0:8080 \
    MIEN_DETECTOR=/opt/yunet/face_detection_yunet_2023mar.onnx \
    MIEN_MODELS=/models \
    MIEN_OPENVINO_PLUGIN=/opt/openvino/libonnxruntime_providers_openvino_plugin.so \
    MIEN_STATE=memory \
    MIEN_TUNE_CACHE=/state/tuning \
    ORT_DISABLE_TELEMETRY=1 \
    ORT_DYLIB_PATH=/opt/onnxruntime/libonnxruntime.so
# /state stores the tuning results and, with MIEN_STATE=/state, evaluations. `--volume mien-state:/state` preserves them
# when the container is removed. A new volume gets the owner of this directory. If the server cannot write to /state
# (`--read-only` without a volume, or another user), the server measures for a few seconds after each start.
RUN install --directory --owner=65532 --group=65532 /state
# An unprivileged user without an account.
USER 65532:65532
EXPOSE 8080
STOPSIGNAL SIGTERM
# The OCI image format has no health check: Podman and Buildah ignore this line unless they build with
# `--format docker`, and Kubernetes ignores it in every image.
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s CMD ["mien", "health"]
ENTRYPOINT ["mien"]
CMD ["serve"]
LABEL org.opencontainers.image.title="mien" \
    org.opencontainers.image.description="An inference server for facial-expression classification" \
    org.opencontainers.image.version="0.1.0" \
    org.opencontainers.image.licenses="MIT OR Apache-2.0"

FROM server AS gpu
COPY --from=runtime-gpu /opt/onnxruntime /opt/onnxruntime
COPY --from=runtime-gpu /opt/nvidia /opt/nvidia
COPY --from=runtime-gpu /opt/openvino /opt/openvino
COPY --from=runtime-gpu /opt/yunet /opt/yunet
COPY --from=runtime-gpu /opt/sbom.cdx.json /usr/share/doc/mien/sbom.cdx.json
ENV LD_LIBRARY_PATH=/opt/nvidia \
    NVIDIA_VISIBLE_DEVICES=all \
    NVIDIA_DRIVER_CAPABILITIES=compute,utility

FROM server AS cpu
COPY --from=runtime-cpu /opt/onnxruntime /opt/onnxruntime
COPY --from=runtime-cpu /opt/openvino /opt/openvino
COPY --from=runtime-cpu /opt/yunet /opt/yunet
COPY --from=runtime-cpu /opt/sbom.cdx.json /usr/share/doc/mien/sbom.cdx.json

# syntax=docker/dockerfile:1

# Container images of the server.
#
#   docker build -t mien .                        CPU, the default target
#   docker build -t mien:gpu --target gpu .       CUDA; start with `docker run --gpus all`
#
# Both images are based on plain Debian. The CUDA and cuDNN libraries come from NVIDIA's Python wheels, the same
# pinned files as in `cargo xtask setup --gpu`. The driver comes from the host. An nvidia/cuda base image would
# contain a second copy of the libraries.

FROM rust:1.95.0-slim-bookworm AS source
# pip downloads the runtime libraries. Its version is that of Debian.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends python3-pip \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /mien
COPY . .

FROM source AS build
RUN cargo build --release --locked --package mien

FROM source AS runtime-cpu
RUN cargo xtask setup --serving

FROM source AS runtime-gpu
RUN cargo xtask setup --serving --gpu

FROM debian:bookworm-slim AS server
COPY --from=build /mien/target/release/mien /usr/local/bin/mien
COPY models /models
ENV MIEN_ADDR=0.0.0.0:8080 \
    MIEN_MODELS=/models \
    MIEN_STATE=memory \
    MIEN_TUNE_CACHE=/state/tuning \
    ORT_DISABLE_TELEMETRY=1 \
    ORT_DYLIB_PATH=/opt/onnxruntime/libonnxruntime.so
# /state stores the tuning results and, with MIEN_STATE=/state, evaluations. `--volume mien-state:/state` preserves them
# when the container is removed. A new volume gets the owner of this directory. If the server cannot write to /state
# (`--read-only` without a volume, or another user), each start measures for a few seconds.
RUN install --directory --owner=65532 --group=65532 /state
# An unprivileged user without an account.
USER 65532:65532
EXPOSE 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s CMD ["mien", "health"]
ENTRYPOINT ["mien"]
CMD ["serve"]

FROM server AS gpu
COPY --from=runtime-gpu /mien/.runtime/onnxruntime /opt/onnxruntime
COPY --from=runtime-gpu /mien/.runtime/nvidia /opt/nvidia
ENV LD_LIBRARY_PATH=/opt/nvidia \
    NVIDIA_VISIBLE_DEVICES=all \
    NVIDIA_DRIVER_CAPABILITIES=compute,utility

FROM server AS cpu
COPY --from=runtime-cpu /mien/.runtime/onnxruntime /opt/onnxruntime

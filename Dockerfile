# syntax=docker/dockerfile:1

# mien in a container.
#
#   docker build -t mien .                        CPU, the default target
#   docker build -t mien:gpu --target gpu .       CUDA; start with `docker run --gpus all`
#
# Both final images are plain Debian: ONNX Runtime's CUDA build runs on the CUDA and cuDNN libraries of
# NVIDIA's own Python wheels, the same pinned files as `cargo xtask setup --gpu`, and the driver comes from
# the host. An nvidia/cuda base would carry a second copy of them.

FROM rust:1.95.0-slim-bookworm AS source
# pip fetches the runtime libraries. Its version is Debian's own.
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
    ORT_DYLIB_PATH=/opt/onnxruntime/libonnxruntime.so
# What the server measures at its first start is kept in /state, and with MIEN_STATE=/state evaluations too: they outlive
# a container with `--volume mien-state:/state`. A new volume belongs to the owner of this folder. With `--read-only` and
# no volume, or as any other user, nothing is kept, and each start measures for a few seconds.
RUN install --directory --owner=65532 --group=65532 /state
# Nobody in particular.
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

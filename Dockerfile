# glyphsr in containers, as an ordinary user. Targets: cli (default), serve, demo.
#   docker build -t glyphsr .                                               the command, on a CPU
#   docker build --target serve -t glyphsr-serve .                          the HTTP service
#   docker build --build-arg TORCH=cu128 --target serve -t glyphsr-cuda .   on NVIDIA GPUs; the wheels bring CUDA along
ARG PYTHON=3.12

FROM python:${PYTHON}-slim AS base
ENV PATH=/opt/glyphsr/bin:$PATH PYTHONUNBUFFERED=1
RUN useradd --create-home --uid 1000 glyphsr && mkdir /data && chown glyphsr /data

FROM base AS build
ARG TORCH=cpu
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
SHELL ["/bin/bash", "-o", "pipefail", "-c"]
RUN python -m venv /opt/glyphsr \
    && pip install "torch>=2.6" "torchvision>=0.21" --index-url "https://download.pytorch.org/whl/${TORCH}"
WORKDIR /src
COPY pyproject.toml setup.py README.md LICENSE NOTICE ./
COPY configs ./configs
COPY glyphsr ./glyphsr
COPY glyphsr_cli ./glyphsr_cli
# cv2 as it is needs libraries of a desktop, which a container lacks; opencv-python-headless has the same without them.
RUN pip install . \
    && pip list --format=freeze | sed -n 's/^opencv-python==/opencv-python-headless==/p' > /tmp/headless.txt \
    && pip uninstall -y opencv-python \
    && pip install --no-deps -r /tmp/headless.txt

# Only what an extra adds: glyphsr itself would bring opencv-python back.
FROM build AS build-serve
RUN pip install "fastapi>=0.110" "uvicorn>=0.29" "python-multipart>=0.0.9" "prometheus-client>=0.20"

FROM build AS build-demo
RUN pip install "gradio>=6"

FROM base AS demo
COPY --from=build-demo /opt/glyphsr /opt/glyphsr
WORKDIR /data
USER 1000
EXPOSE 7860
HEALTHCHECK --start-period=60s CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:7860')"]
ENTRYPOINT ["glyphsr"]
CMD ["demo", "--host", "0.0.0.0"]

FROM base AS serve
COPY --from=build-serve /opt/glyphsr /opt/glyphsr
WORKDIR /data
USER 1000
EXPOSE 8000
HEALTHCHECK --start-period=60s CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/healthz')"]
ENTRYPOINT ["glyphsr"]
CMD ["serve", "--host", "0.0.0.0"]

FROM base AS cli
COPY --from=build /opt/glyphsr /opt/glyphsr
WORKDIR /data
USER 1000
ENTRYPOINT ["glyphsr"]
CMD ["--help"]

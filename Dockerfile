# An emulated Pico with both engines, for CI: docker build -t renode-pico . after `make dist`.
#
#   docker run --rm -v "$PWD:/work" renode-pico run blink.uf2 --expect 'LED on' --timeout 10
#   docker run --rm -v "$PWD:/work" --entrypoint pytest renode-pico
FROM python:3.12-slim

# libicu: .NET inside Renode's portable release asks for it
RUN apt-get update \
 && apt-get install -y --no-install-recommends libicu-dev \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --create-home --uid 1000 pico \
 && mkdir /work && chown pico /work

COPY dist/*.whl /tmp/dist/
RUN pip install --no-cache-dir /tmp/dist/*.whl pytest robotframework

USER pico
ARG RENODE_VERSION=1.16.1
RUN renode-pico setup renode --version "$RENODE_VERSION"

WORKDIR /work
ENTRYPOINT ["renode-pico"]
CMD ["doctor"]

# An emulated Pico with both engines, for CI: docker build -t renode-pico . after `make dist`. Podman and buildah do it too.
#
#   docker run --rm -v "$PWD:/work" renode-pico run blink.uf2 --expect 'LED on' --timeout 10
#   docker run --rm -v "$PWD:/work" --entrypoint pytest renode-pico
#
# --build-arg BASE=python:3.13-slim           another Python; any Debian with python3 and python3-venv will do
# --build-arg PACKAGES="tshark gdb-multiarch" Debian packages that your tests need as well
# --build-arg RENODE_VERSION=none             the embedded engine alone, a smaller image
# --build-arg RENODE_FROM=renode-1.16.1.linux-portable-dotnet.tar.gz    that archive in dist/, nothing is downloaded;
#   a Renode that was built for Mono: PACKAGES="mono-devel libmonosgen-2.0-1", and pyrenode3's wheel in dist/ without a network
ARG BASE=python:3.12-slim
FROM ${BASE}

# libicu: .NET inside Renode's portable release asks for it
ARG PACKAGES=""
RUN apt-get update \
 && apt-get install -y --no-install-recommends '^libicu[0-9]+$' $PACKAGES \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --create-home --uid 1000 pico \
 && install -d -o pico -g pico /work /opt/renode-pico

# not in a home: a CI service may run it as another user, with another HOME
ENV PATH=/opt/renode-pico/bin:$PATH RENODE_PICO_DATA=/opt/renode-pico/data
USER pico
COPY dist /tmp/dist
RUN python3 -m venv /opt/renode-pico \
 && pip install --no-cache-dir /tmp/dist/*.whl pytest robotframework

ARG RENODE_VERSION=1.16.1
ARG RENODE_FROM=""
RUN [ "$RENODE_VERSION" = none ] \
 || renode-pico setup renode --version "$RENODE_VERSION" ${RENODE_FROM:+--from "/tmp/dist/$RENODE_FROM"}

WORKDIR /work
ENTRYPOINT ["renode-pico"]
CMD ["doctor"]

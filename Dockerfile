# The report without a set-up of your own (docs/container.md):
#   docker build --tag dgm .    and for a machine without a GPU    docker build --tag dgm --build-arg TORCH_INDEX=URL .

# The system alone: what .ci/system-packages lists, and a user without rights. The development container ends here.
FROM debian:12.12-slim AS system
COPY .ci/system-packages /usr/local/sbin/system-packages
RUN system-packages base report tests \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --create-home --shell /bin/bash dgm
USER dgm

FROM system AS report
USER root
# Writable for everybody: any user id may build here.
RUN install --directory --owner=dgm --mode=1777 /dgm
USER dgm
WORKDIR /dgm
# What the set-up reads, and no more, so that a changed text or module does not install everything again.
COPY --chown=dgm Makefile pyproject.toml requirements-uv.txt requirements.txt package.json package-lock.json .npmrc LICENSE ./
COPY --chown=dgm assignments/LICENSE assignments/
COPY --chown=dgm src/dgm/__init__.py src/dgm/
# The environment keeps the address: `make report` without it would install PyTorch with CUDA.
ARG TORCH_INDEX=
ENV TORCH_INDEX=$TORCH_INDEX
RUN touch README.md && UV_COMPILE_BYTECODE=1 make setup && rm -rf "$HOME/.cache" "$HOME/.npm"
COPY --chown=dgm . .
# A user id without an account has neither a home nor a name, and git reads the commit only of a folder that it is told to trust.
ENV HOME=/tmp LOGNAME=dgm GIT_CONFIG_COUNT=1 GIT_CONFIG_KEY_0=safe.directory GIT_CONFIG_VALUE_0=/dgm
CMD ["make", "report"]

# The image of docker-compose.yml; `scripts/campaign image` builds it without an engine, and tries it.

FROM python:3.13-slim AS build
WORKDIR /build
COPY requirements/run.txt requirements/
RUN python -m venv /opt/ingestor && \
    /opt/ingestor/bin/pip install --no-cache-dir --require-hashes -r requirements/run.txt
COPY pyproject.toml MANIFEST.in README.md LICENSE database.rules.json ./
COPY src src
RUN /opt/ingestor/bin/pip install --no-cache-dir --no-deps --no-build-isolation .

FROM python:3.13-slim
COPY --from=build /opt/ingestor /opt/ingestor
RUN useradd --uid 10001 --no-create-home --shell /usr/sbin/nologin ingestor && \
    install -d -o ingestor -g ingestor /state
ENV PATH=/opt/ingestor/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    INGESTOR_STATE=/state
USER ingestor
VOLUME /state
# For `worker`, the only one that is started and left alone; docker-compose.yml has the others'.
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s CMD ["python", "-c", "from urllib.request import urlopen; urlopen('http://127.0.0.1:9464/livez', timeout=4)"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["ingestor"]
CMD ["--help"]

# The API image; the same image runs the worker and the migrations (see compose.yaml).

FROM python:3.13-slim AS build
WORKDIR /app
RUN python -m venv /venv
COPY requirements.lock ./
RUN /venv/bin/pip install --no-cache-dir --disable-pip-version-check \
        --require-hashes --requirement requirements.lock
COPY . .
# Editable: the image keeps the layout of the repository, migrations included.
RUN /venv/bin/pip install --no-cache-dir --disable-pip-version-check \
        --no-deps --no-build-isolation --editable . \
    && /venv/bin/python -m compileall -q src

FROM python:3.13-slim
RUN useradd --uid 10001 --create-home --home-dir /data --shell /usr/sbin/nologin neighborhood
COPY --from=build /venv /venv
COPY --from=build /app /app
ENV PATH="/venv/bin:$PATH" \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    NEIGHBORHOOD_HOST=0.0.0.0 \
    NEIGHBORHOOD_PORT=8000 \
    NEIGHBORHOOD_DATA_DIR=/data
WORKDIR /app
USER neighborhood
VOLUME /data
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s --retries=3 \
    CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:8000/api/v1/health/live', timeout=2)"]
CMD ["neighborhood-api", "serve"]

# syntax=docker/dockerfile:1
# One file, one target per service: docker build --target backend|executor|web .
# Each image holds trestle (the ground floor) and its own service, with the hash-pinned packages that it needs, and runs as a plain user.

FROM python:3.13-slim AS base
ENV PYTHONUNBUFFERED=1 \
    PATH=/venv/bin:$PATH
RUN useradd --uid 10001 --no-create-home --home-dir /app trestle
WORKDIR /app

FROM base AS installer
COPY deploy/requirements/uv.lock deploy/requirements/
RUN pip install --no-cache-dir --require-hashes --requirement deploy/requirements/uv.lock && uv venv /venv
ENV VIRTUAL_ENV=/venv \
    UV_PYTHON_DOWNLOADS=never \
    UV_COMPILE_BYTECODE=1 \
    UV_NO_CACHE=1

FROM installer AS backend-packages
COPY deploy/requirements/backend.lock deploy/requirements/
RUN uv pip install --require-hashes --requirement deploy/requirements/backend.lock

FROM installer AS executor-packages
COPY deploy/requirements/executor.lock deploy/requirements/
RUN uv pip install --require-hashes --requirement deploy/requirements/executor.lock

FROM installer AS web-packages
COPY deploy/requirements/web.lock deploy/requirements/
RUN uv pip install --require-hashes --requirement deploy/requirements/web.lock

# node.js is a package like the others; it stays in this stage.
FROM web-packages AS web-bundle
COPY deploy/requirements/web-build.lock deploy/requirements/
RUN uv pip install --require-hashes --requirement deploy/requirements/web-build.lock
COPY rxconfig.py ./
COPY reflex.lock/ reflex.lock/
COPY trestle/ trestle/
COPY web/ web/
RUN python -m web.build --out /bundle

# Also migrates: `python -m trestle migrate`.
FROM base AS backend
COPY --from=backend-packages /venv /venv
COPY trestle/ trestle/
COPY alembic/ alembic/
COPY backend/ backend/
USER trestle
EXPOSE 8000
CMD ["python", "-m", "backend"]

FROM base AS executor
COPY --from=executor-packages /venv /venv
COPY trestle/ trestle/
COPY executor/ executor/
USER trestle
CMD ["python", "-m", "executor"]

FROM base AS web
COPY --from=web-packages /venv /venv
COPY --from=web-bundle /bundle/dist /bundle/dist
COPY rxconfig.py ./
COPY trestle/ trestle/
COPY web/ web/
ENV TRESTLE_WEB_BUILD=/bundle
USER trestle
EXPOSE 3000
CMD ["python", "-m", "web"]

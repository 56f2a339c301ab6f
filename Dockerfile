# Build: docker build -t ballast .    Run: see docker-compose.yml.

FROM python:3.11-slim AS build
ARG LOCK=runtime
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
RUN python -m venv /opt/venv
COPY requirements/${LOCK}.txt /tmp/lock.txt
RUN /opt/venv/bin/pip install --require-hashes -r /tmp/lock.txt
# A script instead of an installed package: building one would fetch a build tool that no lock
# pins, and the folders keep the layout of a checkout, with alembic.ini beside them.
RUN printf '%s\n' '#!/opt/venv/bin/python' 'import sys' 'from app.cli import main' \
      'sys.exit(main())' > /opt/venv/bin/ballast \
    && chmod 0755 /opt/venv/bin/ballast

FROM python:3.11-slim
# An upgrade on PostgreSQL dumps the database first.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends postgresql-client \
    && rm -rf /var/lib/apt/lists/*
RUN groupadd --system --gid 10001 ballast \
    && useradd --system --uid 10001 --gid ballast --home-dir /var/lib/ballast \
       --shell /usr/sbin/nologin ballast \
    && install -d -o ballast -g ballast -m 0700 /var/lib/ballast
COPY --from=build /opt/venv /opt/venv
WORKDIR /srv/ballast
COPY alembic.ini ./
COPY domain domain
COPY application application
COPY infrastructure infrastructure
COPY app app
RUN /opt/venv/bin/python -m compileall -q domain application infrastructure app
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONPATH=/srv/ballast \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    HOME=/var/lib/ballast \
    BALLAST_HOST=0.0.0.0 \
    BALLAST_PORT=8000 \
    BALLAST_DATA_DIR=/var/lib/ballast
USER 10001:10001
VOLUME ["/var/lib/ballast"]
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python", "-c", "import os, urllib.request as u; u.urlopen('http://127.0.0.1:' + os.environ['BALLAST_PORT'] + '/livez', timeout=4)"]
ENTRYPOINT ["ballast"]
CMD ["serve"]

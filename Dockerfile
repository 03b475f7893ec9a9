FROM python:3.11-slim
WORKDIR /opt/vigil
COPY requirements/runtime.lock requirements/runtime.lock
RUN pip install --no-cache-dir --require-hashes -r requirements/runtime.lock
COPY pyproject.toml README.md ./
COPY domain domain
COPY application application
COPY infrastructure infrastructure
COPY interfaces interfaces
COPY vigil vigil
RUN pip install --no-cache-dir --no-deps . && useradd --create-home vigil
USER vigil
ENTRYPOINT []
CMD ["vigil", "up"]

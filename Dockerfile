# flsec and the packages of its lock; CPU only.
#
#   docker build -t flsec .
#   docker run --rm -v "$PWD:/work" flsec run quickstart
FROM python:3.11-slim
WORKDIR /opt/flsec
COPY requirements.txt ./
RUN pip install --no-cache-dir --no-deps --require-hashes --only-binary :all: -r requirements.txt
COPY . ./
RUN pip install --no-cache-dir --no-deps --no-build-isolation .
WORKDIR /work
ENTRYPOINT ["flsec"]
CMD ["--help"]

# syntax=docker/dockerfile:1
# The product: one image for api, worker, bridge and migrate; the command says which.

FROM golang:1.26-bookworm AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
RUN CGO_ENABLED=0 go build -trimpath -buildvcs=false -o /out/cinnamon ./cmd/cinnamon

# Node runs the Playwright driver; npm fetches it, and stays behind in this stage.
FROM node:22-bookworm-slim AS driver
ENV PLAYWRIGHT_DRIVER_PATH=/opt/playwright-driver \
    PLAYWRIGHT_NODEJS_PATH=/usr/local/bin/node \
    BROWSER_EXECUTABLE=/usr/bin/chromium-headless-shell
RUN apt-get update \
 && apt-get install -y --no-install-recommends ca-certificates chromium-headless-shell \
 && rm -rf /var/lib/apt/lists/*
COPY --from=build /out/cinnamon /usr/local/bin/cinnamon
RUN cinnamon browser install

FROM debian:12-slim
RUN apt-get update \
 && apt-get install -y --no-install-recommends ca-certificates chromium-headless-shell fonts-liberation fonts-noto-cjk tini \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --system --uid 10001 --create-home --home-dir /var/lib/cinnamon cinnamon \
 && install -d -o cinnamon -g cinnamon /var/lib/cinnamon/artifacts
COPY --from=driver /usr/local/bin/node /usr/local/bin/node
COPY --from=driver /opt/playwright-driver /opt/playwright-driver
COPY --from=build /out/cinnamon /usr/local/bin/cinnamon
ENV API_ADDR=0.0.0.0:8080 \
    METRICS_ADDR=0.0.0.0:9464 \
    ARTIFACTS_DIR=/var/lib/cinnamon/artifacts \
    BROWSER_EXECUTABLE=/usr/bin/chromium-headless-shell \
    PLAYWRIGHT_DRIVER_PATH=/opt/playwright-driver \
    PLAYWRIGHT_NODEJS_PATH=/usr/local/bin/node
USER cinnamon
WORKDIR /var/lib/cinnamon
VOLUME /var/lib/cinnamon/artifacts
EXPOSE 8080 9464
# Every role says on METRICS_ADDR whether it is ready.
HEALTHCHECK --interval=10s --timeout=5s --start-period=20s CMD ["cinnamon", "health"]
# tini reaps the browser's processes and passes signals on, so a stopping worker drains.
ENTRYPOINT ["tini", "--", "cinnamon"]
CMD ["api"]

# One image, two programs: Berth itself, and the bundled session application (node dist/session-pod/main.js).
FROM node:24-bookworm-slim AS build
WORKDIR /berth
COPY package.json package-lock.json .npmrc ./
RUN npm ci --no-audit --no-fund
COPY .swcrc ./
COPY scripts/build.mjs scripts/
COPY src src
RUN npm run build

FROM node:24-bookworm-slim AS packages
WORKDIR /berth
COPY package.json package-lock.json .npmrc ./
RUN npm ci --omit=dev --omit=optional --no-audit --no-fund

FROM node:24-bookworm-slim
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="berth" \
      org.opencontainers.image.description="Gives every session id a pod of its own" \
      org.opencontainers.image.version="$VERSION" \
      org.opencontainers.image.revision="$REVISION"
# A session's application may leave children behind; whoever is process 1 has to bury them.
RUN apt-get update \
  && apt-get install -y --no-install-recommends tini \
  && rm -rf /var/lib/apt/lists/* /var/cache/apt/*
WORKDIR /berth
ENV NODE_ENV=production
COPY --from=packages /berth/node_modules node_modules
COPY --from=build /berth/dist dist
COPY scripts/token.mjs scripts/smoke.mjs scripts/isolation.mjs scripts/is-live.mjs scripts/
COPY package.json ./
USER 1000:1000
EXPOSE 8080 9090
HEALTHCHECK --interval=10s --timeout=5s --start-period=10s CMD ["node", "scripts/is-live.mjs"]
ENTRYPOINT ["tini", "--"]
# As `npm start`: requests leave much behind that is dead soon, and a larger young generation is collected less often.
CMD ["node", "--max-semi-space-size=32", "dist/main.js"]

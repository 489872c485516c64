# One image, two programs: Berth itself, and the bundled session application (node dist/session-pod/main.js).
FROM node:24-bookworm-slim AS build
WORKDIR /berth
COPY package.json package-lock.json .npmrc ./
RUN npm ci --omit=optional --no-audit --no-fund
COPY nest-cli.json tsconfig.json tsconfig.build.json ./
COPY src src
RUN npx nest build

FROM node:24-bookworm-slim AS packages
WORKDIR /berth
COPY package.json package-lock.json .npmrc ./
RUN npm ci --omit=dev --omit=optional --no-audit --no-fund

FROM node:24-bookworm-slim
WORKDIR /berth
ENV NODE_ENV=production
COPY --from=packages /berth/node_modules node_modules
COPY --from=build /berth/dist dist
COPY package.json ./
USER 1000:1000
EXPOSE 8080 9090
CMD ["node", "dist/main.js"]

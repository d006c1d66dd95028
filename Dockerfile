# The program and its simulator, each as one static binary in an image without
# a shell, run by a user who may write nowhere (a number, because Kubernetes
# cannot tell that a name is not root's). Build with:
#   docker build --build-arg VERSION=$(git describe --tags --always --dirty) -t contactsync .
#   docker build --target hubspotsim -t hubspotsim .
# The digest says which image it is, whatever the tag points to by now; Dependabot
# proposes newer ones. An engine that cannot pull: see .ci/unpinned.
FROM golang:1.26@sha256:3aff6657219a4d9c14e27fb1d8976c49c29fddb70ba835014f477e1c70636647 AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN --mount=type=cache,target=/go/pkg/mod go mod download
COPY . .
ARG VERSION=dev
ENV CGO_ENABLED=0
RUN --mount=type=cache,target=/go/pkg/mod --mount=type=cache,target=/root/.cache/go-build \
    go build -trimpath -ldflags "-s -w -X main.version=${VERSION}" -o /out/contactsync ./cmd/contactsync && \
    go build -trimpath -ldflags "-s -w" -o /out/hubspotsim ./cmd/hubspotsim

FROM gcr.io/distroless/static-debian12:nonroot@sha256:afa5c872c891853ca7fcf1f12c3edb23f7eeef36189728842dd51042ff57f7ab AS hubspotsim
USER 65532:65532
COPY --from=build /out/hubspotsim /hubspotsim
EXPOSE 8090
HEALTHCHECK --interval=5s --timeout=3s --start-period=5s CMD ["/hubspotsim", "-healthcheck"]
ENTRYPOINT ["/hubspotsim"]
CMD ["-addr", "0.0.0.0:8090"]

FROM gcr.io/distroless/static-debian12:nonroot@sha256:afa5c872c891853ca7fcf1f12c3edb23f7eeef36189728842dd51042ff57f7ab AS contactsync
USER 65532:65532
COPY --from=build /out/contactsync /contactsync
# Every interface: a container's own loopback is of no use to anybody. Platforms
# set another PORT.
ENV PORT=8080
EXPOSE 8080
HEALTHCHECK --interval=5s --timeout=3s --start-period=10s CMD ["/contactsync", "healthcheck"]
ENTRYPOINT ["/contactsync"]
CMD ["run"]

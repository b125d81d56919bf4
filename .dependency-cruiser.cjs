/** The layers of docs/architecture.md: imports point down only. */
const layer = (name, from, to) => ({
  name,
  severity: "error",
  comment: "protocol < domain < services < adapters < main: imports point down only (docs/architecture.md)",
  from: { path: from },
  to: { path: to },
});

module.exports = {
  forbidden: [
    layer("net-is-the-floor", "^src/net/", "^src/(?!net/)"),
    layer("protocol-is-pure", "^src/protocol/", "^src/(?!protocol/|net/)"),
    layer("domain-is-pure", "^src/domain/", "^src/(?!domain/|protocol/|net/)"),
    layer("services-use-ports", "^src/services/", "^src/(?!services/|domain/|protocol/|net/|config/)"),
    layer("adapters-are-the-edge", "^src/adapters/", "^src/(main\\.ts|compose|cli/)"),
    layer("config-is-low", "^src/config/", "^src/(?!config/|domain/|net/)"),
    layer(
      "cli-is-a-client",
      "^src/cli/",
      "^src/(?!cli/|config/|domain/|net/|main\\.ts|adapters/(client|host)/)",
    ),
    layer("nobody-imports-main", "^src/(?!cli/serve|cli/restore|cli/muster)", "^src/main\\.ts"),
    {
      name: "pure-layers-do-no-io",
      severity: "error",
      comment: "bytes and rules only: no sockets, files, processes or packages below the services",
      from: { path: "^src/(net|protocol|domain)/" },
      to: { dependencyTypes: ["core", "npm"], pathNot: "^(node:)?(buffer)$|zod" },
    },
    { name: "no-cycles", severity: "error", from: {}, to: { circular: true } },
    {
      name: "no-orphans",
      severity: "error",
      from: {
        orphan: true,
        path: "^src/",
        pathNot: "^src/(main|cli/muster)\\.ts$|\\.mjs$|/views/static/|\\.d\\.ts$",
      },
      to: {},
    },
    {
      name: "no-dev-at-run-time",
      severity: "error",
      from: { path: "^src/" },
      to: { dependencyTypes: ["npm-dev"], dependencyTypesNot: ["type-only"] },
    },
  ],
  options: {
    doNotFollow: { path: "node_modules" },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: "tsconfig.json" },
    enhancedResolveOptions: { extensions: [".ts", ".mjs", ".js"] },
  },
};

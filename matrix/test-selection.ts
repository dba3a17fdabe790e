/** Words for `scripts/test.mjs`: what is run on each version of etcd. What no etcd can change is left out. */
export const onEtcd: readonly string[] = [
  "integration/",
  "fault/lock-",
  ...[
    "api-docs",
    "cli-at-least",
    "cli-command-line",
    "cli-crash",
    "cli-endings",
    "cli-guardian",
    "cli-kept-code",
    "cli-ping",
    "cli-process-group",
    "cli-reference",
    "cli-signals",
    "cli-stuck",
    "cli-terminal",
    "lock-arguments",
    "testing-demo",
    "testing-find-etcd",
    "testing-programs",
    "testing-tcp-proxy",
    "web-locks-types",
  ].map((file) => `!integration/${file}`),
];

/** What is run on each version of Node.js: the package as it is installed, the library, and the command in all its duties. */
export const onNode: readonly string[] = [
  "package/",
  "integration/cli-crash",
  "integration/cli-guardian",
  "integration/cli-loss",
  "integration/cli-run",
  "integration/cli-signals",
  "integration/lock-loss-of-etcd",
  "integration/lock-processes",
  "integration/lock-take",
  "integration/manager-acquire",
  "unit/",
];

/** What `npm test` runs on the newest etcd as well: where versions of etcd have differed, or may. */
export const essential: readonly string[] = [
  "integration/election",
  "integration/line-order",
  "integration/lock-loss.",
  "integration/lock-nospace",
  "integration/lock-rewrites",
  "integration/manager-guards",
  "integration/secured-",
];

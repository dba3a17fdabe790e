// Preloaded: writes down what a program has loaded when it ends.
const { writeFileSync } = require("node:fs");

process.once("exit", () => {
  const files = Object.keys(require.cache).filter((file) => file !== __filename);
  const builtins = process.moduleLoadList.flatMap((name) => name.match(/^NativeModule (\w+)$/)?.[1] ?? []);
  writeFileSync(process.env.LOADED_LIST, JSON.stringify({ files, builtins }));
});

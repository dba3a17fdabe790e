import { fileURLToPath } from "node:url";

/** The project's folder, ending in a slash. This file is compiled to `build/bench/`. */
export const rootFolder: string = fileURLToPath(new URL("../../", import.meta.url));

/** Where the benchmark installs and builds what it compares with. Not checked in. */
export const peersFolder: string = `${rootFolder}bench/.peers`;

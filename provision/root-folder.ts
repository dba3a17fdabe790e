import { fileURLToPath } from "node:url";

/** The project's folder, ending in a slash. This file is compiled to `build/provision/`. */
export const rootFolder: string = fileURLToPath(new URL("../../", import.meta.url));

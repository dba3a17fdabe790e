import { readFile } from "node:fs/promises";

/** Something that a module exports, as the compiler declares it. */
export interface Declaration {
  readonly name: string;
  /** Of a class or an interface: the properties and methods that are for users, inherited ones left out. */
  readonly members: readonly string[];
}

/** What the declarations at `index` export, which does nothing but re-export. The default export is left out. */
export async function readExports(index: URL): Promise<readonly Declaration[]> {
  const text = await readFile(index, "utf8");
  const statements = [...text.matchAll(/^export (?:type )?\{(.*?)\} from "(.*?)\.[jt]s";$/gms)];
  const declarations = statements.map(async ([, names = "", module = ""]) => {
    const source = await readFile(new URL(`${module}.d.ts`, index), "utf8");
    return readNames(names).map((name) => ({ name, members: readMembers(source, name) }));
  });
  return (await Promise.all(declarations)).flat();
}

function readNames(list: string): readonly string[] {
  return list
    .split(",")
    .map((name) => name.trim().replace(/^type /, ""))
    .filter((name) => name !== "" && !name.endsWith(" as default"));
}

/** The compiler indents members by four spaces, and whatever is in them by more. */
function readMembers(source: string, name: string): readonly string[] {
  const declaration = new RegExp(`^export (?:declare class|interface) ${name}\\b.*?^\\}$`, "ms").exec(source);
  const [body = ""] = declaration ?? [];
  const isError = name.endsWith("Error");
  const forUsers = body.replace(/^ {4}\/\*\*(?:(?!\*\/).)*@internal \*\/\n.*?;\n/gms, "");
  const members = [...forUsers.matchAll(/^ {4}(?:readonly |get |set )?(\w+)[?:(<]/gm)].map(([, member = ""]) => member);
  return [...new Set(members)].filter((member) => member !== "constructor" && !(isError && member === "name"));
}

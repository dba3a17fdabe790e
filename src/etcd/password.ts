import { readFileSync, type Stats, statSync } from "node:fs";
import { platform } from "node:os";
import { show, showUnreadable } from "../show.ts";

/** A user of etcd, with the password or a file that holds it. */
export interface EtcdUserOptions {
  readonly name: string;
  readonly password?: string;
  /** A file with the password, and nothing else but a line end. It is read at each login, and must not be open to everybody. */
  readonly passwordFile?: string;
}

/** Whoever has an account on the machine may read, or write, the file. */
const openToAll = 0o006;

/** @throws TypeError that names the option, what came, unless it is secret, and what is allowed. */
export function checkUser(user: unknown): EtcdUserOptions {
  if (typeof user !== "object" || user === null) {
    throw new TypeError(
      `user must be an object { name, password } or { name, passwordFile }; got ${show(typeof user)}`,
    );
  }
  const { name, password, passwordFile }: Partial<Record<keyof EtcdUserOptions, unknown>> = user;
  if (typeof name !== "string" || name === "") {
    throw new TypeError(`user.name must be a string that is not empty; got ${show(name)}`);
  }
  if ((password === undefined) === (passwordFile === undefined)) {
    const both = password === undefined ? "neither is" : "both are";
    throw new TypeError(`user must have either password or passwordFile; ${both} given`);
  }
  if (passwordFile !== undefined && (typeof passwordFile !== "string" || passwordFile === "")) {
    throw new TypeError(`user.passwordFile must be a path; got ${show(passwordFile)}`);
  }
  if (password !== undefined && (typeof password !== "string" || password === "")) {
    throw new TypeError("user.password must be a string that is not empty");
  }
  return user as EtcdUserOptions;
}

/**
 * Gives the password whenever it is asked for.
 *
 * @throws TypeError when the file cannot be read, is empty, or everybody could read or write it; so does the result.
 */
export function openPassword({ password, passwordFile = "" }: EtcdUserOptions): () => string {
  if (password !== undefined) return () => password;
  const look = (): Stats => ask(passwordFile, () => statSync(passwordFile));
  const file = look();
  const first = readPassword(passwordFile, file);
  // What comes through a pipe comes once.
  return file.isFile() ? () => readPassword(passwordFile, look()) : () => first;
}

function readPassword(path: string, file: Stats): string {
  if (file.isFile() && platform() !== "win32" && (file.mode & openToAll) !== 0) {
    throw new TypeError(`user.passwordFile ${show(path)} is open to everybody on this machine: chmod 600 ${path}`);
  }
  const password = ask(path, () => readFileSync(path, "utf8")).replace(/\r?\n$/, "");
  if (password === "") throw new TypeError(`user.passwordFile ${show(path)} is empty`);
  return password;
}

function ask<T>(path: string, question: () => T): T {
  try {
    return question();
  } catch (cause) {
    throw new TypeError(`user.passwordFile cannot be read: ${showUnreadable(path, cause)}`, { cause });
  }
}

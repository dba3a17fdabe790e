/**
 * A name, as etcd keys. `<path>/<suffix>` is an entry of its line, `<path>!<suffix>` the hold record of that entry.
 *
 * Plain, path-like names are their own path, so that Go's `concurrency.Mutex` and `etcdctl lock` mean the same line. Any
 * other character is percent-encoded, `%` and `!` among them: two different strings never share a path, and no path
 * contains the mark of a record.
 */
export class LineName {
  /** The name as the caller gave it. */
  readonly name: string;
  #path: string;

  /** @throws RangeError when the encoded name is longer than {@link longestPath} bytes. */
  constructor(name: string) {
    this.name = name;
    this.#path = encodePath(name);
    if (this.#path.length > longestPath) {
      throw new RangeError(`key must be at most ${longestPath} bytes when encoded for etcd; got ${this.#path.length}`);
    }
  }

  /**
   * The name that a key of etcd belongs to, as an entry or a hold record; `undefined` when it can be neither. A path that
   * we would not have made, of a foreign lock, is taken for the name.
   */
  static ofKey(key: string): LineName | undefined {
    const path = /^(.*)!(?:[0-9a-f]+(?:-[0-9a-z]+)?)$/s.exec(key)?.[1] ?? /^(.*)\/[^/]*$/s.exec(key)?.[1];
    return path === undefined ? undefined : LineName.#fromPath(path);
  }

  static #fromPath(path: string): LineName {
    const line = new LineName(decodePath(path));
    line.#path = path;
    return line;
  }

  /** The range of all keys of the names that begin with `prefix`. */
  static prefixRange(prefix: string): KeyRange {
    const key = prefix === "" ? "" : encodePath(prefix);
    return key === "" ? { key: "\0", rangeEnd: "\0" } : { key, rangeEnd: successor(key) };
  }

  /** The range of the line's keys: entries, and whatever belongs to deeper names. */
  get entries(): KeyRange {
    return { key: `${this.#path}/`, rangeEnd: `${this.#path}0` };
  }

  /** The range of the hold records. */
  get records(): KeyRange {
    return { key: `${this.#path}!`, rangeEnd: `${this.#path}"` };
  }

  entryKey(suffix: string): string {
    return `${this.#path}/${suffix}`;
  }

  recordKey(suffix: string): string {
    return `${this.#path}!${suffix}`;
  }

  /** Whether a key is, or would be, an entry or a hold record of this very line. */
  owns(key: string): boolean {
    return this.suffixOfEntry(key) !== undefined || this.suffixOfRecord(key) !== undefined;
  }

  /** The suffix of an entry of this very line; `undefined` for a key of a deeper name (`a/b/…`, `a/b!…` in line `a`). */
  suffixOfEntry(key: string): string | undefined {
    const suffix = this.#after("/", key);
    return suffix === undefined || /[/!]/.test(suffix) ? undefined : suffix;
  }

  /** The suffix of a hold record; `undefined` for a key that cannot be one. */
  suffixOfRecord(key: string): string | undefined {
    const suffix = this.#after("!", key);
    return suffix !== undefined && /^[0-9a-f]+(-[0-9a-z]+)?$/.test(suffix) ? suffix : undefined;
  }

  #after(mark: string, key: string): string | undefined {
    const start = this.#path + mark;
    return key.startsWith(start) ? key.slice(start.length) : undefined;
  }
}

/** All keys from `key` up to, and without, `rangeEnd`. */
export interface KeyRange {
  readonly key: string;
  readonly rangeEnd: string;
}

/** The longest encoded name, in bytes. etcd itself would take far longer ones. */
export const longestPath = 4_096;

const plain = /^[A-Za-z0-9/._~:@=+,-]$/;
/** Stands for the empty name: a `%` that encodes nothing. */
const emptyPath = "%";

function encodePath(name: string): string {
  if (name === "") return emptyPath;
  let path = "";
  for (const character of name) path += plain.test(character) ? character : percentEncode(character);
  return path;
}

function decodePath(path: string): string {
  if (path === emptyPath) return "";
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}

/** The first key after all that begin with `key`, which is plain ASCII. */
function successor(key: string): string {
  return key.slice(0, -1) + String.fromCharCode(key.charCodeAt(key.length - 1) + 1);
}

function percentEncode(character: string): string {
  const bytes = isLoneSurrogate(character) ? surrogateBytes(character) : Buffer.from(character);
  return Array.from(bytes, (byte) => `%${byte.toString(16).toUpperCase().padStart(2, "0")}`).join("");
}

/** Half a character is a string of its own in JavaScript; in UTF-8 all of them would become the same U+FFFD. */
function isLoneSurrogate(character: string): boolean {
  return /^[\ud800-\udfff]$/.test(character);
}

function surrogateBytes(character: string): Uint8Array {
  const code = character.charCodeAt(0);
  return Uint8Array.of(0xe0 | (code >> 12), 0x80 | ((code >> 6) & 0x3f), 0x80 | (code & 0x3f));
}

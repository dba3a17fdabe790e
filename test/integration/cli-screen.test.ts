import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { stripVTControlCharacters } from "node:util";
import { cellWidth } from "#dist/cli/view/cell-width.js";
import { newName, startEtcdForCrashes } from "../support/etcd-for-commands.ts";
import { letGo, startEtcdlocker, startHolder, startInTerminal, terminalIsMissing } from "../support/etcdlocker.ts";
import { eventually } from "../support/eventually.ts";
import type { Program } from "../support/programs.ts";
import { startProxy } from "../support/tcp-proxy.ts";

const etcd = await startEtcdForCrashes();
const { endpoints } = etcd;

const home = "\u001b[H";
const [enter, leave] = ["\u001b[?1049h", "\u001b[?1049l"];
const green = "\u001b[32m";

interface Watching extends AsyncDisposable {
  readonly terminal: Program;
  /** All that was sent to the terminal so far. */
  sent(): string;
  /** The lines of the picture that was drawn last. */
  picture(): readonly string[];
}

/** `etcdlocker --watch` on a terminal of 60 columns and 12 lines. */
function watch(name: string, where: readonly string[] = endpoints, before = ""): Watching {
  return listen(startInTerminal(where, `stty cols 60 rows 12; ${before} exec $ETCDLOCKER -k ${name} --watch`));
}

function listen(terminal: Program): Watching {
  let text = "";
  terminal.child.stdout?.on("data", (chunk: Buffer) => {
    text += chunk.toString();
  });
  return {
    terminal,
    sent: () => text,
    [Symbol.asyncDispose]: () => terminal.kill(),
    picture: () => stripVTControlCharacters(text.split(home).at(-1)?.split(leave)[0] ?? "").split("\r\n"),
  };
}

async function shows({ picture }: Watching, pattern: RegExp): Promise<readonly string[]> {
  return await eventually(`it shows ${pattern}`, picture, (lines) => pattern.test(lines.join("\n")), 20_000);
}

describe("a lock that is watched on a terminal", { concurrency: true, skip: terminalIsMissing }, () => {
  it("is drawn in place, no wider than the terminal, and Ctrl-C gives the terminal back with the last picture", async () => {
    const name = newName();
    await using watching = watch(name);
    await shows(watching, /: free/);
    await using holder = await startHolder(endpoints, name, "-i", `日本語のホスト${"long".repeat(30)}\u001b[31m\u202e`);
    const picture = await shows(watching, /holding/);
    assert.equal(picture.filter((line) => line.includes(name)).length, 1);
    assert.deepEqual(
      picture.filter((line) => cellWidth(line) > 60),
      [],
    );
    assert.ok(watching.sent().includes(enter), JSON.stringify(watching.sent()));
    await eventually("who holds is green", watching.sent, (sent) => sent.includes(`${green}holding`));
    assert.ok(!watching.sent().includes("\u202e"));
    watching.terminal.child.stdin?.write("\u0003");
    assert.equal((await watching.terminal.end()).code, 0);
    const [, after = ""] = watching.sent().split(leave);
    assert.match(stripVTControlCharacters(after), /held by 1, 0 waiting\r\n#.*\r\n1 +holding.*\r\n$/);
    await letGo(holder);
  });

  it("is cut to the height of the terminal, which is said", async () => {
    const name = newName();
    await using holder = await startHolder(endpoints, name);
    const waiters = Array.from({ length: 10 }, () => startEtcdlocker(endpoints, ["-k", name, "true"]));
    await using watching = watch(name);
    const picture = await shows(watching, /10 waiting[\s\S]*… \d more lines/);
    assert.equal(picture.length, 12);
    watching.terminal.child.stdin?.write("\u0003");
    await watching.terminal.end();
    await letGo(holder);
    for (const waiter of waiters) await waiter.end();
  });

  it("has no colours where they are not wanted", async () => {
    const name = newName();
    await using holder = await startHolder(endpoints, name);
    await using watching = watch(name, endpoints, "NO_COLOR=1");
    await shows(watching, /holding/);
    assert.ok(!watching.sent().includes("\u001b[3") && !watching.sent().includes("\u001b[1m"));
    watching.terminal.child.stdin?.write("\u0003");
    await watching.terminal.end();
    await letGo(holder);
  });

  it("stays when etcd does not answer, which is said, and goes on when it does", async () => {
    const name = newName();
    await using proxy = await startProxy(endpoints[0] ?? "");
    await using watching = watch(name, [proxy.endpoint]);
    await shows(watching, /: free/);
    proxy.cut();
    await shows(watching, /could not be reached[\s\S]*: free/);
    await proxy.resume();
    await using holder = await startHolder(endpoints, name);
    await shows(watching, /Ctrl-C ends[\s\S]*held by 1/);
    watching.terminal.child.stdin?.write("\u0003");
    await watching.terminal.end();
    await letGo(holder);
  });

  it("gives the terminal back for as long as it is stopped with Ctrl-Z, and draws again afterwards", async () => {
    const name = newName();
    // Job control: an interactive shell goes on when etcdlocker is stopped.
    await using watching = listen(startInTerminal(endpoints, "PS1='$ ' bash --norc --noprofile -i"));
    const type = (text: string): void => void watching.terminal.child.stdin?.write(text);
    type(`$ETCDLOCKER -k ${name} --watch\n`);
    await shows(watching, /: free/);
    type("\u001a");
    const stopped = await eventually("it is stopped", watching.sent, (sent) => sent.includes("Stopped"));
    assert.ok(stopped.lastIndexOf(leave) > stopped.lastIndexOf(enter));
    await using holder = await startHolder(endpoints, name);
    type("fg\n");
    await shows(watching, /held by 1/);
    assert.equal(watching.sent().split(enter).length, 3);
    type("\u0003");
    await eventually("the screen is left", watching.sent, (sent) => sent.lastIndexOf(leave) > sent.lastIndexOf(enter));
    type("echo code $?; exit\n");
    await watching.terminal.line(/^code 0/);
    await letGo(holder);
  });

  it("goes on after Ctrl-Z where no shell is there to go back to", async () => {
    const name = newName();
    await using watching = watch(name);
    await shows(watching, /: free/);
    watching.terminal.child.stdin?.write("\u001a");
    await eventually("it has come back", watching.sent, (sent) => sent.split(enter).length === 3);
    await using holder = await startHolder(endpoints, name);
    await shows(watching, /held by 1/);
    watching.terminal.child.stdin?.write("\u0003");
    assert.equal((await watching.terminal.end()).code, 0);
    await letGo(holder);
  });
});

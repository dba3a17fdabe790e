import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { findFreePorts } from "#dist/testing/free-ports.js";
import { TetheredProcess } from "#dist/testing/tethered-process.js";

const startLimitMs = 10_000;

/** A Redis of this benchmark alone: on loopback, in memory only, ended with us at the latest. */
export class RedisServer implements AsyncDisposable {
  readonly port: number;
  readonly #process: TetheredProcess;
  readonly #folder: string;

  private constructor(port: number, process: TetheredProcess, folder: string) {
    this.port = port;
    this.#process = process;
    this.#folder = folder;
  }

  /** Resolves when it answers. */
  static async start(program: string): Promise<RedisServer> {
    const [port = 0] = await findFreePorts(1);
    const folder = await mkdtemp(join(tmpdir(), "etcd-lock-bench-redis-"));
    const process_ = new TetheredProcess({
      program,
      words: ["--port", String(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", folder],
      environment: process.env,
      logFile: join(folder, "redis.log"),
      folder,
    });
    const server = new RedisServer(port, process_, folder);
    const giveUpAt = performance.now() + startLimitMs;
    while (!(await answers(port))) {
      if (performance.now() > giveUpAt) throw new Error(`redis-server does not answer on port ${port}`);
      await delay(20);
    }
    return server;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#process.signal("SIGKILL");
    await this.#process.ended();
    await rm(this.#folder, { recursive: true, force: true });
  }
}

async function answers(port: number): Promise<boolean> {
  const socket = connect(port, "127.0.0.1");
  try {
    await once(socket, "connect");
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

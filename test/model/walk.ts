import assert from "node:assert/strict";
import type { EtcdClient } from "#dist/etcd/etcd-client.js";
import { connectTo, realPlatform } from "#dist/platform.js";
import type { Random } from "../support/random.ts";
import { describeInspected, inspectedAs } from "./inspected.ts";
import { operations } from "./operations.ts";
import { World } from "./world.ts";

export interface WalkOptions {
  readonly endpoints: readonly string[];
  /** Of all its keys. */
  readonly prefix: string;
  readonly random: Random;
  readonly steps: number;
  /** How long everything may take to come to rest after a step, in milliseconds. */
  readonly patienceMs: number;
}

/** So many operations are carried out together, at most. */
const mostTogether = 5;
/** What the report of a failure tells of. */
const lastSteps = 12;

/**
 * Does something to lines, at random, again and again; and after each step compares etcd, and what everybody was told, with
 * the model. Everybody leaves in the end. Resolves with how often each operation was carried out.
 *
 * @throws Error that says what is not as it must be, and what was done before.
 */
export async function walk(options: WalkOptions): Promise<ReadonlyMap<string, number>> {
  const client = connectTo([...options.endpoints], realPlatform);
  const walking = new Walk(options, client);
  try {
    return await walking.run();
  } finally {
    client.close();
  }
}

class Walk {
  readonly #options: WalkOptions;
  readonly #world: World;
  readonly #counts = new Map<string, number>();
  readonly #story: string[] = [];

  constructor(options: WalkOptions, client: EtcdClient) {
    this.#options = options;
    this.#world = new World(options.endpoints, client, options.prefix, options.random);
  }

  async run(): Promise<ReadonlyMap<string, number>> {
    await this.#world.begin();
    for (let step = 1; step <= this.#options.steps; step += 1) {
      try {
        await this.#takeStep(this.#options.random.chance(0.3) ? 2 + this.#options.random.below(mostTogether - 1) : 1);
      } catch (error) {
        const message = error instanceof Error ? error.message : String(error);
        const story = this.#story.slice(-lastSteps).join("\n  ");
        throw new Error(`step ${step}: ${message}\n  ${story}`, { cause: error });
      }
    }
    await this.#world.end();
    return this.#counts;
  }

  async #takeStep(count: number): Promise<void> {
    const isAlone = count === 1;
    const choice = operations.filter(({ isConcurrent }) => isAlone || isConcurrent);
    const together = Array.from({ length: count }, () =>
      this.#carryOut(pickByWeight(choice, this.#options.random), isAlone),
    );
    await Promise.all(together);
    await this.#world.comeToRest(this.#options.patienceMs);
    await this.#inspect();
  }

  async #carryOut({ name, carryOut }: (typeof operations)[number], isAlone: boolean): Promise<void> {
    const index = this.#story.push(`${name} …${isAlone ? "" : " (with others)"}`) - 1;
    const what = await carryOut(this.#world, isAlone);
    this.#story[index] = what === undefined ? "nothing" : `${name}: ${what}${isAlone ? "" : " (with others)"}`;
    if (what !== undefined) this.#counts.set(name, (this.#counts.get(name) ?? 0) + 1);
  }

  /** What people see of one of the lines. */
  async #inspect(): Promise<void> {
    const { random, managers, names, model } = this.#world;
    const name = random.oneOf(names);
    const line = await random.oneOf(managers).inspect(name);
    assert.deepEqual(describeInspected(line), inspectedAs(model.places.filter((place) => place.name === name)));
  }
}

function pickByWeight(choice: typeof operations, random: Random): (typeof operations)[number] {
  let left = random.fraction() * choice.reduce((sum, { weight }) => sum + weight, 0);
  for (const operation of choice) {
    left -= operation.weight;
    if (left < 0) return operation;
  }
  return random.oneOf(choice);
}

import type { Host } from "./host.ts";
import { carriesMarker, type ProcessEntry, readProcessTable } from "./process-table.ts";

/** What says which processes belong to a command. */
export interface GroupRule {
  /** The process of the command itself. */
  readonly leader: number;
  /** As in `ETCDLOCKER_LEASE=1f`: what the environment of the command has, and no other command's has. */
  readonly marker: string;
  /** The session that the command shares with us and others; `undefined` when it leads a session of its own. */
  readonly shared: SharedSession | undefined;
}

/** The session of a terminal. */
export interface SharedSession {
  /** The id of the session; `undefined` where the system doesn't tell. */
  readonly session: number | undefined;
  /** The process of etcdlocker itself. */
  readonly self: number;
}

/**
 * The processes of `table` that belong to a command: those of its session, with whatever process groups `timeout` or a
 * shell's job control made there. A process that made a session of its own does not belong.
 *
 * A session shared with others, the terminal's, is no help: there, those belong that descend from the command or carry
 * its marker. Where the system doesn't tell sessions, process groups stand in for them.
 */
export function findMembers(
  table: readonly ProcessEntry[],
  { leader, marker, shared }: GroupRule,
  isMarked: (entry: ProcessEntry) => boolean = ({ pid }) => carriesMarker(pid, marker),
): readonly ProcessEntry[] {
  const byPid = new Map(table.map((entry) => [entry.pid, entry]));
  if (shared === undefined) {
    return table.filter((entry) =>
      entry.session === undefined ? entry.group === leader || descends(entry, leader, byPid) : entry.session === leader,
    );
  }
  return table.filter((entry) => {
    // A command that shares the session of the terminal can still make one of its own, as `setsid` does.
    if (entry.session === leader) return true;
    if (entry.pid === shared.self || entry.session !== shared.session) return false;
    return descends(entry, leader, byPid) || isMarked(entry);
  });
}

function descends(entry: ProcessEntry, leader: number, byPid: ReadonlyMap<number, ProcessEntry>): boolean {
  const seen = new Set<number>();
  for (let at: ProcessEntry | undefined = entry; at !== undefined && !seen.has(at.pid); at = byPid.get(at.parent)) {
    if (at.pid === leader) return true;
    seen.add(at.pid);
  }
  return false;
}

/** The processes of one command. Once they are gone they stay gone: a process id may be somebody else's then. */
export class ProcessGroup {
  readonly #host: Host;
  readonly #rule: GroupRule;
  /** Members seen so far: one that was orphaned, and rewrote its environment, could not be told any more. */
  readonly #births = new Map<number, string>();
  #isGone = false;

  constructor(host: Host, rule: GroupRule) {
    if (rule.leader <= 1) throw new RangeError(`not a process of ours: ${rule.leader}`);
    this.#host = host;
    this.#rule = rule;
  }

  /** Sends `signal` to every member that we may signal. */
  async signal(signal: NodeJS.Signals): Promise<void> {
    if (this.#isGone) return;
    const { leader, shared } = this.#rule;
    // At once, and to all of a process group in one step, which no fork can escape.
    const reached = shared === undefined && this.#send(-leader, signal);
    for (const entry of await this.members()) {
      if (!(reached && entry.group === leader)) this.#send(entry.pid, signal);
    }
  }

  /** Whether no member is alive. */
  async isGone(): Promise<boolean> {
    // A member that forks and ends between two lines of the table could hide its child in it, but hardly twice.
    if (!this.#isGone) this.#isGone = (await this.members()).length === 0 && (await this.members()).length === 0;
    return this.#isGone;
  }

  /** The members that are alive. */
  async members(): Promise<readonly ProcessEntry[]> {
    if (this.#isGone) return [];
    const members = findMembers(await readProcessTable(this.#host.platform), this.#rule, this.#isMarked);
    for (const { pid, birth } of members) if (birth !== undefined) this.#births.set(pid, birth);
    return members;
  }

  readonly #isMarked = ({ pid, birth }: ProcessEntry): boolean =>
    (birth !== undefined && this.#births.get(pid) === birth) || carriesMarker(pid, this.#rule.marker);

  #send(pid: number, signal: NodeJS.Signals): boolean {
    try {
      this.#host.kill(pid, signal);
      return true;
    } catch {
      // It has ended, or belongs to another user: whoever asks for members will see it.
      return false;
    }
  }
}

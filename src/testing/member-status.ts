import { authenticate, type EtcdUser } from "./etcd-user.ts";
import { askGateway, type Gateway } from "./gateway.ts";

/** What a member says about its cluster. Ids are decimal strings: they do not fit into a `number`. */
export interface MemberStatus {
  readonly memberId: string;
  /** `"0"` when the member knows of no leader. */
  readonly leaderId: string;
  readonly term: bigint;
}

/** Whether a member carried out a linearizable read within `timeoutMs`. */
export async function isReady(gateway: Gateway, timeoutMs: number): Promise<boolean> {
  try {
    // A full member refuses to call itself healthy, and still serves reads.
    const answer = await askGateway(gateway, { path: "/health?exclude=NOSPACE", timeoutMs });
    return answer.includes(`"health":"true"`);
  } catch {
    return false;
  }
}

/** The status of a member, or `undefined` when it doesn't answer within `timeoutMs`. Since 3.5, `user` has to ask for it. */
export async function readMemberStatus(
  gateway: Gateway,
  user: EtcdUser | undefined,
  timeoutMs: number,
): Promise<MemberStatus | undefined> {
  try {
    const token = user === undefined ? undefined : await authenticate(gateway, user, timeoutMs);
    const answer = await askGateway(gateway, { path: "/v3/maintenance/status", body: {}, token, timeoutMs });
    const status: StatusAnswer = JSON.parse(answer);
    return {
      memberId: status.header?.member_id ?? "0",
      leaderId: status.leader ?? "0",
      term: BigInt(status.raftTerm ?? 0),
    };
  } catch {
    return undefined;
  }
}

/** etcd's JSON leaves out what is zero, and writes 64-bit numbers as strings. */
interface StatusAnswer {
  readonly header?: { readonly member_id?: string };
  readonly leader?: string;
  readonly raftTerm?: string;
}

import { onAbort } from "#dist/abort.js";
import type { Connection, Method, StreamListener, TryOptions } from "#dist/etcd/connection.js";
import type {
  LeaseGrantRequest,
  LeaseGrantResponse,
  LeaseKeepAliveRequest,
  LeaseRevokeRequest,
  LeaseRevokeResponse,
  LeaseTimeToLiveRequest,
  LeaseTimeToLiveResponse,
  WatchResponse,
} from "#dist/etcd/gen/etcd.js";
import { TxnRequest, TxnResponse } from "#dist/etcd/gen/etcd.js";
import { GrpcError, status } from "#dist/grpc/status.js";
import type { Route } from "./route.ts";
import type { Answering, SimulatedCluster } from "./simulated-cluster.ts";
import { SimulatedWatchStream } from "./simulated-watch-stream.ts";

/** In place of `Connection`: the way of one process to one member of the simulated cluster. */
export class SimulatedConnection implements Pick<Connection, Exclude<keyof Connection, "stream">> {
  readonly endpoint: string;
  /** How many requests have been answered. */
  answers = 0;
  readonly #route: Route;

  constructor(endpoint: string, route: Route) {
    this.endpoint = endpoint;
    this.#route = route;
  }

  unary<Request, Response>(
    method: Method<Request, Response>,
    request: Request,
    options: TryOptions,
  ): Promise<Response> {
    const { process, network, member } = this.#route;
    return new Promise<Response>((resolve, reject) => {
      const settle = (action: () => void): void => {
        alarm.cancel();
        stopListening();
        action();
      };
      const alarm = process.schedule(options.timeoutMs, () =>
        settle(() => reject(new GrpcError(status.DEADLINE_EXCEEDED, "the simulated network said nothing"))),
      );
      let stopListening = (): void => {};
      if (options.signal !== undefined) {
        stopListening = onAbort(options.signal, (reason) => settle(() => reject(reason)));
        if (options.signal.aborted) return;
      }
      const back = (action: () => void): void =>
        network.transmit(process, member, "back", () => process.deliver("message", () => settle(action)));
      network.transmit(process, member, "there", () => {
        if (member.state === "down") back(() => reject(new GrpcError(status.UNAVAILABLE, "connection refused")));
        else {
          member.receive(() =>
            this.#handle(method, request, {
              resolve: (answer) => back(() => resolve(this.#count(answer))),
              reject: (error) => back(() => reject(error)),
            }),
          );
        }
      });
    });
  }

  stream(_method: unknown, _headers: unknown, listener: StreamListener<WatchResponse>): SimulatedWatchStream {
    return new SimulatedWatchStream(this.#route, listener);
  }

  discard(): void {
    // Nothing of ours hangs in CONNECTING.
  }

  #count<T>(answer: T): T {
    this.answers += 1;
    return answer;
  }

  /** As etcd's service of that name; `answering` gets its answer. */
  #handle<Request, Response>(
    method: Method<Request, Response>,
    request: Request,
    answering: Answering<Response>,
  ): void {
    if (method.path === "/etcdserverpb.KV/Txn") this.#transact(method, request, answering);
    else this.#serve(method.path, request, answering as Answering<unknown>);
  }

  /** Transactions have an encoding of our own: they go as bytes. */
  #transact<Request, Response>(
    { request: { encode }, response: { decode } }: Method<Request, Response>,
    request: Request,
    answering: Answering<Response>,
  ): void {
    const { cluster, member } = this.#route;
    const transaction = TxnRequest.decode(encode(request).finish());
    cluster.propose(member, () => cluster.model.transact(transaction), {
      resolve: ({ header, value }) => answering.resolve(decode(TxnResponse.encode({ header, ...value }).finish())),
      reject: (error) => answering.reject(error),
    });
  }

  #serve(path: string, request: unknown, answering: Answering<unknown>): void {
    const { cluster, member } = this.#route;
    const propose = <T extends object>(carryOut: () => T): void =>
      cluster.propose(member, carryOut, {
        resolve: ({ header, value }) => answering.resolve({ header, ...value }),
        reject: (error) => answering.reject(error),
      });
    switch (path) {
      case "/etcdserverpb.Lease/LeaseGrant":
        propose(() => grant(cluster, request as LeaseGrantRequest));
        break;
      case "/etcdserverpb.Lease/LeaseRevoke":
        propose(() => revoke(cluster, request as LeaseRevokeRequest));
        break;
      case "/etcdserverpb.Lease/LeaseTimeToLive":
        propose(() => timeToLive(cluster, request as LeaseTimeToLiveRequest));
        break;
      case "/etcdserverpb.Lease/LeaseKeepAlive":
        cluster.keepAlive(member, (request as LeaseKeepAliveRequest).id, answering);
        break;
      default:
        answering.reject(new GrpcError(status.UNIMPLEMENTED, path));
    }
  }
}

function grant(cluster: SimulatedCluster, { id, ttl }: LeaseGrantRequest): Omit<LeaseGrantResponse, "header"> {
  return { id, ttl: cluster.grant(id, ttl), error: "" };
}

function revoke(cluster: SimulatedCluster, { id }: LeaseRevokeRequest): Omit<LeaseRevokeResponse, "header"> {
  cluster.revoke(id);
  return {};
}

function timeToLive(
  { model }: SimulatedCluster,
  { id }: LeaseTimeToLiveRequest,
): Omit<LeaseTimeToLiveResponse, "header"> {
  const lease = model.leases.get(id);
  const keys = [...(lease?.keys ?? [])].map((key) => Buffer.from(key, "latin1"));
  return { id, ttl: lease?.ttl ?? -1n, grantedTtl: lease?.ttl ?? 0n, keys };
}

import { connect } from "node:net";
import { type Clock, systemClock } from "../clock.ts";
import { type Channel, failedChannel } from "../grpc/channel.ts";
import { Http2Channel } from "../grpc/http2-channel.ts";
import { GrpcError, status } from "../grpc/status.ts";
import { messageOf } from "../message-of.ts";
import { Connection } from "./connection.ts";
import type { Tls } from "./tls.ts";

/** A connection of our own to an endpoint (`host:port`), not opened yet. */
export function connectDirectly(endpoint: string, tls?: Tls, clock: Clock = systemClock): Connection {
  return new Connection(endpoint, clock, () => openChannel(endpoint, tls));
}

function openChannel(endpoint: string, tls: Tls | undefined): Channel {
  const colon = endpoint.lastIndexOf(":");
  const host = endpoint.slice(0, colon).replace(/^\[|\]$/g, "");
  const port = Number(endpoint.slice(colon + 1));
  try {
    if (tls === undefined) return new Http2Channel(`http://${endpoint}`, () => connect({ host, port }));
    return new Http2Channel(`https://${endpoint}`, () => tls.connect(host, port));
  } catch (error) {
    // DNS and member lists may name what is no host.
    return failedChannel(new GrpcError(status.UNAVAILABLE, messageOf(error), error));
  }
}

// Counts what all lock managers of this process do, as Prometheus reads it. Nothing needs to be passed to the managers: their
// events are published on diagnostics channels.

import { subscribe, unsubscribe } from "node:diagnostics_channel";

/** Upper limits of the histograms, in seconds. */
const limits = [0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10, 60, 300, Number.POSITIVE_INFINITY];

const families = {
  etcd_lock_wait_seconds: { type: "histogram", help: "From asking for a lock to having it." },
  etcd_lock_hold_seconds: { type: "histogram", help: "From having a lock to having given it back." },
  etcd_lock_held: { type: "gauge", help: "Locks that are held." },
  etcd_lock_waits_total: { type: "counter", help: "Locks that were not to be had at once." },
  etcd_lock_failures_total: { type: "counter", help: "Locks that were not taken." },
  etcd_lock_renewal_failures_total: { type: "counter", help: "Renewals that were tried and failed." },
  etcd_lock_at_risk_total: { type: "counter", help: "Times that a held lock was not renewed for half its TTL." },
  etcd_lock_losses_total: { type: "counter", help: "Held locks that were lost." },
};

/**
 * Starts to count. The names of locks become labels: leave them out where there are many different ones.
 *
 * @returns `text()`, what to answer to a scrape, and `stop()`.
 */
export function collectLockMetrics() {
  const samples = new Map(Object.keys(families).map((family) => [family, new Map()]));
  const held = new Set();

  function add(family, labels, amount = 1, suffix = "") {
    const series = `${family}${suffix}${formatLabels(labels)}`;
    const ofFamily = samples.get(family);
    ofFamily.set(series, (ofFamily.get(series) ?? 0) + amount);
  }

  function observe(family, labels, milliseconds) {
    const seconds = milliseconds / 1_000;
    for (const limit of limits) {
      const le = limit === Number.POSITIVE_INFINITY ? "+Inf" : limit;
      add(family, { ...labels, le }, seconds <= limit ? 1 : 0, "_bucket");
    }
    add(family, labels, seconds, "_sum");
    add(family, labels, 1, "_count");
  }

  function endHold(lock) {
    if (held.delete(lock)) add("etcd_lock_held", { name: lock.name }, -1);
  }

  // A counter without labels is there from the beginning.
  add("etcd_lock_renewal_failures_total", {}, 0);

  const listeners = {
    waiting: ({ name }) => add("etcd_lock_waits_total", { name }),
    acquired: ({ lock, waited }) => {
      held.add(lock);
      add("etcd_lock_held", { name: lock.name });
      observe("etcd_lock_wait_seconds", { name: lock.name }, waited);
    },
    failed: ({ names, error }) => {
      for (const name of names) add("etcd_lock_failures_total", { name, error: error?.code ?? error?.name ?? "other" });
    },
    renewalFailed: () => add("etcd_lock_renewal_failures_total", {}),
    atRisk: ({ lock }) => add("etcd_lock_at_risk_total", { name: lock.name }),
    lost: ({ lock, error }) => {
      endHold(lock);
      add("etcd_lock_losses_total", { name: lock.name, reason: error.reason });
    },
    released: ({ lock, heldFor: milliseconds }) => {
      endHold(lock);
      observe("etcd_lock_hold_seconds", { name: lock.name }, milliseconds);
    },
  };
  const channels = Object.entries(listeners).map(([event, listener]) => [`etcd-lock:${event}`, listener]);
  for (const [channel, listener] of channels) subscribe(channel, listener);

  return {
    text: () => [...samples].flatMap(([family, series]) => formatFamily(family, series)).join(""),
    stop: () => {
      for (const [channel, listener] of channels) unsubscribe(channel, listener);
    },
  };
}

function formatFamily(family, series) {
  const { type, help } = families[family];
  const lines = [...series].map(([name, value]) => `${name} ${value}\n`);
  return [`# HELP ${family} ${help}\n`, `# TYPE ${family} ${type}\n`, ...lines];
}

function formatLabels(labels) {
  const words = Object.entries(labels).map(([label, value]) => `${label}="${escapeValue(String(value))}"`);
  return words.length === 0 ? "" : `{${words.join(",")}}`;
}

function escapeValue(value) {
  return value.replace(/[\\"\n]/g, (character) => (character === "\n" ? "\\n" : `\\${character}`));
}

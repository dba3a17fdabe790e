/** One thing that was looked at. */
export interface Finding {
  readonly level: "good" | "warning" | "failure";
  /** What was looked at: `endpoint`, `version`, `latency`, `ttl`, `clock`, `permissions`, `keys`. */
  readonly topic: string;
  readonly message: string;
  /** What to do about it, when it is not good. */
  readonly advice?: string;
}

export function good(topic: string, message: string): Finding {
  return { level: "good", topic, message };
}

export function warning(topic: string, message: string, advice: string): Finding {
  return { level: "warning", topic, message, advice };
}

export function failure(topic: string, message: string, advice: string): Finding {
  return { level: "failure", topic, message, advice };
}

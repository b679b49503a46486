// How each node is doing in the run that is shown. Kept apart from the graph: a status that changes draws one card again.

import { useCallback, useSyncExternalStore } from "react";

export class StatusStore {
  constructor() {
    this.byKey = new Map();
    this.listeners = new Map();
    this.run = null;
    this.runListeners = new Set();
    this.seen = 0;
  }

  get = (key) => this.byKey.get(key);

  subscribe(key, listener) {
    if (!this.listeners.has(key)) this.listeners.set(key, new Set());
    this.listeners.get(key).add(listener);
    return () => this.listeners.get(key)?.delete(listener);
  }

  subscribeRun = (listener) => {
    this.runListeners.add(listener);
    return () => this.runListeners.delete(listener);
  };

  /** Takes `{events: [{seq, execution_id, status, error, reset, nodes}]}` in; events seen before are passed over. */
  receive(live) {
    for (const event of live?.events ?? []) {
      if (event.seq <= this.seen) continue;
      this.seen = event.seq;
      if (event.reset) this.clear();
      this.run = { ...(event.reset ? {} : this.run), ...event.run };
      for (const [key, status] of Object.entries(event.nodes ?? {})) {
        this.byKey.set(key, status);
        this.listeners.get(key)?.forEach((listener) => listener());
      }
      this.runListeners.forEach((listener) => listener());
    }
  }

  clear() {
    this.byKey.clear();
    this.run = null;
    this.listeners.forEach((listeners) => listeners.forEach((listener) => listener()));
    this.runListeners.forEach((listener) => listener());
  }
}

export const statuses = new StatusStore();

/** The status `{status, ms, items, port, attempt}` of a node, or undefined. */
export const useStatus = (key) =>
  useSyncExternalStore(
    useCallback((listener) => statuses.subscribe(key, listener), [key]),
    () => statuses.get(key),
  );

/** The run that is shown: `{execution_id, status, error, started_at, finished_at}`, or null. */
export const useRun = () => useSyncExternalStore(statuses.subscribeRun, () => statuses.run);
